//! Prints the SHA-256 of each file in `tree`, in the order of the names, and writes
//! them to `sums`. tokio's tasks run in as many threads as `TOKIO_WORKER_THREADS` says;
//! files are read and sums are made in those of its blocking pool.
//!
//! `tree` and `sums` are in the directory `ROOT`, of which all paths are absolute: for
//! those that are not wasi-libc has one buffer, which all threads write to.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

fn main() -> io::Result<()> {
    let root = env::var_os("ROOT").ok_or_else(|| io::Error::other("no ROOT"))?;
    Builder::new_multi_thread()
        // Those of the tasks are taken from the same: where a thread more cannot be
        // made, what blocks would wait for one for ever.
        .max_blocking_threads(4)
        .enable_time()
        .build()?
        .block_on(digests(Path::new(&root)))
}

async fn digests(root: &Path) -> io::Result<()> {
    let tree = root.join("tree");
    let (found, mut files) = mpsc::channel(4);
    let walk = tokio::spawn(async move {
        let mut directories = vec![tree];
        while let Some(directory) = directories.pop() {
            let mut entries = fs::read_dir(directory).await?;
            while let Some(entry) = entries.next_entry().await? {
                if entry.file_type().await?.is_dir() {
                    directories.push(entry.path());
                } else {
                    found.send(entry.path()).await.map_err(io::Error::other)?;
                }
            }
        }
        io::Result::Ok(())
    });
    let mut sums = JoinSet::new();
    while let Some(file) = files.recv().await {
        let name = file.strip_prefix(root).map_err(io::Error::other)?;
        sums.spawn(digest(name.to_path_buf(), file.clone()));
    }
    walk.await??;
    let mut lines = sums
        .join_all()
        .await
        .into_iter()
        .collect::<io::Result<Vec<_>>>()?;
    lines.sort();
    let text = lines.concat();
    fs::write(root.join("sums"), &text).await?;
    print!("{text}");
    // Of two timers the shorter one is first. (Built by stable Rust, tokio is not told
    // that it has atomics here, and sleeps until the next timer whatever wakes it.)
    let slow = timeout(Duration::from_millis(5), sleep(Duration::from_millis(50))).await;
    println!("{} files, timeout {}", lines.len(), slow.is_err());
    Ok(())
}

async fn digest(name: PathBuf, file: PathBuf) -> io::Result<String> {
    let bytes = fs::read(&file).await?;
    let sum = spawn_blocking(move || Sha256::digest(bytes)).await?;
    Ok(format!("{} {sum:x}\n", name.display()))
}
