//! Reading and writing, each on a thread of its own: a silent input or a slow output holds up nobody's answers.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::thread::JoinHandle;

use async_std::channel::{self, Receiver, Sender};

/// Octets read at once.
const CHUNK: usize = 64 * 1024;

/// What the reading thread hands over: octets, none at the end. A channel that closes before is no end.
pub(crate) type Input = Receiver<io::Result<Vec<u8>>>;
/// The writing thread.
pub(crate) type Writing = JoinHandle<io::Result<()>>;

/// A file, or the standard input.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Ok(Box::new(File::open(path)?))
}

/// Reads to the end, or to the first error.
pub(crate) fn read(mut input: impl Read + Send + 'static) -> Input {
    let (sender, receiver) = channel::bounded(2);
    std::thread::spawn(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
            let chunk = match input.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.map(|read| {
                    chunk.truncate(read);
                    chunk
                }),
            };
            let is_last = chunk.as_ref().map_or(true, Vec::is_empty);
            if sender.send_blocking(chunk).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// Writes to a file, or to the standard output, until the sending half is dropped.
pub(crate) fn write(path: &Path) -> io::Result<(Sender<Vec<u8>>, Writing)> {
    let mut output: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stdout())
    } else {
        Box::new(File::create(path)?)
    };
    let (sender, receiver) = channel::bounded::<Vec<u8>>(4);
    let writing = std::thread::spawn(move || {
        while let Ok(lines) = receiver.recv_blocking() {
            output.write_all(&lines)?;
            output.flush()?;
        }
        Ok(())
    });
    Ok((sender, writing))
}
