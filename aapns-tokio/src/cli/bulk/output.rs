//! Writing result lines on a thread of its own: a slow disk or pipe never holds up answers.

use std::io::Write;

use tokio::sync::mpsc;

/// Buffers that wait between the sender and the writing thread.
const AHEAD: usize = 4;

/// A buffer this full goes out at once; others within a second.
pub(super) const FULL: usize = 64 * 1024;

/// Result lines that nobody takes pile up to this; then no more input is read.
pub(super) const STALLED: usize = 1024 * 1024;

/// The sending half; dropping it lets the thread finish.
#[derive(Debug)]
pub(super) struct Output {
    buffers: mpsc::Sender<Vec<u8>>,
    failure: std::sync::mpsc::Receiver<std::io::Error>,
    thread: std::thread::JoinHandle<()>,
}

impl Output {
    /// Starts the thread.
    pub(super) fn new(mut to: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (buffers, mut receiver) = mpsc::channel::<Vec<u8>>(AHEAD);
        let (report, failure) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || {
                while let Some(buffer) = receiver.blocking_recv() {
                    if let Err(error) = to.write_all(&buffer).and_then(|()| to.flush()) {
                        let _ = report.send(error);
                        return;
                    }
                }
            })?;
        Ok(Self {
            buffers,
            failure,
            thread,
        })
    }

    /// Hands `lines` over and leaves it empty, or leaves it as it is if the thread is behind.
    ///
    /// # Errors
    /// The thread's, once it failed.
    pub(super) fn offer(&mut self, lines: &mut Vec<u8>) -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        match self.buffers.try_reserve() {
            Ok(place) => {
                let fresh = Vec::with_capacity(FULL + FULL / 4);
                place.send(std::mem::replace(lines, fresh));
                Ok(())
            }
            Err(mpsc::error::TrySendError::Full(())) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(())) => Err(self.reason()),
        }
    }

    /// Writes what is left, and waits for all of it.
    ///
    /// # Errors
    /// The thread's.
    pub(super) fn finish(self, lines: Vec<u8>) -> std::io::Result<()> {
        if !lines.is_empty() && self.buffers.blocking_send(lines).is_err() {
            return Err(self.reason());
        }
        drop(self.buffers);
        let ended = self.thread.join();
        match (self.failure.try_recv(), ended) {
            (Ok(error), _) => Err(error),
            (Err(_), Ok(())) => Ok(()),
            (Err(_), Err(_)) => Err(std::io::Error::other("the writing thread ended early")),
        }
    }

    fn reason(&self) -> std::io::Error {
        self.failure
            .recv()
            .unwrap_or_else(|_| std::io::Error::other("the writing thread ended early"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_offered_is_written_in_order() {
        let sink = Shared::default();
        let mut output = Output::new(sink.clone()).unwrap();
        let mut lines = Vec::new();
        for number in 0..10_000 {
            writeln!(lines, "{number}").unwrap();
            output.offer(&mut lines).unwrap();
        }
        output.finish(lines).unwrap();
        let expected: String = (0..10_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(
            String::from_utf8(sink.0.lock().unwrap().clone()).unwrap(),
            expected
        );
    }

    #[test]
    fn a_broken_output_says_why() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let error = Output::new(Broken).unwrap().finish(b"x\n".to_vec());
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    }
}
