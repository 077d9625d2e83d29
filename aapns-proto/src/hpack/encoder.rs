//! Field blocks out (RFC 7541 §6).
//!
//! A block is `:path`, then one cached piece (all that is constant for the request's [`Head`]),
//! then the fields of the request alone:
//!
//! ```text
//! 04 27 "/3/device/…"     literal, never in the table
//! 83 87 c1 0f08… c0 bf be the piece of the head: indices, and `authorization` as a literal
//! 0f 2e 24 "eabeae54-…"   apns-id: an indexed name, a literal value
//! ```
//!
//! A head's fields are inserted into the peer's table at its first use, and the piece is coded
//! against the table as it is afterwards. Whatever changes the table begins a new epoch, and a
//! piece of an older epoch is coded again before its next use, this time without insertions: so
//! heads that push each other out of a small table settle down to literals.

use bytes::Bytes;

use super::heads::{Heads, Slot};
use super::{huffman, integer};
use crate::limits;
use crate::request::{Head, Request};

/// Encodes the requests of one connection, in order. Every block must be sent: a later one builds on it.
pub struct Encoder {
    constants: Constants,
    table: Table,
    heads: Heads,
    names: [Name; 3],
}

impl Encoder {
    /// An encoder with an empty table, for requests of this `:scheme` and `:authority`. An empty
    /// authority is left out.
    pub fn new(scheme: Bytes, authority: Bytes) -> Self {
        Self {
            constants: Constants {
                scheme,
                authority,
                authorization: None,
                index_authorization: false,
            },
            table: Table::new(),
            heads: Heads::new(),
            names: [
                b"apns-id".as_slice(),
                b"apns-expiration",
                b"apns-collapse-id",
            ]
            .map(Name::new),
        }
    }

    /// Puts `authorization` into the peer's table too. It saves some 200 octets a request; Apple's
    /// older page says not to, its newer one allows it.
    #[must_use]
    pub fn indexing_authorization(mut self) -> Self {
        self.constants.index_authorization = true;
        self
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE, each value in the order received. The next block
    /// signals it (RFC 7541 §4.2): so that block goes after the acknowledgement.
    pub fn set_peer_table_size(&mut self, size: u32) {
        self.table.limit(size);
    }

    /// The value of `authorization` from now on; `None`: no such field.
    pub fn set_authorization(&mut self, value: Option<Bytes>) {
        self.constants.authorization = value;
        self.table.epoch += 1;
        if self.constants.index_authorization {
            self.heads.allow_insertion();
        }
    }

    /// Appends one whole field block.
    #[inline]
    pub fn encode(&mut self, request: &Request, out: &mut Vec<u8>) {
        if self.table.is_resized() {
            self.resize(out);
        }
        let (path, fields) = request.path_and_fields();
        // Room for all that most requests have.
        out.reserve(path.len() + TYPICAL_REST);
        out.push(PATH);
        string(path, out);
        let slot = self.heads.find(request.head());
        if slot.epoch == self.table.epoch {
            out.extend_from_slice(&slot.piece);
        } else {
            encode_head(slot, &self.constants, &mut self.table, out);
        }
        for (name, value) in fields {
            let [id, expiration, collapse_id] = &mut self.names;
            let known = match name {
                APNS_ID => id,
                APNS_EXPIRATION => expiration,
                APNS_COLLAPSE_ID => collapse_id,
                _ => {
                    literal(name, value, out);
                    continue;
                }
            };
            known.encode(value, &mut self.table, out);
        }
    }

    /// The decoded size of the request's fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts it:
    /// name + value + 32 for each (RFC 9113 §6.5.2). The head's part is remembered.
    pub fn list_size(&self, request: &Request) -> usize {
        let head = match self.heads.peek(request.head()) {
            Some(slot) if slot.epoch == self.table.epoch => slot.list_size,
            _ => self.constants.list_size(request.head()),
        };
        let (path, fields) = request.path_and_fields();
        let path = b":path".len() + path.len() + limits::FIELD_OVERHEAD;
        path + head + fields.list_size()
    }

    #[cold]
    fn resize(&mut self, out: &mut Vec<u8>) {
        self.table.resize(out);
        self.heads.allow_insertion();
        for name in &mut self.names {
            name.may_insert = true;
        }
    }
}

/// Octets of a block beside the path: a provider token, and a few indices and small fields.
const TYPICAL_REST: usize = 512;

/// A literal without indexing whose name is the static table's `:path` (RFC 7541 §6.2.2, appendix A).
const PATH: u8 = 0x04;

/// The fields that differ from request to request: Apple's advice is to index the names alone.
const APNS_ID: &[u8] = b"apns-id";
const APNS_EXPIRATION: &[u8] = b"apns-expiration";
const APNS_COLLAPSE_ID: &[u8] = b"apns-collapse-id";

/// Names whose values are secrets: literals without indexing, also when a head has them.
const SECRET: [&[u8]; 3] = [b"authorization", b"proxy-authorization", b"cookie"];

/// The field that can't be in a table, since its value can't be in a request.
const NOWHERE: &[u8] = b"\0";

/// Codes the head's piece anew, and appends it or, at first use, the same fields with insertions.
#[cold]
fn encode_head(slot: &mut Slot, constants: &Constants, table: &mut Table, out: &mut Vec<u8>) {
    let inserts = std::mem::take(&mut slot.may_insert);
    if inserts {
        for (name, value) in constants.fields(&slot.head) {
            if constants.is_secret(name) {
                table.reference(name, value, out);
            } else {
                table.insert(name, value, out);
            }
        }
    }
    slot.piece.clear();
    for (name, value) in constants.fields(&slot.head) {
        table.reference(name, value, &mut slot.piece);
    }
    slot.list_size = constants.list_size(&slot.head);
    slot.epoch = table.epoch;
    if !inserts {
        out.extend_from_slice(&slot.piece);
    }
}

/// What every request of the connection has.
struct Constants {
    scheme: Bytes,
    authority: Bytes,
    authorization: Option<Bytes>,
    index_authorization: bool,
}

impl Constants {
    /// All fields but `:path` that requests of this head share, pseudo-fields first.
    fn fields<'a>(&'a self, head: &'a Head) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let method = head.method().as_str().as_bytes();
        let authority = Some(&self.authority).filter(|authority| !authority.is_empty());
        [(b":method".as_slice(), method), (b":scheme", &self.scheme)]
            .into_iter()
            .chain(authority.map(|value| (b":authority".as_slice(), value.as_ref())))
            .chain(
                self.authorization
                    .as_ref()
                    .map(|value| (b"authorization".as_slice(), value.as_ref())),
            )
            .chain(head.fields())
    }

    fn is_secret(&self, name: &[u8]) -> bool {
        SECRET.contains(&name) && !(self.index_authorization && name == b"authorization")
    }

    fn list_size(&self, head: &Head) -> usize {
        self.fields(head)
            .map(|(name, value)| name.len() + value.len() + limits::FIELD_OVERHEAD)
            .sum()
    }
}

/// The peer's table, as httlib's encoder keeps it: every insertion and size update goes through here.
struct Table {
    encoder: httlib_hpack::Encoder<'static>,
    /// The size that the peer's decoder has now.
    size: u32,
    /// The lowest size that the peer allowed since the last block.
    lowest: u32,
    /// The size that it allows now.
    allowed: u32,
    /// Counts the changes that move or remove entries, or change a constant.
    epoch: u64,
}

impl Table {
    fn new() -> Self {
        let size = limits::HEADER_TABLE_SIZE;
        Self {
            encoder: httlib_hpack::Encoder::with_dynamic_size(size),
            size,
            lowest: size,
            allowed: size,
            epoch: 1,
        }
    }

    /// Never uses more than the initial size, whatever the peer allows.
    fn limit(&mut self, size: u32) {
        self.allowed = size.min(limits::HEADER_TABLE_SIZE);
        self.lowest = self.lowest.min(self.allowed);
    }

    #[inline]
    fn is_resized(&self) -> bool {
        self.lowest != self.size || self.allowed != self.size
    }

    /// Signals the lowest size and the final one (RFC 7541 §4.2).
    fn resize(&mut self, out: &mut Vec<u8>) {
        for size in [self.lowest, self.allowed] {
            if size != self.size {
                let result = self.encoder.update_max_dynamic_size(size, out);
                debug_assert!(result.is_ok(), "a prefix of five bits is a valid one");
                self.size = size;
            }
        }
        self.lowest = self.allowed;
        self.epoch += 1;
    }

    /// Codes a field by its index, or inserts it, unless it would push out much of the table.
    fn insert(&mut self, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
        let size = name.len() + value.len() + limits::FIELD_OVERHEAD;
        let is_small = u32::try_from(size).is_ok_and(|size| size <= self.size / 4);
        if !is_small {
            return self.reference(name, value, out);
        }
        let start = out.len();
        self.code(name, value, httlib_hpack::Encoder::WITH_INDEXING, out);
        if out.get(start).is_some_and(|first| first & INDEXED == 0) {
            self.epoch += 1;
        }
    }

    /// Codes a field by its index, or as a literal without indexing, with its name by index if it can be.
    fn reference(&mut self, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
        self.code(name, value, 0, out);
    }

    fn code(&mut self, name: &[u8], value: &[u8], indexing: u8, out: &mut Vec<u8>) {
        let mut flags = indexing | httlib_hpack::Encoder::BEST_FORMAT;
        if huffman::encoded_len(name) < name.len() {
            flags |= httlib_hpack::Encoder::HUFFMAN_NAME;
        }
        if huffman::encoded_len(value) < value.len() {
            flags |= httlib_hpack::Encoder::HUFFMAN_VALUE;
        }
        let result = self
            .encoder
            .encode((name.to_vec(), value.to_vec(), flags), out);
        debug_assert!(
            result.is_ok(),
            "every octet has a code, and no string has 4 GiB"
        );
    }
}

/// The bit of an indexed field (RFC 7541 §6.1).
const INDEXED: u8 = 0x80;

/// A field whose name is worth an entry, and whose value is new each time.
struct Name {
    name: &'static [u8],
    /// The start of a literal without indexing, up to the value.
    start: Vec<u8>,
    epoch: u64,
    may_insert: bool,
}

impl Name {
    fn new(name: &'static [u8]) -> Self {
        Self {
            name,
            start: Vec::new(),
            epoch: 0,
            may_insert: true,
        }
    }

    #[inline]
    fn encode(&mut self, value: &[u8], table: &mut Table, out: &mut Vec<u8>) {
        if self.epoch != table.epoch {
            if std::mem::take(&mut self.may_insert) {
                return table.insert(self.name, value, out);
            }
            self.update(table);
        }
        out.extend_from_slice(&self.start);
        string(value, out);
    }

    /// Learns the name's index, if it has one, from the coding of a field that no table holds.
    #[cold]
    fn update(&mut self, table: &mut Table) {
        self.start.clear();
        table.reference(self.name, NOWHERE, &mut self.start);
        let value_len = 1 + NOWHERE.len();
        self.start.truncate(self.start.len() - value_len);
        self.epoch = table.epoch;
    }
}

/// Appends a literal without indexing, name and all.
fn literal(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(0);
    string(name, out);
    string(value, out);
}

/// Appends a string as it is: Huffman coding costs more than it saves on digits.
#[inline(always)]
fn string(text: &[u8], out: &mut Vec<u8>) {
    integer::encode(text.len(), 0, 7, out);
    out.extend_from_slice(text);
}

/// Shows no field: tokens are among them.
impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("table_size", &self.table.size)
            .field("heads", &self.heads.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
