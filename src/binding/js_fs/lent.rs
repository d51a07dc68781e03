//! Reads into JavaScript buffers and writes from them while JavaScript may run: in pieces, each of which is
//! copied, as the buffer may be detached between two pieces.

use napi::bindgen_prelude::*;
use napi::sys;

use super::call::bytes_of;
use crate::abi::{Errno, Filesize};

/// The maximum size of a piece in bytes.
const PIECE: usize = 64 << 10;

/// Reads up to `len` bytes into a buffer, with `read`.
///
/// # Errors
///
/// Those of `read` for the first piece. [`Errno::Fault`]: the buffer has been detached.
pub fn read(
    env: &Env,
    buffer: sys::napi_value,
    len: usize,
    at: Option<Filesize>,
    read: impl Fn(&mut [u8], Option<Filesize>) -> std::result::Result<usize, Errno>,
) -> std::result::Result<usize, Errno> {
    pieces(len, at, |piece, done, at| {
        let nread = read(piece, at)?;
        if nread == 0 {
            return Ok(0);
        }
        let place = bytes_of(env.raw(), buffer).and_then(|bytes| bytes.get_mut(done..done + nread));
        place.ok_or(Errno::Fault)?.copy_from_slice(&piece[..nread]);
        Ok(nread)
    })
}

/// Writes up to `len` bytes of a buffer, with `write`.
///
/// # Errors
///
/// As [`read`].
pub fn write(
    env: &Env,
    buffer: sys::napi_value,
    len: usize,
    at: Option<Filesize>,
    write: impl Fn(&mut [u8], Option<Filesize>) -> std::result::Result<usize, Errno>,
) -> std::result::Result<usize, Errno> {
    pieces(len, at, |piece, done, at| {
        if !piece.is_empty() {
            let end = done + piece.len();
            let bytes = bytes_of(env.raw(), buffer).and_then(|bytes| bytes.get(done..end));
            piece.copy_from_slice(bytes.ok_or(Errno::Fault)?);
        }
        write(piece, at)
    })
}

/// Calls `each` with room for a piece, the number of bytes before it, and its offset in the file, until all is
/// done or a piece is short. A transfer of 0 bytes is one piece.
fn pieces(
    len: usize,
    at: Option<Filesize>,
    mut each: impl FnMut(&mut [u8], usize, Option<Filesize>) -> std::result::Result<usize, Errno>,
) -> std::result::Result<usize, Errno> {
    let mut room = vec![0; len.min(PIECE)];
    let mut done = 0;
    loop {
        let piece = (len - done).min(PIECE);
        let at = at.map(|at| at.saturating_add(done as Filesize));
        match each(&mut room[..piece], done, at) {
            Ok(count) => {
                done += count;
                if count < piece || done == len {
                    return Ok(done);
                }
            }
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => return Ok(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(len: usize, most: usize) -> (usize, Vec<(usize, usize, Option<u64>)>) {
        let mut calls = Vec::new();
        let mut left = most;
        let done = pieces(len, Some(7), |piece, done, at| {
            calls.push((piece.len(), done, at));
            let count = piece.len().min(left);
            left -= count;
            Ok(count)
        });
        (done.unwrap(), calls)
    }

    #[test]
    fn pieces_follow_each_other_until_one_is_short() {
        assert_eq!(counted(0, 9), (0, vec![(0, 0, Some(7))]));
        assert_eq!(counted(5, 9), (5, vec![(5, 0, Some(7))]));
        assert_eq!(counted(5, 0), (0, vec![(5, 0, Some(7))]));
        let (whole, next) = ((PIECE, 0, Some(7)), Some(7 + PIECE as u64));
        assert_eq!(counted(PIECE, PIECE), (PIECE, vec![whole]));
        assert_eq!(
            counted(PIECE + 9, PIECE + 2),
            (PIECE + 2, vec![whole, (9, PIECE, next)])
        );
        assert_eq!(
            counted(3 * PIECE, PIECE),
            (PIECE, vec![whole, (PIECE, PIECE, next)])
        );
    }

    #[test]
    fn an_error_after_the_first_piece_is_for_the_next_call() {
        let fail = |from: usize| {
            pieces(2 * PIECE, None, |piece, done, at| {
                assert_eq!(at, None);
                if done >= from {
                    Err(Errno::Io)
                } else {
                    Ok(piece.len())
                }
            })
        };
        assert_eq!(fail(0), Err(Errno::Io));
        assert_eq!(fail(PIECE), Ok(PIECE));
    }
}
