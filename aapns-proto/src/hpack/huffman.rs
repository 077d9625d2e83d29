//! The Huffman code of RFC 7541 appendix B, two symbols a step.
//!
//! The code is canonical: shorter codes are lower, and codes of a length count up. The twelve next
//! bits index a table of one or two whole symbols; the rarer, longer codes are found by comparing
//! with the first code of each length.

use httlib_huffman::encoder::table::ENCODE_TABLE;

use super::DecodeError;

/// Bits of a table index: two of the 5- and 6-bit codes, which digits and most lower-case letters have.
const INDEX_BITS: u32 = 12;

/// The code's longest length; EOS has it.
const MAX_LENGTH: usize = 30;

/// The symbol that no string may hold.
const EOS: u16 = 256;

/// What an index's bits begin with.
#[derive(Clone, Copy)]
struct Step {
    symbols: [u8; 2],
    /// Whole symbols: 0 if the first code is longer than the index, else 1 or 2.
    count: u8,
    /// Bits of all whole symbols, and above them, in the high four bits, of the first.
    lengths: u8,
}

impl Step {
    const LONG: Self = Self {
        symbols: [0; 2],
        count: 0,
        lengths: 0,
    };

    #[inline]
    const fn length(self) -> u32 {
        (self.lengths & 0xf) as u32
    }

    #[inline]
    const fn first_length(self) -> u32 {
        (self.lengths >> 4) as u32
    }
}

static STEPS: [Step; 1 << INDEX_BITS] = steps();

const fn steps() -> [Step; 1 << INDEX_BITS] {
    let mut singles = [Step::LONG; 1 << INDEX_BITS];
    let mut symbol = 0;
    while symbol < 256 {
        let (length, code) = ENCODE_TABLE[symbol];
        if length as u32 <= INDEX_BITS {
            let free = INDEX_BITS - length as u32;
            let mut index = (code << free) as usize;
            let end = index + (1 << free);
            while index < end {
                singles[index] = Step {
                    symbols: [symbol as u8, 0],
                    count: 1,
                    lengths: length << 4 | length,
                };
                index += 1;
            }
        }
        symbol += 1;
    }
    let mut steps = singles;
    let mut index = 0;
    while index < steps.len() {
        let first = singles[index];
        let second = singles[(index << first.length()) & ((1 << INDEX_BITS) - 1)];
        let length = first.length() + second.length();
        if first.count == 1 && second.count == 1 && length <= INDEX_BITS {
            steps[index] = Step {
                symbols: [first.symbols[0], second.symbols[0]],
                count: 2,
                lengths: first.lengths & 0xf0 | length as u8,
            };
        }
        index += 1;
    }
    steps
}

/// The codes of one length.
#[derive(Clone, Copy)]
struct Row {
    /// Its first code, moved to the top of 32 bits.
    first: u32,
    /// The place of that code's symbol in `SYMBOLS`.
    offset: u16,
    /// How many codes have this length.
    count: u16,
}

/// By length; lengths without a code have a count of 0.
static ROWS: [Row; MAX_LENGTH + 1] = code_order().0;

/// All symbols in the order of their codes.
static SYMBOLS: [u16; 257] = code_order().1;

const fn code_order() -> ([Row; MAX_LENGTH + 1], [u16; 257]) {
    let mut rows = [Row {
        first: 0,
        offset: 0,
        count: 0,
    }; MAX_LENGTH + 1];
    let mut symbols = [0; 257];
    let mut filled = 0;
    let mut length = 1;
    while length <= MAX_LENGTH {
        rows[length].offset = filled as u16;
        let mut first = u32::MAX;
        let mut symbol = 0;
        while symbol <= EOS as usize {
            let (bits, code) = ENCODE_TABLE[symbol];
            if bits as usize == length {
                first = if code < first { code } else { first };
                rows[length].count += 1;
            }
            symbol += 1;
        }
        symbol = 0;
        while symbol <= EOS as usize {
            let (bits, code) = ENCODE_TABLE[symbol];
            if bits as usize == length {
                symbols[filled + (code - first) as usize] = symbol as u16;
            }
            symbol += 1;
        }
        if rows[length].count > 0 {
            rows[length].first = first << (32 - length);
        }
        filled += rows[length].count as usize;
        length += 1;
    }
    (rows, symbols)
}

/// Decodes `src` into the front of `out`, which grows as needed and never shrinks.
#[inline]
pub(super) fn decode<'a>(src: &[u8], out: &'a mut Vec<u8>) -> Result<&'a [u8], DecodeError> {
    // No code is shorter than five bits, and a step writes two octets even for one symbol.
    let capacity = src.len() * 8 / 5 + 2;
    if out.len() < capacity {
        out.resize(capacity, 0);
    }
    let mut bits = Bits {
        queue: 0,
        count: 0,
        rest: src,
    };
    let mut written = 0;
    loop {
        bits.refill();
        let step = STEPS[(bits.queue >> (64 - INDEX_BITS)) as usize];
        let (symbols, count, length) = if step.count > 0 && step.length() <= bits.count {
            (step.symbols, step.count, step.length())
        } else if step.count > 0 && step.first_length() <= bits.count {
            ([step.symbols[0], 0], 1, step.first_length())
        } else {
            match long(&bits)? {
                Some((symbol, length)) => ([symbol, 0], 1, length),
                None => break,
            }
        };
        let Some(place) = out.get_mut(written..written + 2) else {
            return Err(DecodeError::Huffman);
        };
        place.copy_from_slice(&symbols);
        written += usize::from(count);
        bits.take(length);
    }
    Ok(out.get(..written).unwrap_or_default())
}

/// The symbol of a code that is longer than a table index, `None` at a well-formed end.
#[cold]
fn long(bits: &Bits<'_>) -> Result<Option<(u8, u32)>, DecodeError> {
    let window = (bits.queue >> 32) as u32;
    for (length, row) in ROWS.iter().enumerate().skip(INDEX_BITS as usize + 1) {
        let nth = window.wrapping_sub(row.first) >> (32 - length);
        if window < row.first || nth >= u32::from(row.count) || length as u32 > bits.count {
            continue;
        }
        let symbol = SYMBOLS.get(usize::from(row.offset) + nth as usize);
        // EOS doesn't fit an octet.
        return match symbol.map(|&symbol| u8::try_from(symbol)) {
            Some(Ok(symbol)) => Ok(Some((symbol, length as u32))),
            _ => Err(DecodeError::Huffman),
        };
    }
    if bits.is_padding() {
        Ok(None)
    } else {
        Err(DecodeError::Huffman)
    }
}

/// A queue of bits, filled from octets.
struct Bits<'a> {
    /// The next bits at the top; those below `count` are either 0 or what `rest` begins with.
    queue: u64,
    count: u32,
    rest: &'a [u8],
}

impl Bits<'_> {
    /// Leaves at least 32 bits, or all that there are.
    #[inline]
    fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(octets) = self.rest.first_chunk::<8>() {
            self.queue |= u64::from_be_bytes(*octets) >> self.count;
            let whole = (63 - self.count) / 8;
            self.rest = self.rest.get(whole as usize..).unwrap_or_default();
            self.count += whole * 8;
        } else {
            while self.count <= 56
                && let Some((&octet, rest)) = self.rest.split_first()
            {
                self.queue |= u64::from(octet) << (56 - self.count);
                self.count += 8;
                self.rest = rest;
            }
        }
    }

    #[inline]
    fn take(&mut self, length: u32) {
        self.queue <<= length;
        self.count -= length;
    }

    /// Nothing is left but at most seven bits, all 1.
    fn is_padding(&self) -> bool {
        self.count < 8 && self.queue.leading_ones() >= self.count
    }
}

/// How many octets the coded string has.
pub(super) fn encoded_len(text: &[u8]) -> usize {
    let bits: usize = text
        .iter()
        .filter_map(|&octet| ENCODE_TABLE.get(usize::from(octet)))
        .map(|&(length, _)| usize::from(length))
        .sum();
    bits.div_ceil(8)
}
