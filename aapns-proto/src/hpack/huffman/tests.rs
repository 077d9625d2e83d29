use httlib_huffman::encode as huffman_encode;
use proptest::prelude::*;

use super::*;

#[test]
fn every_symbol_comes_back_from_huffman() {
    let mut out = Vec::new();
    for first in 0..=255_u8 {
        for second in [first, b'0', b'e', b'~', 0x00, 0xff] {
            let text = [first, second, first];
            let mut coded = Vec::new();
            huffman_encode(&text, &mut coded).unwrap();
            assert_eq!(encoded_len(&text), coded.len());
            assert_eq!(decode(&coded, &mut out), Ok(&text[..]));
        }
    }
}

#[test]
fn huffman_padding_of_up_to_seven_bits_is_taken_and_eight_are_not() {
    let mut out = Vec::new();
    // 1 to 8 symbols of five bits leave each number of bits from 0 to 7.
    for count in 1..=8 {
        let text = vec![b'a'; count];
        let mut coded = Vec::new();
        huffman_encode(&text, &mut coded).unwrap();
        assert_eq!(decode(&coded, &mut out), Ok(&text[..]));
        let spare = coded.len() * 8 - count * 5;
        if spare > 0 {
            let mut wrong = coded.clone();
            *wrong.last_mut().unwrap() &= !1;
            assert_eq!(decode(&wrong, &mut out), Err(DecodeError::Huffman));
        }
        coded.push(0xff);
        assert_eq!(decode(&coded, &mut out), Err(DecodeError::Huffman));
    }
    assert_eq!(decode(&[], &mut out), Ok(&[][..]));
    assert_eq!(decode(&[0xff], &mut out), Err(DecodeError::Huffman));
}

#[test]
fn every_symbol_comes_back_from_every_place_in_a_long_string() {
    let mut out = Vec::new();
    for symbol in 0..=255_u8 {
        for before in 0..20 {
            let mut text = vec![b'a'; before];
            text.push(symbol);
            text.extend([b'z'; 9]);
            let mut coded = Vec::new();
            huffman_encode(&text, &mut coded).unwrap();
            assert_eq!(encoded_len(&text), coded.len());
            assert_eq!(decode(&coded, &mut out), Ok(&text[..]));
        }
    }
}

/// The slow and plain reading of RFC 7541 §5.2.
fn bit_by_bit(octets: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let (mut code, mut length) = (0_u32, 0_u8);
    for bit in octets
        .iter()
        .flat_map(|octet| (0..8).rev().map(move |n| octet >> n & 1))
    {
        code = code << 1 | u32::from(bit);
        length += 1;
        if let Some(symbol) = ENCODE_TABLE
            .iter()
            .position(|&entry| entry == (length, code))
        {
            text.push(u8::try_from(symbol).ok()?);
            (code, length) = (0, 0);
        } else if length >= 30 {
            return None;
        }
    }
    (length < 8 && code == (1 << length) - 1).then_some(text)
}

proptest! {
    #[test]
    fn huffman_agrees_with_a_decoder_that_goes_bit_by_bit(octets: Vec<u8>) {
        let mut out = Vec::new();
        let fast = decode(&octets, &mut out).map(<[u8]>::to_vec).ok();
        prop_assert_eq!(fast, bit_by_bit(&octets));
    }
}

#[test]
fn a_step_takes_two_symbols_wherever_two_fit() {
    for (first, &(length, code)) in ENCODE_TABLE.iter().enumerate().take(256) {
        for (second, &(next_length, next_code)) in ENCODE_TABLE.iter().enumerate().take(256) {
            let bits = u32::from(length) + u32::from(next_length);
            if bits > INDEX_BITS {
                continue;
            }
            let index = (code << next_length | next_code) << (INDEX_BITS - bits);
            for rest in 0..1 << (INDEX_BITS - bits) {
                let step = STEPS[(index | rest) as usize];
                assert_eq!(step.symbols(), (first | second << 8) as u64);
                assert_eq!((step.symbol_bits(), step.length()), (16, bits));
            }
        }
    }
}

#[test]
fn a_step_takes_one_symbol_where_no_second_fits() {
    for (symbol, &(length, code)) in ENCODE_TABLE.iter().enumerate().take(256) {
        let length = u32::from(length);
        if length > INDEX_BITS {
            let index = code >> (length - INDEX_BITS);
            assert_eq!(STEPS[index as usize].length(), 0, "{symbol} is long");
        } else if length + 5 > INDEX_BITS {
            let step = STEPS[(code << (INDEX_BITS - length)) as usize];
            assert_eq!(step.symbols(), symbol as u64);
            assert_eq!((step.symbol_bits(), step.length()), (8, length));
        }
    }
}

#[test]
fn a_string_decodes_the_same_into_a_buffer_of_any_size() {
    let text = b"com.example.app and more";
    let mut coded = Vec::new();
    huffman_encode(text, &mut coded).unwrap();
    for size in [0, 1, 2 * coded.len() + 7, 2 * coded.len() + 8, 1_000] {
        let mut out = vec![0xaa; size];
        assert_eq!(decode(&coded, &mut out), Ok(&text[..]));
        assert_eq!(out.len(), size.max(2 * coded.len() + 8), "it never shrinks");
    }
}
