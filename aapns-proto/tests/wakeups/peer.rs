//! A server in a few lines: it reads frames, keeps the ids of requests, and writes what it is told to.
#![allow(dead_code, reason = "shared by tests, each of which needs a part")]

/// The server's end of one connection, over memory.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// Octets of the client that make no whole frame yet.
    input: Vec<u8>,
    has_preface: bool,
    /// Requests that are complete and not answered.
    pub(crate) open: Vec<u32>,
    /// What the client will read.
    pub(crate) output: Vec<u8>,
}

const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const DATA: u8 = 0;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

impl Peer {
    /// A server whose first SETTINGS allow so many streams.
    pub(crate) fn new(limit: u32) -> Self {
        let mut peer = Self::default();
        peer.set_limit(limit);
        peer
    }

    /// Takes what the client wrote.
    pub(crate) fn read(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        if !self.has_preface && self.input.len() >= PREFACE {
            self.has_preface = true;
            self.input.drain(..PREFACE);
        }
        while self.has_preface && self.input.len() >= 9 {
            let length = u32::from_be_bytes([0, self.input[0], self.input[1], self.input[2]]);
            let end = 9 + length as usize;
            if self.input.len() < end {
                return;
            }
            let frame: Vec<u8> = self.input.drain(..end).collect();
            let id = u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]);
            let (kind, flags) = (frame[3], frame[4]);
            match kind {
                HEADERS | DATA if flags & 1 != 0 => self.open.push(id),
                SETTINGS if flags & 1 == 0 => self.frame(SETTINGS, 1, 0, &[]),
                PING if flags & 1 == 0 => self.frame(PING, 1, 0, &frame[9..]),
                _ => {}
            }
        }
    }

    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        let [a, b, c, d] = limit.to_be_bytes();
        self.frame(SETTINGS, 0, 0, &[0, 3, a, b, c, d]);
    }

    /// `:status` 200 for the oldest request.
    pub(crate) fn answer(&mut self) {
        let id = self.open.remove(0);
        self.frame(HEADERS, 0x5, id, &[0x88]);
    }

    /// Any status and reason for the oldest request; the status is a literal (RFC 7541 §6.2.2).
    pub(crate) fn refuse(&mut self, status: u16, reason: &str) {
        self.refuse_for(status, reason, "");
    }

    /// The same with `retry-after`, unless that is empty.
    pub(crate) fn refuse_for(&mut self, status: u16, reason: &str, retry_after: &str) {
        let id = self.open.remove(0);
        let mut fields = vec![0x08, 3];
        fields.extend_from_slice(status.to_string().as_bytes());
        if !retry_after.is_empty() {
            // Its name is entry 53 of the static table.
            fields.extend_from_slice(&[0x0f, 53 - 15, retry_after.len() as u8]);
            fields.extend_from_slice(retry_after.as_bytes());
        }
        self.frame(HEADERS, 0x4, id, &fields);
        let body = format!("{{\"reason\":\"{reason}\"}}");
        self.frame(DATA, 0x1, id, body.as_bytes());
    }

    /// RST_STREAM with this code for the oldest request.
    pub(crate) fn reset(&mut self, code: u32) {
        let id = self.open.remove(0);
        self.frame(RST_STREAM, 0, id, &code.to_be_bytes());
    }

    /// GOAWAY with NO_ERROR: requests above this id were not processed.
    pub(crate) fn go_away(&mut self, last_stream_id: u32) {
        self.go_away_because(last_stream_id, "");
    }

    /// The same with this reason in debug data, unless that is empty.
    pub(crate) fn go_away_because(&mut self, last_stream_id: u32, reason: &str) {
        self.open.retain(|id| *id <= last_stream_id);
        let mut payload = last_stream_id.to_be_bytes().to_vec();
        payload.extend_from_slice(&[0; 4]);
        if !reason.is_empty() {
            payload.extend_from_slice(format!("{{\"reason\":\"{reason}\"}}").as_bytes());
        }
        self.frame(GOAWAY, 0, 0, &payload);
    }

    fn frame(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
        self.output.extend_from_slice(&[a, b, c, kind, flags]);
        self.output.extend_from_slice(&id.to_be_bytes());
        self.output.extend_from_slice(payload);
    }
}
