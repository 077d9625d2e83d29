//! Reading on a thread of its own, so that a slow or silent input never holds up answers.

use std::io::{ErrorKind, Read};

use tokio::sync::mpsc;

/// Octets asked of the input at once. Several hundred lines; small enough that lines read ahead are few.
const CHUNK: usize = 64 * 1024;

/// Chunks that wait between the reading thread and the sender.
const AHEAD: usize = 2;

/// What the reading thread hands over: octets, or the error after which no more follow.
pub(super) type Chunk = std::io::Result<Vec<u8>>;

/// Starts the thread. It ends by itself at the end of the input, or when the receiver goes away.
pub(super) fn read(input: impl Read + Send + 'static) -> std::io::Result<mpsc::Receiver<Chunk>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let mut input = input;
            while let Some(chunk) = next_chunk(&mut input) {
                let is_last = chunk.is_err();
                if sender.blocking_send(chunk).is_err() || is_last {
                    break;
                }
            }
        })?;
    Ok(receiver)
}

/// One successful read: what is there now, without waiting for more. `None` at the end.
fn next_chunk(input: &mut impl Read) -> Option<Chunk> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => return None,
            Ok(read) => {
                chunk.truncate(read);
                return Some(Ok(chunk));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives three octets at a time, and is interrupted before each of them.
    struct Drip<'a>(&'a [u8], bool);

    impl Read for Drip<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let (now, later) = self.0.split_at(self.0.len().min(3));
            to[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    #[test]
    fn what_is_there_is_handed_over_without_waiting_for_more() {
        let mut input = Drip(b"a\nb\nc", false);
        assert_eq!(next_chunk(&mut input).unwrap().unwrap(), b"a\nb");
        assert_eq!(next_chunk(&mut input).unwrap().unwrap(), b"\nc");
        assert!(next_chunk(&mut input).is_none());
    }

    #[test]
    fn an_input_that_breaks_says_so_once() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("gone"))
            }
        }
        let mut chunks = read(Broken).unwrap();
        assert!(chunks.blocking_recv().unwrap().is_err());
        assert!(chunks.blocking_recv().is_none());
    }
}
