//! Field blocks in (RFC 7541 §3, §6).

use httlib_hpack::table::Table;

use super::{huffman, integer};
use crate::limits;

/// Why a field block can't be decoded: a connection error of COMPRESSION_ERROR (RFC 9113 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The block ends inside a representation.
    #[error("the field block ends inside a field")]
    Truncated,
    /// More than five octets (RFC 7541 §5.1 lets a decoder set the limit).
    #[error("an integer of the field block is too large")]
    Integer,
    /// Index 0, or beyond the tables (RFC 7541 §2.3.3).
    #[error("an index of the field block is outside the tables")]
    Index,
    /// EOS inside, or padding that is not up to seven 1 bits (RFC 7541 §5.2).
    #[error("a Huffman-coded string of the field block is malformed")]
    Huffman,
    /// Not at the start, one of more than two, over our limit, or missing (RFC 7541 §4.2, §6.3).
    #[error("a table size update of the field block is not allowed, or missing")]
    SizeUpdate,
    /// The decoded fields (name + value + 32 each) are over the limit.
    #[error("the decoded field list is too large")]
    ListTooLarge,
    /// An earlier block failed: the table is no longer the peer's.
    #[error("an earlier field block was malformed")]
    Poisoned,
}

/// Decodes the field blocks of one connection, in order.
///
/// Memory is bounded by the table and by four times the longest block.
pub struct Decoder {
    table: Table<'static>,
    /// The SETTINGS_HEADER_TABLE_SIZE that we announced.
    max_table_size: u32,
    /// The limit went below the table's size: the next block must begin with a size update.
    update_due: bool,
    is_poisoned: bool,
    scratch: Scratch,
}

/// Room for the two strings of a field that are Huffman-coded, kept between blocks.
#[derive(Default)]
struct Scratch {
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    /// A decoder with an empty table. `max_table_size`: the SETTINGS_HEADER_TABLE_SIZE that we
    /// announced. Until the peer's first size update the table is no larger than the initial 4096.
    pub fn new(max_table_size: u32) -> Self {
        Self {
            table: Table::with_dynamic_size(max_table_size.min(limits::HEADER_TABLE_SIZE)),
            max_table_size,
            update_due: false,
            is_poisoned: false,
            scratch: Scratch::default(),
        }
    }

    /// A new SETTINGS_HEADER_TABLE_SIZE of ours, at the moment that the peer acknowledged it.
    pub fn set_max_table_size(&mut self, size: u32) {
        self.max_table_size = size;
        if size < self.table.max_dynamic_size() {
            self.table.update_max_dynamic_size(size);
            self.update_due = true;
        }
    }

    /// Decodes one whole block and hands each field, name and value, to `sink` in order.
    ///
    /// `max_list_size` bounds the decoded fields: name + value + 32 for each, so their number too.
    /// Names may be empty or malformed in any way: RFC 9113 §8.2 is the caller's to hold.
    ///
    /// # Errors
    /// [`DecodeError`]; the fields before it have been handed out. Every later call is
    /// [`DecodeError::Poisoned`].
    #[inline]
    pub fn decode<F: FnMut(&[u8], &[u8])>(
        &mut self,
        block: &[u8],
        max_list_size: usize,
        sink: F,
    ) -> Result<(), DecodeError> {
        if self.is_poisoned {
            return Err(DecodeError::Poisoned);
        }
        let result = self.decode_block(block, max_list_size, sink);
        self.is_poisoned = result.is_err();
        result
    }

    fn decode_block<F: FnMut(&[u8], &[u8])>(
        &mut self,
        block: &[u8],
        max_list_size: usize,
        mut sink: F,
    ) -> Result<(), DecodeError> {
        let mut input = self.decode_size_updates(block)?;
        let mut room = max_list_size;
        while let Some(&first) = input.first() {
            let (name, value) = if first & INDEXED != 0 {
                let index = integer::decode(&mut input, 7)?;
                self.table.get(index).ok_or(DecodeError::Index)?
            } else if first & INCREMENTAL != 0 {
                let (name, value) = literal(&mut input, 6, &self.table, &mut self.scratch)?;
                // The new entry may push out the one that its name comes from.
                let (name, value) = (name.to_vec(), value.to_vec());
                room = take_room(room, &name, &value)?;
                sink(&name, &value);
                self.table.insert(name, value);
                continue;
            } else if first & SIZE_UPDATE != 0 {
                return Err(DecodeError::SizeUpdate);
            } else {
                // With or without NEVER_INDEXED, which binds those who forward fields.
                literal(&mut input, 4, &self.table, &mut self.scratch)?
            };
            room = take_room(room, name, value)?;
            sink(name, value);
        }
        Ok(())
    }

    /// Takes the size updates off the front of the block: one, or the lowest and the last (RFC 7541 §4.2).
    #[inline]
    fn decode_size_updates<'a>(&mut self, block: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let mut input = block;
        let mut updates = 0;
        while let Some(&first) = input.first()
            && first & !PREFIX_5 == SIZE_UPDATE
        {
            let size = integer::decode(&mut input, 5)?;
            updates += 1;
            if updates > MAX_SIZE_UPDATES || size > self.max_table_size {
                return Err(DecodeError::SizeUpdate);
            }
            self.table.update_max_dynamic_size(size);
            self.update_due = false;
        }
        if self.update_due {
            return Err(DecodeError::SizeUpdate);
        }
        Ok(input)
    }
}

/// The size updates that a block may begin with.
const MAX_SIZE_UPDATES: u32 = 2;

/// The bit of an indexed field (RFC 7541 §6.1).
const INDEXED: u8 = 0x80;
/// The bit of a literal with incremental indexing (RFC 7541 §6.2.1).
const INCREMENTAL: u8 = 0x40;
/// The bit of a size update (RFC 7541 §6.3), and the five bits after it.
const SIZE_UPDATE: u8 = 0x20;
const PREFIX_5: u8 = 0x1f;
/// The bit of a Huffman-coded string (RFC 7541 §5.2).
const HUFFMAN: u8 = 0x80;

/// A literal's name, by index or in full, and its value.
#[inline]
fn literal<'a, 'block: 'a>(
    input: &mut &'block [u8],
    prefix: u32,
    table: &'a Table<'static>,
    scratch: &'a mut Scratch,
) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
    let index = integer::decode(input, prefix)?;
    let name = if index == 0 {
        string(input, &mut scratch.name)?
    } else {
        table.get(index).ok_or(DecodeError::Index)?.0
    };
    Ok((name, string(input, &mut scratch.value)?))
}

/// A string: borrowed from the input, or decoded into the scratch.
#[inline]
fn string<'a, 'block: 'a>(
    input: &mut &'block [u8],
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8], DecodeError> {
    let is_huffman = input.first().is_some_and(|first| first & HUFFMAN != 0);
    let length = integer::decode(input, 7)?;
    let (text, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| input.split_at_checked(length))
        .ok_or(DecodeError::Truncated)?;
    *input = rest;
    if is_huffman {
        huffman::decode(text, scratch)
    } else {
        Ok(text)
    }
}

/// Counts a field as SETTINGS_MAX_HEADER_LIST_SIZE does.
#[inline]
fn take_room(room: usize, name: &[u8], value: &[u8]) -> Result<usize, DecodeError> {
    room.checked_sub(name.len() + value.len() + limits::FIELD_OVERHEAD)
        .ok_or(DecodeError::ListTooLarge)
}

/// Shows nothing of what was received.
impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("table_size", &self.table.dynamic_size())
            .field("max_table_size", &self.max_table_size)
            .field("is_poisoned", &self.is_poisoned)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
