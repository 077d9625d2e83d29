//! Integers with a prefix (RFC 7541 §5.1).

use super::DecodeError;

/// Octets after the first that an integer may have: 28 bits, far over any length or index that we accept.
const MAX_CONTINUATION: usize = 4;

/// Appends `value` with a prefix of `prefix` bits, 1 to 8; the first octet's other bits are `pattern`.
#[inline]
pub(super) fn encode(value: usize, pattern: u8, prefix: u32, out: &mut Vec<u8>) {
    let mask = 0xff_u8 >> (8 - prefix);
    if value < usize::from(mask) {
        // Truncation is impossible: the value is under an octet's mask.
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | mask);
    let mut rest = value - usize::from(mask);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Takes an integer with a prefix of `prefix` bits off the front of `input`.
#[inline]
pub(super) fn decode(input: &mut &[u8], prefix: u32) -> Result<u32, DecodeError> {
    let (&first, rest) = input.split_first().ok_or(DecodeError::Truncated)?;
    *input = rest;
    let mask = 0xff_u8 >> (8 - prefix);
    let value = first & mask;
    if value < mask {
        return Ok(u32::from(value));
    }
    decode_continuation(input, u32::from(mask))
}

/// The octets after a prefix of ones.
fn decode_continuation(input: &mut &[u8], prefix: u32) -> Result<u32, DecodeError> {
    let mut value = prefix;
    for (nth, &octet) in input.iter().take(MAX_CONTINUATION).enumerate() {
        // At most 28 bits, so neither the shift nor the sum overflows.
        value += u32::from(octet & 0x7f) << (7 * nth);
        if octet < 0x80 {
            *input = input.get(nth + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    if input.len() < MAX_CONTINUATION {
        Err(DecodeError::Truncated)
    } else {
        Err(DecodeError::Integer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(value: usize, prefix: u32) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, 0, prefix, &mut out);
        out
    }

    #[test]
    fn integers_of_rfc_7541_c_1() {
        assert_eq!(encoded(10, 5), [0x0a]);
        assert_eq!(encoded(1337, 5), [0x1f, 0x9a, 0x0a]);
        assert_eq!(encoded(42, 8), [0x2a]);
        assert_eq!(decode(&mut [0xea].as_slice(), 5), Ok(10));
        assert_eq!(decode(&mut [0xff, 0x9a, 0x0a].as_slice(), 5), Ok(1337));
        assert_eq!(decode(&mut [0x2a].as_slice(), 8), Ok(42));
    }

    #[test]
    fn an_integer_of_more_than_five_octets_is_an_error() {
        let mut input: &[u8] = &[0x1f, 0x80, 0x80, 0x80, 0x00];
        assert_eq!(decode(&mut input, 5), Ok(31));
        let mut input: &[u8] = &[0x1f, 0x80, 0x80, 0x80, 0x80, 0x00];
        assert_eq!(decode(&mut input, 5), Err(DecodeError::Integer));
        let mut input: &[u8] = &[0xff; 64];
        assert_eq!(decode(&mut input, 5), Err(DecodeError::Integer));
    }

    #[test]
    fn a_cut_integer_is_truncated() {
        for cut in [&[][..], &[0x1f], &[0x1f, 0x80], &[0x1f, 0x80, 0x80, 0x80]] {
            assert_eq!(decode(&mut { cut }, 5), Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn integers_at_the_ends_of_their_octets() {
        for (value, octets) in [
            (30, &[0x1e][..]),
            (31, &[0x1f, 0x00]),
            (32, &[0x1f, 0x01]),
            (31 + 127, &[0x1f, 0x7f]),
            (31 + 128, &[0x1f, 0x80, 0x01]),
            (31 + 16_383, &[0x1f, 0xff, 0x7f]),
            (31 + 16_384, &[0x1f, 0x80, 0x80, 0x01]),
            (31 + (1 << 28) - 1, &[0x1f, 0xff, 0xff, 0xff, 0x7f]),
        ] {
            assert_eq!(encoded(value, 5), octets);
            let mut input = octets;
            assert_eq!(decode(&mut input, 5), Ok(value as u32));
            assert!(input.is_empty());
        }
    }

    #[test]
    fn the_bits_beside_the_prefix_are_the_pattern() {
        for prefix in 1..=8 {
            let pattern = !(0xff_u8 >> (8 - prefix));
            for value in [0, (1 << prefix) - 2, (1 << prefix) - 1, 1 << prefix, 300] {
                let mut out = Vec::new();
                encode(value, pattern, prefix, &mut out);
                assert_eq!(out[0] & pattern, pattern);
                assert_eq!(decode(&mut out.as_slice(), prefix), Ok(value as u32));
            }
        }
    }

    #[test]
    fn four_octets_that_all_go_on_are_too_many_and_three_are_cut() {
        let mut input: &[u8] = &[0x1f, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(decode(&mut input, 5), Err(DecodeError::Integer));
        let mut input: &[u8] = &[0x1f, 0xff, 0xff, 0xff];
        assert_eq!(decode(&mut input, 5), Err(DecodeError::Truncated));
    }

    proptest! {
        #[test]
        fn integers_come_back(value in 0_u32..1 << 28, prefix in 1_u32..=8, tail: Vec<u8>) {
            let mut octets = encoded(value as usize, prefix);
            octets.extend_from_slice(&tail);
            let mut input = octets.as_slice();
            prop_assert_eq!(decode(&mut input, prefix), Ok(value));
            prop_assert_eq!(input, tail);
        }
    }
}
