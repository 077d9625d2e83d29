//! One line out: what became of it.

use std::borrow::Cow;

use serde::Deserialize;

use super::Text;
use crate::ApnsId;

/// What became of a line. The words are a file format: a sixth would be a new major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A final answer with status 200.
    Delivered,
    /// A final answer with another status.
    Rejected,
    /// Provably never processed by a server, in any attempt: safe to send again.
    NotProcessed,
    /// May have been processed.
    Unknown,
    /// The line can't be a notification.
    Invalid,
}

impl Outcome {
    pub(super) const ALL: [Self; 5] = [
        Self::Delivered,
        Self::Rejected,
        Self::NotProcessed,
        Self::Unknown,
        Self::Invalid,
    ];

    /// The word in the output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::NotProcessed => "not_processed",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
        }
    }

    /// Whether sending the line again is pointless: it was answered, or never can be. Under
    /// at-most-once, [`Unknown`](Self::Unknown) must not be sent again either.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Delivered | Self::Rejected | Self::Invalid)
    }
}

/// The result of one line, to be written.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputLine<'a> {
    /// The number of the line in the input, from 1.
    pub line: u64,
    /// The device token as the line spells it, if it could be read.
    pub device_token: Option<&'a str>,
    /// `apns-id`: the one given or made.
    pub apns_id: Option<ApnsId>,
    /// `apns-unique-id`, which the sandbox answers.
    pub unique_id: Option<ApnsId>,
    /// What became of it.
    pub outcome: Outcome,
    /// The status of the final answer.
    pub status: Option<u16>,
    /// The reason of a rejection, or what is wrong with the line.
    pub reason: Option<&'a str>,
    /// With 410: when the token died, in UNIX milliseconds.
    pub timestamp: Option<u64>,
    /// How often its request was begun on a connection.
    pub attempts: u32,
    /// Whether more than one attempt may have been processed.
    pub possible_duplicate: bool,
    /// Why there is no final answer.
    pub cause: Option<&'a str>,
}

/// Shows no device token.
impl std::fmt::Debug for OutputLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputLine")
            .field("line", &self.line)
            .field("apns_id", &self.apns_id)
            .field("outcome", &self.outcome)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("attempts", &self.attempts)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl<'a> OutputLine<'a> {
    /// A result with nothing but its outcome.
    pub const fn new(line: u64, outcome: Outcome) -> Self {
        Self {
            line,
            device_token: None,
            apns_id: None,
            unique_id: None,
            outcome,
            status: None,
            reason: None,
            timestamp: None,
            attempts: 0,
            possible_duplicate: false,
            cause: None,
        }
    }

    /// Appends the line with its line feed: every key, in this order, `null` where there is nothing.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"line\": ");
        write_number(out, self.line);
        out.extend_from_slice(b", \"device_token\": ");
        write_text(out, self.device_token);
        out.extend_from_slice(b", \"apns_id\": ");
        write_id(out, self.apns_id);
        out.extend_from_slice(b", \"unique_id\": ");
        write_id(out, self.unique_id);
        out.extend_from_slice(b", \"outcome\": \"");
        out.extend_from_slice(self.outcome.as_str().as_bytes());
        out.extend_from_slice(b"\", \"status\": ");
        write_optional_number(out, self.status.map(u64::from));
        out.extend_from_slice(b", \"reason\": ");
        write_text(out, self.reason);
        out.extend_from_slice(b", \"timestamp\": ");
        write_optional_number(out, self.timestamp);
        out.extend_from_slice(b", \"attempts\": ");
        write_number(out, u64::from(self.attempts));
        out.extend_from_slice(b", \"possible_duplicate\": ");
        out.extend_from_slice(if self.possible_duplicate {
            b"true"
        } else {
            b"false"
        });
        out.extend_from_slice(b", \"cause\": ");
        write_text(out, self.cause);
        out.extend_from_slice(b"}\n");
    }
}

/// What resuming needs to know of a line that was written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settled {
    /// The number of the line in the input.
    pub line: u64,
    /// The id to use again.
    pub apns_id: Option<ApnsId>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Settled {
    /// Reads an output line; `None` if it isn't one, as the last line of a killed process may not be.
    pub fn parse(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            line: u64,
            #[serde(borrow)]
            apns_id: Option<Text<'a>>,
            #[serde(borrow)]
            outcome: Text<'a>,
        }

        let wire: Wire<'_> = serde_json::from_slice(line).ok()?;
        let apns_id = match wire.apns_id {
            Some(Text(id)) => Some(ApnsId::parse_bytes(id.as_bytes())?),
            None => None,
        };
        let Text(word) = wire.outcome;
        let outcome = Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)?;
        Some(Self {
            line: wire.line,
            apns_id,
            outcome,
        })
    }
}

fn write_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.extend_from_slice(b"null"),
        Some(text) => {
            out.push(b'"');
            out.extend_from_slice(escaped(text).as_bytes());
            out.push(b'"');
        }
    }
}

/// The text as it stands between quotes; nearly all of it needs no escape.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |octet: u8| octet >= b' ' && octet != b'"' && octet != b'\\';
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    Cow::Owned(inner.to_owned())
}

fn write_id(out: &mut Vec<u8>, id: Option<ApnsId>) {
    match id {
        None => out.extend_from_slice(b"null"),
        Some(id) => {
            out.push(b'"');
            out.extend_from_slice(&id.encode());
            out.push(b'"');
        }
    }
}

fn write_optional_number(out: &mut Vec<u8>, number: Option<u64>) {
    match number {
        None => out.extend_from_slice(b"null"),
        Some(number) => write_number(out, number),
    }
}

/// Digits from the right, without the formatting machinery.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        // The remainder is below 10.
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}
