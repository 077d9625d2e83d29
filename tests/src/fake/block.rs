//! Field blocks, made plain: Huffman-coded strings are decoded here (RFC 7541 §5.2), the rest by another crate.
//!
//! That crate builds its table anew for every string, which was three quarters of a world's time.

use std::sync::LazyLock;

/// How many bits the code of each octet has (RFC 7541 Appendix B). The code is canonical, so this is all of it.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, //
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, //
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, //
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, //
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, //
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, //
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, //
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, //
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, //
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, //
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, //
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, //
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// The code, for reading.
struct Code {
    /// The octets in the order of their codes.
    octets: Vec<u8>,
    /// For each length: the first code of it, how many there are, and where their octets begin.
    lengths: [(u32, u32, usize); LONGEST + 1],
}

static CODE: LazyLock<Code> = LazyLock::new(Code::new);

impl Code {
    fn new() -> Self {
        let mut octets: Vec<u8> = (0..=255).collect();
        octets.sort_by_key(|octet| LENGTHS[usize::from(*octet)]);
        let mut lengths = [(0, 0, 0); LONGEST + 1];
        let (mut next, mut at) = (0, 0);
        for (length, place) in lengths.iter_mut().enumerate() {
            next <<= 1;
            let count = LENGTHS.iter().filter(|l| usize::from(**l) == length);
            let count = u32::try_from(count.count()).unwrap_or(0);
            *place = (next, count, at);
            next += count;
            at += count as usize;
        }
        Self { octets, lengths }
    }

    /// The octet whose code the first of these `count` bits are, and its length.
    fn first(&self, bits: u64, count: usize) -> Option<(u8, usize)> {
        (SHORTEST..=count.min(LONGEST)).find_map(|length| {
            let code = u32::try_from(bits >> (count - length)).ok()?;
            let (first, codes, at) = self.lengths[length];
            let nth = code.checked_sub(first).filter(|nth| *nth < codes)?;
            Some((*self.octets.get(at + nth as usize)?, length))
        })
    }

    fn decode(&self, coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (mut bits, mut count) = (0_u64, 0);
        for octet in coded {
            (bits, count) = (bits << 8 | u64::from(*octet), count + 8);
            while let Some((octet, length)) = self.first(bits, count) {
                out.push(octet);
                count -= length;
                bits &= (1 << count) - 1;
            }
            if count > LONGEST {
                return None;
            }
        }
        // What is left is the beginning of EOS: fewer than eight ones.
        (count < 8 && bits == (1 << count) - 1).then_some(())
    }
}

/// Appends a field block to `out` with its strings uncoded; `None` if it can't be read.
pub(super) fn make_plain(mut block: &[u8], out: &mut Vec<u8>) -> Option<()> {
    while let Some(first) = block.first() {
        let (prefix, is_literal) = match first {
            0x80.. => (7, false),
            0x40.. => (6, true),
            0x20.. => (5, false),
            _ => (4, true),
        };
        let (index, length) = integer(block, prefix)?;
        out.extend_from_slice(block.get(..length)?);
        block = block.get(length..)?;
        if is_literal && index == 0 {
            block = string(block, out)?;
        }
        if is_literal {
            block = string(block, out)?;
        }
    }
    Some(())
}

/// Appends the string that `block` begins with; what follows it.
fn string<'a>(block: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let is_coded = block.first()? & 0x80 != 0;
    let (length, head) = integer(block, 7)?;
    let (coded, rest) = block.get(head..)?.split_at_checked(length)?;
    if !is_coded {
        out.extend_from_slice(block.get(..head + length)?);
        return Some(rest);
    }
    // The length isn't known yet: the string goes first, and is moved if the length has several octets.
    let at = out.len();
    CODE.decode(coded, out)?;
    let length = out.len() - at;
    let mut octets = Vec::with_capacity(4);
    put_integer(length, &mut octets);
    out.splice(at..at, octets);
    Some(rest)
}

/// An integer with a prefix of so many bits, and how many octets it has (RFC 7541 §5.1).
fn integer(block: &[u8], prefix: u32) -> Option<(usize, usize)> {
    let most = (1 << prefix) - 1;
    let mut value = usize::from(*block.first()?) & most;
    if value < most {
        return Some((value, 1));
    }
    for (n, octet) in block.iter().skip(1).take(4).enumerate() {
        value += usize::from(octet & 0x7f) << (7 * n);
        if octet & 0x80 == 0 {
            return Some((value, n + 2));
        }
    }
    None
}

/// The length of an uncoded string.
fn put_integer(value: usize, out: &mut Vec<u8>) {
    let Some(mut rest) = value.checked_sub(0x7f) else {
        return out.push(u8::try_from(value).unwrap_or(0));
    };
    out.push(0x7f);
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// A field with the octets of `value` as its Huffman-coded value.
    fn block(value: &[u8]) -> Vec<u8> {
        let (mut coded, mut bits, mut count) = (Vec::new(), 0_u64, 0);
        for octet in value {
            let at = CODE.octets.iter().position(|other| other == octet).unwrap();
            let length = usize::from(LENGTHS[usize::from(*octet)]);
            let (first, _, begin) = CODE.lengths[length];
            let code = u64::from(first) + (at - begin) as u64;
            (bits, count) = (bits << length | code, count + length);
            while count >= 8 {
                count -= 8;
                coded.push((bits >> count) as u8);
                bits &= (1 << count) - 1;
            }
        }
        if count > 0 {
            coded.push((bits << (8 - count)) as u8 | (0xff >> count));
        }
        let mut block = vec![0, 1, b'x'];
        let at = block.len();
        put_integer(coded.len(), &mut block);
        block[at] |= 0x80;
        block.extend(coded);
        block
    }

    #[test]
    fn what_is_made_plain_is_what_another_decoder_reads() {
        let mut rng = Rng::new(1, 1);
        for n in 0..300 {
            let length = if n < 256 { 3 } else { rng.below(400) };
            let octet = u8::try_from(n).ok();
            let random = || u8::try_from(rng.below(256)).unwrap();
            let mut value: Vec<u8> = std::iter::repeat_with(random)
                .take(length as usize)
                .collect();
            value.extend(octet);
            let block = block(&value);
            let mut plain = Vec::new();
            make_plain(&block, &mut plain).unwrap();
            let read = |block: &[u8]| fluke_hpack::Decoder::new().decode(block).unwrap();
            let field = (b"x".to_vec(), value);
            assert_eq!(
                (read(&block), read(&plain)),
                (vec![field.clone()], vec![field])
            );
        }
    }

    #[test]
    fn a_string_cut_short_or_badly_padded_is_refused() {
        let whole = block(b"api.push.apple.com");
        let mut plain = Vec::new();
        for length in 1..whole.len() {
            assert_eq!(make_plain(&whole[..length], &mut plain), None, "{length}");
        }
        for coded in [
            &[0, 1, b'x', 0x81, 0x00][..],
            &[0, 1, b'x', 0x84, 255, 255, 255, 255],
        ] {
            assert_eq!(make_plain(coded, &mut plain), None);
        }
    }
}
