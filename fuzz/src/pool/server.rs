//! A server in a few lines: it keeps the ids of requests, and answers as the input says.

use arbitrary::{Arbitrary, Result, Unstructured};

const PREFACE: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// Statuses and reasons, each of which the pool treats in a way of its own.
const ANSWERS: [(u16, &str); 10] = [
    (410, "Unregistered"),
    (403, "ExpiredProviderToken"),
    (403, "InvalidProviderToken"),
    (403, "TopicMismatch"),
    (421, ""),
    (429, "TooManyRequests"),
    (429, "TooManyProviderTokenUpdates"),
    (500, "InternalServerError"),
    (503, "Shutdown"),
    (503, "ServiceUnavailable"),
];

const REASONS: [&str; 5] = [
    "",
    "Shutdown",
    "BadCertificate",
    "ExpiredProviderToken",
    "TooManyProviderTokenUpdates",
];

pub(super) struct Server {
    input: Vec<u8>,
    has_preface: bool,
    /// Requests that are complete and not answered.
    open: Vec<u32>,
    highest: u32,
    /// Streams that it allows, as it said last.
    limit: u32,
    /// The most that it ever allowed.
    most: usize,
    pub(super) output: Vec<u8>,
}

impl Server {
    pub(super) fn new(limit: u32) -> Self {
        let mut server = Self {
            input: Vec::new(),
            has_preface: false,
            open: Vec::new(),
            highest: 0,
            limit: 0,
            most: 0,
            output: Vec::new(),
        };
        server.set_limit(limit);
        server
    }

    /// Takes what the client wrote.
    pub(super) fn read(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        if !self.has_preface && self.input.len() >= PREFACE {
            self.has_preface = true;
            self.input.drain(..PREFACE);
        }
        while self.has_preface && self.input.len() >= 9 {
            let word = |at: usize| u32::from_be_bytes(std::array::from_fn(|n| self.input[at + n]));
            let (length, id) = ((word(0) >> 8) as usize, word(5));
            if self.input.len() < 9 + length {
                return;
            }
            let frame: Vec<u8> = self.input.drain(..9 + length).collect();
            match (frame[3], frame[4] & 1 != 0) {
                (HEADERS | DATA, true) => {
                    self.highest = self.highest.max(id);
                    self.open.push(id);
                    assert!(self.open.len() <= self.most, "over the limit");
                }
                (RST_STREAM, _) => self.open.retain(|open| *open != id),
                (SETTINGS, false) => self.frame(SETTINGS, 1, 0, &[]),
                (PING, false) => self.frame(PING, 1, 0, &frame[9..]),
                _ => {}
            }
        }
    }

    /// Does something that servers do.
    pub(super) fn act(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=11)? {
            0..=3 => self.answer_one(input, |server, id, _| {
                server.frame(HEADERS, 5, id, &[0x88]);
                Ok(())
            }),
            4..=6 => self.answer_one(input, |server, id, input| {
                let (status, reason) = *input.choose(&ANSWERS)?;
                let retry_after = input.ratio(1, 3)?.then_some(u8::arbitrary(input)?);
                server.refuse(id, status, reason, retry_after);
                Ok(())
            }),
            7 => self.answer_one(input, |server, id, input| {
                let code = *input.choose(&[1_u32, 2, 7, 7, 8, 11])?;
                server.frame(RST_STREAM, 0, id, &code.to_be_bytes());
                Ok(())
            }),
            8 => {
                self.set_limit(u32::from(u8::arbitrary(input)? % 20));
                Ok(())
            }
            9 => {
                let last = u32::from(u8::arbitrary(input)?).min(self.highest);
                let code = *input.choose(&[0_u32, 0, 11])?;
                self.go_away(last, code, input.choose(&REASONS)?);
                Ok(())
            }
            10 => {
                let more = u32::from(u16::arbitrary(input)?).max(1);
                self.frame(WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
                Ok(())
            }
            _ => {
                let octets = Vec::arbitrary(input)?;
                self.output.extend_from_slice(&octets);
                Ok(())
            }
        }
    }

    /// Is as good as a server can be.
    pub(super) fn help(&mut self) {
        if self.limit < 10 {
            self.set_limit(10);
        }
        for id in std::mem::take(&mut self.open) {
            self.frame(HEADERS, 5, id, &[0x88]);
        }
    }

    fn answer_one<'a>(
        &mut self,
        input: &mut Unstructured<'a>,
        f: impl FnOnce(&mut Self, u32, &mut Unstructured<'a>) -> Result<()>,
    ) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let at = input.choose_index(self.open.len())?;
        let id = self.open.remove(at);
        f(self, id, input)
    }

    fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
        self.most = self.most.max(limit as usize);
        let entry = [&[0, 3][..], &limit.to_be_bytes()].concat();
        self.frame(SETTINGS, 0, 0, &entry);
    }

    fn refuse(&mut self, id: u32, status: u16, reason: &str, retry_after: Option<u8>) {
        let mut block = vec![0x08, 3];
        block.extend_from_slice(status.to_string().as_bytes());
        if let Some(seconds) = retry_after {
            // Literal without indexing, name `retry-after` of the static table (index 53).
            let value = seconds.to_string();
            block.extend_from_slice(&[0x0f, 53 - 15, value.len() as u8]);
            block.extend_from_slice(value.as_bytes());
        }
        self.frame(HEADERS, 4, id, &block);
        let body = format!("{{\"reason\":\"{reason}\"}}");
        self.frame(DATA, 1, id, body.as_bytes());
    }

    fn go_away(&mut self, last: u32, code: u32, reason: &str) {
        self.open.retain(|id| *id <= last);
        let mut payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
        if !reason.is_empty() {
            payload.extend_from_slice(format!("{{\"reason\":\"{reason}\"}}").as_bytes());
        }
        self.frame(GOAWAY, 0, 0, &payload);
    }

    fn frame(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap_or_default();
        self.output.extend_from_slice(&length.to_be_bytes()[1..]);
        self.output.extend_from_slice(&[kind, flags]);
        self.output.extend_from_slice(&id.to_be_bytes());
        self.output.extend_from_slice(payload);
    }
}
