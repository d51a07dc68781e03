//! Directories of the host that are mounted.

use super::*;

fn host(guest: &Guest, path: &str, from_top: &str) -> Preopen {
    Preopen {
        mapped_path: path.into(),
        source: guest.scratch.preopen(from_top),
        rights: Rights::all(),
    }
}

#[test]
fn a_directory_can_be_mounted() {
    for guest in plain() {
        guest
            .ctx
            .mount(host(&guest, "/mnt/out", "outside"), true)
            .unwrap();
        reads(
            &guest,
            ROOT,
            &[
                ("mnt/out/secret", "secret"),
                ("mnt/out/../../file", "0123456789"),
            ],
        );
        guest.ok("path_create_directory", guest.at(ROOT, "mnt/out/new", &[]));
        assert!(guest.scratch.is_dir("../outside/new"));
        assert_eq!(stat_errno(&guest, ROOT, "mnt/out/../../../outside"), Noent);
        guest.ctx.end();
        reads(&guest, ROOT, &[("mnt/out/secret", "secret")]);
    }
}

#[test]
fn one_that_lies_below_a_preopen_has_its_rights_under_either_name() {
    for guest in plain() {
        guest
            .ctx
            .mount(read_only(host(&guest, "/ro", "inside/dir")), true)
            .unwrap();
        for path in ["ro/new", "dir/new", "dir/sub/new", "ro/../dir/new"] {
            let new = guest.at(ROOT, path, &[]);
            guest.refuses("path_create_directory", &[(path, new, Notcapable)]);
        }
        guest.ctx.unmount("/ro", true).unwrap();
        guest.ok("path_create_directory", guest.at(ROOT, "dir/new", &[]));
    }
}

#[test]
fn one_around_a_preopen_leaves_it_its_rights() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.preopens = vec![("/d", "inside/dir")];
        setup.rights = vec![Rights::READ_ONLY];
    }) {
        guest
            .ctx
            .mount(host(&guest, "/all", "inside"), false)
            .unwrap();
        let all = PREOPEN + 1;
        guest.ok("path_create_directory", guest.at(all, "new", &[]));
        let new = guest.at(all, "dir/new", &[]);
        guest.refuses("path_create_directory", &[("dir/new", new, Notcapable)]);
    }
}

/// A link that a guest may have put there is not followed.
#[test]
fn a_link_that_leads_out_of_a_preopen_is_refused() {
    for guest in Guest::every_way_of_host(lower) {
        guest.scratch.link("way_out", "../outside");
        let mounted = guest.ctx.mount(host(&guest, "/m", "inside/way_out"), true);
        assert_eq!(mounted, Err(MountError::Errno(Notcapable)));
        let missing = guest.ctx.mount(host(&guest, "/m", "inside/nothing"), true);
        assert_eq!(missing, Err(MountError::Errno(Noent)));
        assert_eq!(stat_errno(&guest, ROOT, "m"), Noent);
    }
}
