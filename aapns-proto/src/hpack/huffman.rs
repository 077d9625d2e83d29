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

/// What an index's bits begin with: one or two whole symbols, packed into a word for a single load.
///
/// `symbols: 16, the first one lowest; how many bits those are: 8; bits of their codes: 8`. The lower
/// halves of four steps add up without a carry.
#[derive(Clone, Copy)]
struct Step(u32);

impl Step {
    /// The first code is longer than the index: a step that goes nowhere.
    const LONG: Self = Self(0);

    /// One symbol of this length.
    const fn one(symbol: u8, length: u8) -> Self {
        Self((symbol as u32) << 16 | 8 << 8 | length as u32)
    }

    /// This symbol, then that of `next`.
    const fn then(self, next: Self) -> Self {
        let symbols = self.symbols() as u32 | (next.symbols() as u32) << 8;
        Self(symbols << 16 | 16 << 8 | (self.length() + next.length()))
    }

    #[inline]
    const fn symbols(self) -> u64 {
        (self.0 >> 16) as u64
    }

    #[inline]
    const fn symbol_bits(self) -> u32 {
        self.0 >> 8 & 0xff
    }

    #[inline]
    const fn length(self) -> u32 {
        self.0 & 0xff
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
                singles[index] = Step::one(symbol as u8, length);
                index += 1;
            }
        }
        symbol += 1;
    }
    let mut steps = singles;
    let mut index = 0;
    while index < steps.len() {
        let first = singles[index];
        if first.length() > 0 {
            let next = singles[(index << first.length()) & ((1 << INDEX_BITS) - 1)];
            if next.length() > 0 && first.length() + next.length() <= INDEX_BITS {
                steps[index] = first.then(next);
            }
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

/// Steps between two refills: their 48 bits leave enough for the next one, and their symbols fit a word.
const STEPS_A_WORD: u32 = 4;

/// Decodes `src` into the front of `out`, which grows as needed and never shrinks.
pub(super) fn decode<'a>(src: &[u8], out: &'a mut Vec<u8>) -> Result<&'a [u8], DecodeError> {
    // No code is shorter than five bits, so two symbols an octet are enough; they are written eight at a time.
    let capacity = src.len() * 2 + 8;
    if out.len() < capacity {
        out.resize(capacity, 0);
    }
    let mut bits = Bits {
        queue: 0,
        count: 0,
        rest: src,
        whole: src,
    };
    let mut written = 0;
    loop {
        bits.refill();
        let (mut symbols, mut filled) = bits.steps()?;
        if filled == 0 {
            if bits.is_padding() {
                return Ok(out.get(..written).unwrap_or_default());
            }
            let (symbol, length) = bits.long()?;
            (symbols, filled) = (symbol.into(), 8);
            bits.take(length)?;
        }
        put(out, written, symbols)?;
        written += filled as usize / 8;
    }
}

/// Writes a word of symbols.
#[inline]
fn put(out: &mut [u8], at: usize, symbols: u64) -> Result<(), DecodeError> {
    let place = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    *place.ok_or(DecodeError::Huffman)? = symbols.to_le_bytes();
    Ok(())
}

/// A queue of bits, filled from octets.
struct Bits<'a> {
    /// The next bits at the top. Those below `count` are what `rest` begins with, and after its end 1s:
    /// no code but the long ones begins with as many, so nothing but a wrong padding can run into them.
    queue: u64,
    count: u32,
    rest: &'a [u8],
    /// What `rest` is the end of.
    whole: &'a [u8],
}

impl Bits<'_> {
    /// Fills the queue: at least 56 of its bits count, or all that there are.
    #[inline]
    fn refill(&mut self) {
        // The count is under 64 at all times.
        let free = ((63 ^ self.count) / 8) as usize;
        if let Some(octets) = self.rest.first_chunk() {
            self.push(u64::from_be_bytes(*octets), free);
        } else {
            self.push_last(free);
        }
    }

    /// There are fewer than eight octets: 1s follow them.
    #[inline]
    fn push_last(&mut self, free: usize) {
        let left = self.rest.len();
        let last = match self.whole.last_chunk() {
            Some(octets) => u64::from_be_bytes(*octets),
            None => (self.whole.iter()).fold(0, |last, &octet| last << 8 | u64::from(octet)),
        };
        let next = !(!last).checked_shl(64 - 8 * left as u32).unwrap_or(0);
        self.push(next, free.min(left));
    }

    /// Takes `whole` octets of `rest`, which begins with those of `next`.
    #[inline]
    fn push(&mut self, next: u64, whole: usize) {
        self.queue |= next >> (self.count & 63);
        self.rest = self.rest.get(whole..).unwrap_or_default();
        self.count += whole as u32 * 8;
    }

    /// Takes as many whole symbols as four steps have: a word of them, and how many bits of it.
    #[inline]
    fn steps(&mut self) -> Result<(u64, u32), DecodeError> {
        let (mut symbols, mut sum) = (0, Step(0));
        let mut queue = self.queue;
        for _ in 0..STEPS_A_WORD {
            let step = STEPS[(queue >> (64 - INDEX_BITS)) as usize];
            symbols |= step.symbols() << (sum.symbol_bits() & 63);
            queue <<= step.length() & 63;
            sum.0 = (sum.0 & 0xffff) + step.0;
        }
        self.take(sum.length())?;
        Ok((symbols, sum.symbol_bits()))
    }

    #[inline]
    fn take(&mut self, length: u32) -> Result<(), DecodeError> {
        self.count = self.count.checked_sub(length).ok_or(DecodeError::Huffman)?;
        self.queue <<= length & 63;
        Ok(())
    }

    /// Nothing is left but at most seven bits, all 1.
    #[inline]
    fn is_padding(&self) -> bool {
        self.count < 8 && self.queue.leading_ones() >= self.count
    }

    /// The next symbol, whose code is longer than a table index; an error if the bits end before it does.
    #[cold]
    fn long(&self) -> Result<(u8, u32), DecodeError> {
        let window = (self.queue >> 32) as u32;
        let is_whole = |&(length, row): &(usize, &Row)| {
            let nth = window.wrapping_sub(row.first) >> (32 - length);
            window >= row.first && nth < u32::from(row.count) && length as u32 <= self.count
        };
        let (length, row) = ROWS
            .iter()
            .enumerate()
            .skip(INDEX_BITS as usize + 1)
            .find(is_whole)
            .ok_or(DecodeError::Huffman)?;
        let nth = (window - row.first) >> (32 - length);
        let symbol = SYMBOLS.get(usize::from(row.offset) + nth as usize);
        // EOS doesn't fit an octet.
        match symbol.map(|&symbol| u8::try_from(symbol)) {
            Some(Ok(symbol)) => Ok((symbol, length as u32)),
            _ => Err(DecodeError::Huffman),
        }
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

#[cfg(test)]
mod tests;
