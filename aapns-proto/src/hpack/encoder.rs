//! Field blocks out (RFC 7541 §6).

use bytes::Bytes;

use crate::request::Request;

/// Encodes the requests of one connection, in order; no block may be dropped.
#[derive(Debug)]
pub struct Encoder {}

impl Encoder {
    /// An encoder with an empty table, for requests of this `:scheme` and `:authority`.
    pub fn new(_scheme: Bytes, _authority: Bytes) -> Self {
        Self {}
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE, each value in the order received, before its
    /// acknowledgement is sent.
    pub fn set_peer_table_size(&mut self, _size: u32) {}

    /// The value of `authorization` from now on; `None`: no such field.
    pub fn set_authorization(&mut self, _value: Option<Bytes>) {}

    /// Appends one whole field block.
    pub fn encode(&mut self, _request: &Request, _out: &mut Vec<u8>) {}

    /// The decoded size of the request's fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts it:
    /// name + value + 32 for each (RFC 9113 §6.5.2).
    pub fn list_size(&self, _request: &Request) -> usize {
        0
    }
}
