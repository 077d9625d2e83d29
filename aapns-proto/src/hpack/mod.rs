//! HPACK (RFC 7541) in and out.
//!
//! Of `httlib-hpack` only `Table` and `Encoder`'s inserting representations and size updates are
//! used, of `httlib-huffman` only its code table: no octet from the network reaches their decoders.

mod decoder;
mod encoder;
mod heads;
mod huffman;
mod integer;

pub use decoder::{DecodeError, Decoder};
pub use encoder::Encoder;
