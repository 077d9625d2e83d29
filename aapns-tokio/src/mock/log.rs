//! What happens in the mock, for people and for tests: one event at a time.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use super::tap::lock;

/// Something that happened. As JSON: an object with `event` and the fields below.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// A connection's TLS stands, with HTTP/2 agreed on; its preface may still fail to come.
    Opened {
        /// Its number, from 1.
        connection: u64,
    },
    /// A connection ended.
    Closed {
        /// Its number.
        connection: u64,
        /// Why: `client`, `goaway`, `cut`, `stopped` or an error.
        why: &'a str,
    },
    /// A notification was accepted for delivery; its answer may still get lost.
    Accepted {
        /// The connection's number.
        connection: u64,
        /// The stream.
        stream: u32,
        /// The device token.
        device_token: &'a str,
        /// The client's id, or the one made here.
        apns_id: &'a str,
    },
    /// An answer was handed to HTTP/2, and is about to be written.
    Answered {
        /// The connection's number.
        connection: u64,
        /// The stream.
        stream: u32,
        /// The id, as in the answer.
        apns_id: &'a str,
        /// The status.
        status: u16,
        /// The reason, of other statuses than 200.
        reason: Option<&'a str>,
    },
    /// A request was refused by RST_STREAM(REFUSED_STREAM): not processed.
    Refused {
        /// The connection's number.
        connection: u64,
        /// The stream.
        stream: u32,
    },
    /// A GOAWAY was sent.
    Goaway {
        /// The connection's number.
        connection: u64,
        /// The last-stream-id: what is above was not processed.
        last_stream_id: u32,
    },
    /// Another MAX_CONCURRENT_STREAMS was announced.
    Limit {
        /// The connection's number.
        connection: u64,
        /// The limit.
        max_concurrent_streams: u32,
    },
    /// A connection went silent.
    Silent {
        /// The connection's number.
        connection: u64,
    },
}

/// Who is told of events: a function, called in the order of events and from several threads.
pub(super) type Observer = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// Where events go.
pub(super) struct Log {
    started: Instant,
    observer: Option<Observer>,
    file: Option<Mutex<Lines>>,
}

struct Lines {
    file: File,
    pending: Vec<u8>,
}

#[derive(Serialize)]
struct Line<'a> {
    at_ms: u64,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl Log {
    pub(super) fn new(observer: Option<Observer>, path: Option<&Path>) -> io::Result<Self> {
        let file = match path {
            Some(path) => Some(Mutex::new(Lines {
                file: File::create(path)?,
                pending: Vec::new(),
            })),
            None => None,
        };
        Ok(Self {
            started: Instant::now(),
            observer,
            file,
        })
    }

    /// Notes an event; in the file it appears with the next [`flush`](Self::flush).
    pub(super) fn note(&self, event: &Event<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
        if let Some(file) = &self.file {
            let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let pending = &mut lock(file).pending;
            if serde_json::to_writer(&mut *pending, &Line { at_ms, event }).is_ok() {
                pending.push(b'\n');
            }
        }
    }

    /// Writes what is pending: once a turn, before its answers leave, so that a killed mock has noted
    /// all that clients know of. A full disk doesn't stop the mock.
    pub(super) fn flush(&self) {
        let Some(file) = &self.file else { return };
        let Lines { file, pending } = &mut *lock(file);
        if !pending.is_empty() {
            let _ = file.write_all(pending);
            pending.clear();
        }
    }
}
