use std::borrow::Cow;

/// The rest of a path that is being resolved: the targets of links that are being followed, and last of all the
/// path itself.
#[derive(Default)]
pub(super) struct Rest<'p> {
    /// A stack: the text that is next is the last one. Each with the offset of its rest, which is never empty.
    texts: Vec<(Cow<'p, [u8]>, usize)>,
    /// Whether there was a slash after the last component of all.
    pub slashes: bool,
}

impl<'p> Rest<'p> {
    /// Adds a text, which comes before the rest.
    pub fn put_before(&mut self, text: Cow<'p, [u8]>) {
        if text.iter().any(|byte| *byte != b'/') {
            self.texts.push((text, 0));
        }
    }

    /// Whether no component is left.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Takes the next component. False if there is none.
    pub fn next(&mut self, component: &mut Vec<u8>) -> bool {
        let Some((text, done)) = self.texts.last_mut() else {
            return false;
        };
        let rest = &text[*done..];
        let start = rest.iter().position(|byte| *byte != b'/').unwrap_or(0);
        let name = &rest[start..];
        let len = (name.iter().position(|byte| *byte == b'/')).unwrap_or(name.len());
        component.clear();
        component.extend_from_slice(&name[..len]);
        let behind = &name[len..];
        if behind.iter().all(|byte| *byte == b'/') {
            let slashes = !behind.is_empty();
            self.texts.pop();
            self.slashes |= slashes && self.texts.is_empty();
        } else {
            *done += start + len;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The components of a path, and whether it ends in a slash. Each link is a component, and the target that
    /// is resolved in its place.
    fn components(path: &str, links: &[(&str, &str)]) -> (Vec<String>, bool) {
        let mut rest = Rest::default();
        rest.put_before(Cow::Borrowed(path.as_bytes()));
        let mut links = links.iter();
        let mut link = links.next();
        let (mut all, mut component) = (Vec::new(), Vec::new());
        while rest.next(&mut component) {
            let name = String::from_utf8(component.clone()).unwrap();
            match link {
                Some((at, target)) if *at == name => {
                    rest.put_before(Cow::Borrowed(target.as_bytes()));
                    link = links.next();
                }
                _ => all.push(name),
            }
        }
        (all, rest.slashes)
    }

    #[test]
    fn a_path_falls_into_components() {
        for (path, expected, slashes) in [
            ("a", &["a"][..], false),
            ("a/", &["a"], true),
            ("a//b///", &["a", "b"], true),
            ("./a/../b", &[".", "a", "..", "b"], false),
            ("a/.", &["a", "."], false),
        ] {
            let (all, behind) = components(path, &[]);
            assert_eq!(all, expected, "{path}");
            assert_eq!(behind, slashes, "{path}");
        }
    }

    #[test]
    fn the_target_of_a_link_takes_its_place() {
        for (path, links, expected, slashes) in [
            ("l", &[("l", "a")][..], &["a"][..], false),
            ("l", &[("l", "a/")], &["a"], true),
            ("l//", &[("l", "a")], &["a"], true),
            ("l/b", &[("l", "a/")], &["a", "b"], false),
            ("x/l/b", &[("l", "../a")], &["x", "..", "a", "b"], false),
            ("l/c", &[("l", "m/b"), ("m", "a")], &["a", "b", "c"], false),
            ("l", &[("l", "m/"), ("m", "a")], &["a"], true),
            ("l/b", &[("l", "/")], &["b"], false),
            ("l", &[("l", "")], &[], false),
        ] {
            let (all, behind) = components(path, links);
            assert_eq!(all, expected, "{path} {links:?}");
            assert_eq!(behind, slashes, "{path} {links:?}");
        }
    }
}
