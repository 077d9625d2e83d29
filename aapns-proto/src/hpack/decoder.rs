//! Field blocks in (RFC 7541 §3, §6).

/// Why a field block can't be decoded: a connection error of COMPRESSION_ERROR (RFC 9113 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The block ends inside a representation.
    #[error("the field block ends inside a field")]
    Truncated,
    /// More than 32 bits, or more than five octets (RFC 7541 §5.1).
    #[error("an integer of the field block is too large")]
    Integer,
    /// Index 0, or beyond the tables (RFC 7541 §2.3.3).
    #[error("an index of the field block is outside the tables")]
    Index,
    /// EOS inside, or padding that is not up to seven 1 bits (RFC 7541 §5.2).
    #[error("a Huffman-coded string of the field block is malformed")]
    Huffman,
    /// Not at the start, one of more than two, or over our limit (RFC 7541 §4.2, §6.3).
    #[error("a table size update of the field block is not allowed")]
    SizeUpdate,
    /// The decoded fields (name + value + 32 each) are over the limit.
    #[error("the decoded field list is too large")]
    ListTooLarge,
    /// An earlier block failed: the table is no longer the peer's.
    #[error("an earlier field block was malformed")]
    Poisoned,
}

/// Decodes the field blocks of one connection, in order.
#[derive(Debug)]
pub struct Decoder {}

impl Decoder {
    /// A decoder with an empty table. `max_table_size`: the SETTINGS_HEADER_TABLE_SIZE that we announced.
    pub fn new(_max_table_size: u32) -> Self {
        Self {}
    }

    /// Decodes one whole block and hands each field, name and value, to `sink` in order.
    ///
    /// # Errors
    /// [`DecodeError`]; the fields before it have been handed out. Every later call is
    /// [`DecodeError::Poisoned`].
    pub fn decode<F: FnMut(&[u8], &[u8])>(
        &mut self,
        _block: &[u8],
        _max_list_size: usize,
        _sink: F,
    ) -> Result<(), DecodeError> {
        Err(DecodeError::Poisoned)
    }
}
