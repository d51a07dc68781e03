//! The same races in processes to which system calls are refused, so that paths are walked.

#[path = "../seccomp/again.rs"]
mod again;

fn all_under(name: &str) {
    let stdout = again::under(again::profile(name).unwrap(), &["--skip", "portable::"]);
    for race in stdout.lines().filter(|line| line.contains("race ")) {
        println!("{race} {name}");
    }
}

#[test]
fn where_the_kernel_does_not_know_them() {
    all_under("linux-4.4");
}

#[test]
fn where_they_are_not_permitted() {
    all_under("docker-19.03");
}
