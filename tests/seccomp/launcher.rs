//! `launcher PROFILE PROGRAM [ARGUMENT...]`: runs a program to which system calls are refused.

mod filter;

use std::env;
use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1);
    let profile = (args.next().as_deref())
        .and_then(|name| filter::profile(name.to_str()?))
        .ok_or("usage: launcher PROFILE PROGRAM [ARGUMENT...]")?;
    let program = args.next().ok_or("which program?")?;
    filter::install(&profile.program())?;
    Err(Command::new(program).args(args).exec().into())
}
