//! `launcher ENOSYS|EPERM PROGRAM [ARGUMENT...]`: runs a program to which `openat2` is refused.

mod filter;

use std::env;
use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1);
    let errno = match args.next().as_deref().and_then(|name| name.to_str()) {
        Some("ENOSYS") => filter::ENOSYS,
        Some("EPERM") => filter::EPERM,
        _ => return Err("usage: launcher ENOSYS|EPERM PROGRAM [ARGUMENT...]".into()),
    };
    let program = args.next().ok_or("which program?")?;
    filter::refuse_openat2(errno)?;
    Err(Command::new(program).args(args).exec().into())
}
