//! Counts the lines in which a text occurs, in all files below a directory, in as many threads as it is told:
//! `search TEXT DIRECTORY THREADS`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let [text, directory, threads] = args.as_slice() else {
        eprintln!("usage: search TEXT DIRECTORY THREADS");
        return ExitCode::from(2);
    };
    match search(text, Path::new(directory), threads.parse().unwrap_or(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("search: {error}");
            ExitCode::FAILURE
        }
    }
}

fn search(text: &str, directory: &Path, threads: usize) -> io::Result<()> {
    let mut files = Vec::new();
    list(directory, &mut files)?;
    files.sort();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(io::Error::other)?;
    let count = |file: &PathBuf| {
        let content = fs::read(file)?;
        let lines = String::from_utf8_lossy(&content);
        Ok(lines.lines().filter(|line| line.contains(text)).count())
    };
    let counts: io::Result<Vec<_>> = pool.install(|| files.par_iter().map(count).collect());
    for (file, count) in files.iter().zip(counts?) {
        if count > 0 {
            let file = file.strip_prefix(directory).unwrap_or(file);
            println!("{count:4} {}", file.display());
        }
    }
    Ok(())
}

/// The files below a directory.
fn list(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => list(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}
