//! The requests that a fake server has open, and what it learns of each.

use std::collections::BTreeMap;

use super::fate::Fate;
use crate::callers;

/// A request in the making or being answered.
#[derive(Debug)]
pub struct Stream {
    /// The caller's tag, from `apns-id`; none if there was none.
    pub tag: Option<u32>,
    /// `authorization`.
    pub authorization: Option<Vec<u8>>,
    /// Octets of body so far.
    pub body: usize,
    /// What the client may still send on it.
    pub window: i64,
    /// Octets received and not given back.
    pub owed: u32,
    /// The client has ended its side.
    pub is_complete: bool,
    /// What shall become of it, once that is decided.
    pub fate: Option<Fate>,
}

impl Stream {
    /// A request that begins now.
    pub fn new(window: i64) -> Self {
        Self {
            tag: None,
            authorization: None,
            body: 0,
            window,
            owed: 0,
            is_complete: false,
            fate: None,
        }
    }

    /// Takes in one field.
    pub fn learn(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"apns-id" => self.tag = callers::tag_of(value),
            b"authorization" => self.authorization = Some(value.to_vec()),
            _ => {}
        }
    }
}

/// All open requests of a connection.
#[derive(Debug, Default)]
pub struct Streams {
    open: BTreeMap<u32, Stream>,
    highest: u32,
    highest_decided: u32,
}

impl Streams {
    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The highest id that the client has opened.
    pub fn highest(&self) -> u32 {
        self.highest
    }

    /// The highest id that may have been processed: the least that GOAWAY can say.
    pub fn highest_decided(&self) -> u32 {
        self.highest_decided
    }

    /// The client opens a stream.
    pub fn saw(&mut self, id: u32) {
        self.highest = self.highest.max(id);
    }

    /// A stream's fate is decided.
    pub fn decided(&mut self, id: u32) {
        self.highest_decided = self.highest_decided.max(id);
    }

    /// Adds one.
    pub fn insert(&mut self, id: u32, stream: Stream) {
        self.open.insert(id, stream);
    }

    /// One of them.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut Stream> {
        self.open.get_mut(&id)
    }

    /// The id of the oldest.
    pub fn oldest(&self) -> Option<u32> {
        self.open.keys().next().copied()
    }

    /// Ends one.
    pub fn remove(&mut self, id: u32) -> Option<Stream> {
        self.open.remove(&id)
    }

    /// Forgets those above a GOAWAY's last-stream-id.
    pub fn forget_above(&mut self, last: u32) {
        self.open.split_off(&last.saturating_add(1));
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE changed by so much (RFC 9113 §6.9.2).
    pub fn shift_windows(&mut self, by: i64) {
        self.open
            .values_mut()
            .for_each(|stream| stream.window += by);
    }

    /// Streams that the client is still sending and that it is owed octets for, the oldest first.
    pub fn owed(&mut self) -> impl Iterator<Item = (u32, &mut u32, &mut i64)> {
        self.open
            .iter_mut()
            .filter(|(_, stream)| stream.owed > 0 && !stream.is_complete)
            .map(|(id, stream)| (*id, &mut stream.owed, &mut stream.window))
    }
}
