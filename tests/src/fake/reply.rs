//! How a fake server writes its answers.

use fluke_hpack::Encoder;

use super::fate::No;
use super::wire::{self, code, flag, kind};
use crate::rng::Rng;

/// The writing half of a fake server: HPACK by another crate, frames by hand.
pub struct Reply {
    encoder: Encoder<'static>,
    is_elaborate: bool,
    rng: Rng,
    block: Vec<u8>,
    /// The next field block goes out in two parts.
    pub(super) splits_next: bool,
    /// Where in the output the second part of such a block begins.
    pub(super) split_at: Option<usize>,
}

impl Reply {
    /// `is_elaborate`: with CONTINUATION frames and padding.
    pub fn new(is_elaborate: bool, rng: Rng) -> Self {
        Self {
            encoder: Encoder::new(),
            is_elaborate,
            rng,
            block: Vec::new(),
            splits_next: false,
            split_at: None,
        }
    }

    /// 200 with the request's `apns-id`.
    pub fn accept(&mut self, out: &mut Vec<u8>, stream: u32, apns_id: &[u8]) {
        self.head(
            out,
            stream,
            &[(b":status", b"200"), (b"apns-id", apns_id)],
            true,
        );
    }

    /// A no, with its JSON body.
    pub fn reject(&mut self, out: &mut Vec<u8>, stream: u32, apns_id: &[u8], no: No) {
        let status = no.status.to_string();
        let retry_after = no.retry_after.unwrap_or(0).to_string();
        let mut fields: Vec<(&[u8], &[u8])> =
            vec![(b":status", status.as_bytes()), (b"apns-id", apns_id)];
        if no.retry_after.is_some() {
            fields.push((b"retry-after", retry_after.as_bytes()));
        }
        if no.reason.is_empty() {
            return self.head(out, stream, &fields, true);
        }
        fields.push((b"content-type", b"application/json"));
        self.head(out, stream, &fields, false);
        let body = if no.status == 410 {
            format!(r#"{{"reason":"{}","timestamp":1454948015990}}"#, no.reason)
        } else {
            format!(r#"{{"reason":"{}"}}"#, no.reason)
        };
        self.body(out, stream, body.as_bytes());
    }

    /// The headers of a 200 whose end doesn't come: RST_STREAM comes instead.
    pub fn cut_short(&mut self, out: &mut Vec<u8>, stream: u32, apns_id: &[u8]) {
        self.head(
            out,
            stream,
            &[(b":status", b"200"), (b"apns-id", apns_id)],
            false,
        );
        wire::put_reset(out, stream, code::INTERNAL_ERROR);
    }

    /// A response that RFC 9113 §8.3.2 forbids: it has no status.
    pub fn malform(&mut self, out: &mut Vec<u8>, stream: u32) {
        self.head(out, stream, &[(b"server", b"apns")], true);
    }

    /// 103, to be ignored.
    pub fn hint(&mut self, out: &mut Vec<u8>, stream: u32) {
        self.head(
            out,
            stream,
            &[(b":status", b"103"), (b"link", b"</>")],
            false,
        );
    }

    fn head(&mut self, out: &mut Vec<u8>, stream: u32, fields: &[(&[u8], &[u8])], end: bool) {
        self.block.clear();
        let coded = self
            .encoder
            .encode_into(fields.iter().copied(), &mut self.block);
        debug_assert!(coded.is_ok(), "writing to memory");
        let end = if end { flag::END_STREAM } else { 0 };
        let splits = std::mem::take(&mut self.splits_next);
        if !self.is_elaborate && !splits {
            wire::put(
                out,
                kind::HEADERS,
                end | flag::END_HEADERS,
                stream,
                &self.block,
            );
            return;
        }
        let at = usize::try_from(self.rng.below(self.block.len() as u64)).unwrap_or(0);
        let (first, second) = self.block.split_at(at);
        let padded = pad(first, self.rng.below(9));
        wire::put(out, kind::HEADERS, end | flag::PADDED, stream, &padded);
        self.split_at = splits.then_some(out.len());
        wire::put(out, kind::CONTINUATION, flag::END_HEADERS, stream, second);
    }

    fn body(&mut self, out: &mut Vec<u8>, stream: u32, body: &[u8]) {
        if !self.is_elaborate {
            wire::put(out, kind::DATA, flag::END_STREAM, stream, body);
            return;
        }
        let (first, second) = body.split_at(body.len() / 2);
        wire::put(
            out,
            kind::DATA,
            flag::PADDED,
            stream,
            &pad(first, self.rng.below(9)),
        );
        wire::put(out, kind::DATA, 0, stream, second);
        wire::put(out, kind::DATA, flag::END_STREAM, stream, b"");
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

fn pad(payload: &[u8], with: u64) -> Vec<u8> {
    let with = u8::try_from(with).unwrap_or(0);
    let mut padded = vec![with];
    padded.extend_from_slice(payload);
    padded.resize(padded.len() + usize::from(with), 0);
    padded
}
