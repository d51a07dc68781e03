//! `manifest`: writes down the SHA-256 of every file below a directory, and tells later what
//! has changed. The format is that of `sha256sum`, which can check it too. See `--help`.

mod sha256;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sha256::Sha256;

const HELP: &str = "\
Usage: manifest [OPTION]... [DIR]
Writes the SHA-256 of every file below DIR (default: .), sorted by path, in the
format of sha256sum. Links are not followed.

  -o, --output FILE   write the manifest to FILE, which leaves itself out
  -c, --check FILE    compare DIR with the manifest FILE (`-`: standard input)
      --tree          print the directory with the sizes instead
  -x, --exclude NAME  leave out files and directories of that name; may be given
                      again (also: $MANIFEST_EXCLUDE, names separated by commas)
  -h, --help          print this
      --version       print the version

Exit code 0, or 1: --check found a difference, 2: bad option, 3: a file cannot
be read or written.
";

enum Failure {
    Usage(String),
    File(PathBuf, io::Error),
    Manifest(PathBuf, usize),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(what) => write!(f, "{what}\nTry `manifest --help`."),
            Failure::File(path, error) => write!(f, "{}: {error}", path.display()),
            Failure::Manifest(path, line) => {
                write!(f, "{}:{line}: not a line of a manifest", path.display())
            }
        }
    }
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(if matches!(self, Failure::Usage(_)) {
            2
        } else {
            3
        })
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::File(path.to_owned(), error)
}

#[derive(Default)]
struct Options {
    dir: Option<PathBuf>,
    output: Option<PathBuf>,
    check: Option<PathBuf>,
    tree: bool,
    exclude: Vec<String>,
}

enum Command {
    Run(Options),
    Print(&'static str),
}

fn parse_args(args: impl Iterator<Item = OsString>) -> Result<Command, Failure> {
    let mut options = Options::default();
    if let Ok(names) = env::var("MANIFEST_EXCLUDE") {
        options.exclude.extend(
            names
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        );
    }
    let mut args = args.skip(1);
    let mut only_dir = false;
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        if only_dir || !text.starts_with('-') {
            if options.dir.replace(arg.into()).is_some() {
                return Err(Failure::Usage("one DIR at a time".to_owned()));
            }
            continue;
        }
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (&*text, None),
        };
        let mut value = || match inline {
            Some(value) => Ok(OsString::from(value)),
            None => args
                .next()
                .ok_or_else(|| Failure::Usage(format!("{name} needs a value"))),
        };
        match (name, inline) {
            ("-o" | "--output", _) => options.output = Some(value()?.into()),
            ("-c" | "--check", _) => options.check = Some(value()?.into()),
            ("-x" | "--exclude", _) => {
                options
                    .exclude
                    .push(value()?.to_string_lossy().into_owned());
            }
            ("--tree", None) => options.tree = true,
            ("-h" | "--help", None) => return Ok(Command::Print(HELP)),
            ("--version", None) => return Ok(Command::Print("manifest 1.0\n")),
            ("--", None) => only_dir = true,
            _ => return Err(Failure::Usage(format!("bad option {text}"))),
        }
    }
    if options.check.is_some() && (options.output.is_some() || options.tree) {
        return Err(Failure::Usage(
            "--check goes with neither --output nor --tree".to_owned(),
        ));
    }
    Ok(Command::Run(options))
}

/// What is below a directory, by name.
enum Node {
    Dir(BTreeMap<PathBuf, Node>),
    File(u64),
    Link(PathBuf),
    Other,
}

fn walk(dir: &Path, options: &Options) -> Result<BTreeMap<PathBuf, Node>, Failure> {
    let mut nodes = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let entry = entry.map_err(at(dir))?;
        let (name, path) = (entry.file_name(), entry.path());
        let excluded = options
            .exclude
            .iter()
            .any(|exclude| name == exclude.as_str());
        if excluded
            || options
                .output
                .as_deref()
                .is_some_and(|output| same_path(output, &path))
        {
            continue;
        }
        let file_type = entry.file_type().map_err(at(&path))?;
        let node = if file_type.is_dir() {
            Node::Dir(walk(&path, options)?)
        } else if file_type.is_file() {
            Node::File(entry.metadata().map_err(at(&path))?.len())
        } else if file_type.is_symlink() {
            Node::Link(fs::read_link(&path).map_err(at(&path))?)
        } else {
            Node::Other
        };
        nodes.insert(name.into(), node);
    }
    Ok(nodes)
}

/// `components` drops the dots and doubled slashes that two spellings may differ in.
fn same_path(a: &Path, b: &Path) -> bool {
    let plain = |path: &Path| -> PathBuf {
        path.components()
            .filter(|part| !matches!(part, std::path::Component::CurDir))
            .collect()
    };
    plain(a) == plain(b)
}

/// The digests of the files, by their path below the directory.
type Digests = BTreeMap<PathBuf, String>;

fn digest_all(
    dir: &Path,
    below: &Path,
    nodes: &BTreeMap<PathBuf, Node>,
    digests: &mut Digests,
) -> Result<(), Failure> {
    for (name, node) in nodes {
        let path = below.join(name);
        match node {
            Node::Dir(nodes) => digest_all(dir, &path, nodes, digests)?,
            Node::File(_) => {
                let digest = digest_of(&dir.join(&path))?;
                digests.insert(path, digest);
            }
            Node::Link(_) | Node::Other => {}
        }
    }
    Ok(())
}

fn digest_of(path: &Path) -> Result<String, Failure> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hash = Sha256::new();
    let mut buf = vec![0; 65536];
    loop {
        match file.read(&mut buf).map_err(at(path))? {
            0 => break,
            n => hash.update(&buf[..n]),
        }
    }
    Ok(hash
        .finish()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// A path on one line, whatever its bytes are, as sha256sum escapes it.
fn escaped(path: &Path) -> Vec<u8> {
    let mut name = Vec::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' => name.extend_from_slice(b"\\\\"),
            b'\n' => name.extend_from_slice(b"\\n"),
            b'\r' => name.extend_from_slice(b"\\r"),
            _ => name.push(byte),
        }
    }
    name
}

/// One line as sha256sum writes it: a backslash in front says that the name is escaped.
fn line_of(path: &Path, digest: &str) -> Vec<u8> {
    let name = escaped(path);
    let mut line = Vec::new();
    if name != path.as_os_str().as_encoded_bytes() {
        line.push(b'\\');
    }
    line.extend_from_slice(digest.as_bytes());
    line.extend_from_slice(b"  ");
    line.extend(name);
    line.push(b'\n');
    line
}

fn parse_line(line: &str) -> Option<(PathBuf, String)> {
    let (escaped, line) = match line.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (digest, name) = line.split_at_checked(64)?;
    if !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    // The second mark is a star where sha256sum read in binary mode.
    let name = name
        .strip_prefix("  ")
        .or_else(|| name.strip_prefix(" *"))?;
    if name.is_empty() {
        return None;
    }
    let mut path = String::new();
    let mut chars = name.chars();
    while let Some(char) = chars.next() {
        path.push(match char {
            '\\' if escaped => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            _ => char,
        });
    }
    let path = path.strip_prefix("./").unwrap_or(&path);
    Some((path.into(), digest.to_ascii_lowercase()))
}

fn read_manifest(path: &Path) -> Result<Digests, Failure> {
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map_err(at(path))?;
    } else {
        text = fs::read_to_string(path).map_err(at(path))?;
    }
    let bad = |i: usize| Failure::Manifest(path.to_owned(), i + 1);
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty());
    lines
        .map(|(i, line)| parse_line(line).ok_or_else(|| bad(i)))
        .collect()
}

/// Prints what differs; gives the number of differences.
fn compare(expected: &Digests, found: &Digests, out: &mut impl Write) -> io::Result<usize> {
    let mut count = 0;
    let mut paths: Vec<_> = expected.keys().chain(found.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let what = match (expected.get(path), found.get(path)) {
            (Some(a), Some(b)) if a == b => continue,
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "missing",
            (None, _) => "new",
        };
        count += 1;
        write!(out, "{what:8} ")?;
        out.write_all(&escaped(path))?;
        writeln!(out)?;
    }
    Ok(count)
}

fn print_tree(
    nodes: &BTreeMap<PathBuf, Node>,
    indent: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    for (i, (name, node)) in nodes.iter().enumerate() {
        let last = i + 1 == nodes.len();
        let branch = if last { "└── " } else { "├── " };
        write!(out, "{indent}{branch}")?;
        out.write_all(&escaped(name))?;
        match node {
            Node::Dir(_) => writeln!(out, "/")?,
            Node::File(size) => writeln!(out, "  {size}")?,
            Node::Link(target) => writeln!(out, " -> {}", target.display())?,
            Node::Other => writeln!(out, "  ?")?,
        }
        if let Node::Dir(nodes) = node {
            print_tree(
                nodes,
                &format!("{indent}{}", if last { "    " } else { "│   " }),
                out,
            )?;
        }
    }
    Ok(())
}

fn write_output(bytes: &[u8], output: Option<&Path>) -> Result<(), Failure> {
    match output {
        Some(path) => fs::write(path, bytes).map_err(at(path)),
        None => io::stdout()
            .write_all(bytes)
            .map_err(at(Path::new("standard output"))),
    }
}

fn run(options: &Options) -> Result<ExitCode, Failure> {
    let dir = options.dir.as_deref().unwrap_or(Path::new("."));
    // Read first: a manifest that cannot be read should not cost a walk through the directory.
    let expected = options.check.as_deref().map(read_manifest).transpose()?;
    let nodes = walk(dir, options)?;
    let mut bytes = Vec::new();
    if options.tree {
        let into_memory = at(dir);
        writeln!(bytes, "{}", dir.display()).map_err(&into_memory)?;
        print_tree(&nodes, "", &mut bytes).map_err(&into_memory)?;
        write_output(&bytes, options.output.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut digests = Digests::new();
    digest_all(dir, Path::new(""), &nodes, &mut digests)?;
    let Some(expected) = expected else {
        for (path, digest) in &digests {
            bytes.extend(line_of(path, digest));
        }
        write_output(&bytes, options.output.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    };
    // The manifest itself may lie in the directory and cannot list itself.
    digests.retain(|path, _| {
        let itself = options
            .check
            .as_deref()
            .is_some_and(|check| same_path(check, &dir.join(path)));
        !itself || expected.contains_key(path)
    });
    let count = compare(&expected, &digests, &mut bytes).map_err(at(dir))?;
    write_output(&bytes, None)?;
    eprintln!("{} files, {count} differences", expected.len());
    Ok(ExitCode::from(u8::from(count > 0)))
}

fn main() -> ExitCode {
    let result = parse_args(env::args_os()).and_then(|command| match command {
        Command::Print(text) => write_output(text.as_bytes(), None).map(|()| ExitCode::SUCCESS),
        Command::Run(options) => run(&options),
    });
    result.unwrap_or_else(|failure| {
        eprintln!("manifest: {failure}");
        failure.exit_code()
    })
}
