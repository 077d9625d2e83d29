use httlib_huffman::encode as huffman_encode;

use super::*;

mod properties;
mod rfc7541;

const MAX_LIST: usize = 65_536;

type Field = (Vec<u8>, Vec<u8>);

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<Field>, DecodeError> {
    let mut fields = Vec::new();
    decoder.decode(block, MAX_LIST, |name, value| {
        fields.push((name.to_vec(), value.to_vec()));
    })?;
    Ok(fields)
}

fn decode_fresh(block: &str) -> Result<Vec<Field>, DecodeError> {
    decode(&mut Decoder::new(4096), &hex(block))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn fields(list: &[(&str, &str)]) -> Vec<Field> {
    list.iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

/// Each representation that holds a string, with nothing before it.
fn literal_of(name: &[u8], value: &[u8], pattern: u8, huffman: bool) -> Vec<u8> {
    let mut block = vec![pattern];
    for text in [name, value] {
        let mut coded = text.to_vec();
        if huffman {
            coded.clear();
            huffman_encode(text, &mut coded).unwrap();
        }
        integer::encode(coded.len(), if huffman { 0x80 } else { 0 }, 7, &mut block);
        block.extend_from_slice(&coded);
    }
    block
}

#[test]
fn d1_a_truncated_integer_is_an_error() {
    for block in ["ff", "ff80", "3f", "7f", "417f"] {
        assert_eq!(decode_fresh(block), Err(DecodeError::Truncated), "{block}");
    }
}

#[test]
fn d2_a_missing_string_is_an_error() {
    for block in ["40", "41", "00", "100161", "04"] {
        assert_eq!(decode_fresh(block), Err(DecodeError::Truncated), "{block}");
    }
}

#[test]
fn d3_huffman_padding_must_be_up_to_seven_ones() {
    for block in [
        "418100",
        "418101",
        "418103",
        "41820000",
        "4181ff",
        "418207ff",
        "4184ffffffff",
    ] {
        assert_eq!(decode_fresh(block), Err(DecodeError::Huffman), "{block}");
    }
    assert_eq!(decode_fresh("418107"), Ok(fields(&[(":authority", "0")])));
    assert_eq!(decode_fresh("4180"), Ok(fields(&[(":authority", "")])));
}

#[test]
fn huffman_eos_is_an_error_even_when_well_padded() {
    // EOS is thirty 1 bits; then one '0' of five bits, then padding.
    for block in ["4184fffffffc", "4185fffffffc1f", "418507fffffffe"] {
        assert_eq!(decode_fresh(block), Err(DecodeError::Huffman), "{block}");
    }
}

#[test]
fn d4_a_size_update_after_a_field_is_an_error() {
    assert_eq!(decode_fresh("8220"), Err(DecodeError::SizeUpdate));
}

#[test]
fn d5_a_lowered_limit_evicts_and_demands_a_size_update() {
    let mut decoder = Decoder::new(4096);
    assert!(decode(&mut decoder, &hex("4001610162")).is_ok());
    decoder.set_max_table_size(0);
    assert_eq!(
        decode(&mut decoder, &hex("be")),
        Err(DecodeError::SizeUpdate)
    );

    let mut decoder = Decoder::new(4096);
    assert!(decode(&mut decoder, &hex("4001610162")).is_ok());
    decoder.set_max_table_size(0);
    assert_eq!(decode(&mut decoder, &hex("20be")), Err(DecodeError::Index));
}

#[test]
fn d6_decoded_fields_are_counted_while_decoding() {
    let mut decoder = Decoder::new(4096);
    let mut block = literal_of(b"a", &[b'x'; 4000], INCREMENTAL, false);
    block.extend_from_slice(&[0xbe; 16_000]);
    let mut total = 0;
    let result = decoder.decode(&block, MAX_LIST, |name, value| {
        total += name.len() + value.len() + limits::FIELD_OVERHEAD;
    });
    assert_eq!(result, Err(DecodeError::ListTooLarge));
    assert!((MAX_LIST - 4033..=MAX_LIST).contains(&total));
}

#[test]
fn a_list_of_just_the_limit_is_decoded() {
    let size = ":method".len() + "GET".len() + 32;
    let mut decoder = Decoder::new(4096);
    assert_eq!(decoder.decode(&[0x82, 0x82], 2 * size, |_, _| {}), Ok(()));
    assert_eq!(
        decoder.decode(&[0x82, 0x82], 2 * size - 1, |_, _| {}),
        Err(DecodeError::ListTooLarge)
    );
}

#[test]
fn d7_a_long_block_takes_linear_time() {
    let started = std::time::Instant::now();
    let mut count = 0;
    let block = vec![0x82; 1_000_000];
    let result = Decoder::new(4096).decode(&block, usize::MAX, |_, _| count += 1);
    assert_eq!((result, count), (Ok(()), 1_000_000));
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn d8_an_error_poisons_the_decoder() {
    let mut decoder = Decoder::new(4096);
    assert_eq!(
        decode(&mut decoder, &hex("400161016280")),
        Err(DecodeError::Index)
    );
    assert_eq!(decode(&mut decoder, &hex("be")), Err(DecodeError::Poisoned));
    assert_eq!(decode(&mut decoder, &hex("82")), Err(DecodeError::Poisoned));
    assert_eq!(decode(&mut decoder, &[]), Err(DecodeError::Poisoned));
}

#[test]
fn d9_strings_don_t_depend_on_the_capacity_of_a_buffer() {
    let mut decoder = Decoder::new(4096);
    assert_eq!(decoder.scratch.value.capacity(), 0);
    assert_eq!(
        decode(&mut decoder, &hex("418107 0003616263 8107 82")),
        decode_fresh("418107 0003616263 8107 82")
    );
    let long = literal_of(b"name", &[b'v'; 3000], 0, true);
    let short = literal_of(b"n", b"", 0, true);
    assert_eq!(decode(&mut decoder, &long).unwrap()[0].1.len(), 3000);
    assert_eq!(decode(&mut decoder, &short), Ok(fields(&[("n", "")])));
}

#[test]
fn d10_a_block_begins_with_two_size_updates_at_most() {
    assert_eq!(decode_fresh("20203fe11f82"), Err(DecodeError::SizeUpdate));
    assert_eq!(
        decode_fresh("203fe11f82"),
        Ok(fields(&[(":method", "GET")]))
    );
    assert_eq!(decode_fresh("3fe21f82"), Err(DecodeError::SizeUpdate));
}

#[test]
fn d10_an_empty_name_is_counted_and_handed_to_the_caller_to_judge() {
    assert_eq!(decode_fresh("400000"), Ok(fields(&[("", "")])));
    let block = [0x00; 3 * 100];
    let result = Decoder::new(4096).decode(&block, 99 * 32, |_, _| {});
    assert_eq!(result, Err(DecodeError::ListTooLarge));
}

#[test]
fn an_index_outside_the_tables_is_an_error() {
    for block in [
        "80",
        "be",
        "ffffffff07",
        "7e0161",
        "0f2f0161",
        "ff8080808001",
    ] {
        let error = decode_fresh(block).unwrap_err();
        assert!(
            matches!(error, DecodeError::Index | DecodeError::Integer),
            "{block}: {error}"
        );
    }
}

#[test]
fn a_string_longer_than_the_block_is_truncated() {
    for block in [
        "0002 61",
        "0001 61 02 61",
        "00 7fffffff07 61",
        "41 ffffffff07 61",
    ] {
        assert_eq!(decode_fresh(block), Err(DecodeError::Truncated), "{block}");
    }
}

#[test]
fn an_entry_larger_than_the_table_empties_it() {
    let mut decoder = Decoder::new(4096);
    assert!(decode(&mut decoder, &hex("4001610162")).is_ok());
    assert!(decode(&mut decoder, &hex("be")).is_ok());
    let large = literal_of(b"a", &[b'x'; 5000], INCREMENTAL, false);
    assert_eq!(decode(&mut decoder, &large).unwrap()[0].1.len(), 5000);
    assert_eq!(decode(&mut decoder, &hex("be")), Err(DecodeError::Index));
}

#[test]
fn a_name_may_come_from_the_entry_that_it_pushes_out() {
    let mut decoder = Decoder::new(4096);
    // A table of 40 octets holds one entry of 34.
    assert!(decode(&mut decoder, &hex("3f09 4001610162")).is_ok());
    assert_eq!(
        decode(&mut decoder, &hex("7e0163 be")),
        Ok(fields(&[("a", "c"), ("a", "c")]))
    );
}

#[test]
fn a_table_over_4096_is_used_from_the_peers_size_update_on() {
    let mut decoder = Decoder::new(16_384);
    let large = literal_of(b"a", &[b'x'; 5000], INCREMENTAL, false);
    assert!(decode(&mut decoder, &large).is_ok());
    assert!(
        decode(
            &mut decoder,
            &[&hex("3fe17f")[..], &large, &[0xbe]].concat()
        )
        .is_ok()
    );
}

#[test]
fn a_table_of_the_present_size_demands_no_size_update() {
    let mut decoder = Decoder::new(4096);
    decoder.set_max_table_size(4096);
    assert!(decode(&mut decoder, &hex("82")).is_ok());
    decoder.set_max_table_size(8192);
    assert!(decode(&mut decoder, &hex("82")).is_ok());
    // 4097 = 31 + 4066: allowed from now on.
    assert!(decode(&mut decoder, &hex("3fe21f82")).is_ok());
    decoder.set_max_table_size(4096);
    assert_eq!(
        decode(&mut decoder, &hex("82")),
        Err(DecodeError::SizeUpdate)
    );
}

#[test]
fn a_size_update_of_exactly_our_limit_is_taken_once_and_for_all() {
    let mut decoder = Decoder::new(100);
    // 100 = 31 + 69.
    assert!(decode(&mut decoder, &hex("3f4582")).is_ok());
    decoder.set_max_table_size(50);
    // 51 and 50: one too many, and just right.
    let mut lowered = Decoder::new(100);
    lowered.set_max_table_size(50);
    assert_eq!(
        decode(&mut lowered, &hex("3f1482")),
        Err(DecodeError::SizeUpdate)
    );
    assert!(decode(&mut decoder, &hex("3f1382")).is_ok());
    assert!(decode(&mut decoder, &hex("82")).is_ok(), "due but once");
}

#[test]
fn a_block_of_nothing_is_right_unless_a_size_update_is_due() {
    let mut decoder = Decoder::new(4096);
    assert_eq!(decode(&mut decoder, &[]), Ok(Vec::new()));
    assert_eq!(decode(&mut decoder, &hex("20")), Ok(Vec::new()));
    decoder.set_max_table_size(0);
    assert_eq!(decode(&mut decoder, &[]), Ok(Vec::new()), "it is 0 already");
}

#[test]
fn names_by_index_in_each_representation() {
    // Index 1 is `:authority`; 15 and more need a second octet after a prefix of four bits.
    for block in ["410178", "010178", "110178"] {
        assert_eq!(decode_fresh(block), Ok(fields(&[(":authority", "x")])));
    }
    for block in ["5f0178", "0f100178", "1f100178"] {
        assert_eq!(decode_fresh(block), Ok(fields(&[("content-type", "x")])));
    }
    // Only the first of them enters the table.
    assert_eq!(
        decode_fresh("410178 be"),
        Ok(fields(&[(":authority", "x"), (":authority", "x")]))
    );
    for block in ["010178 be", "110178 be"] {
        assert_eq!(decode_fresh(block), Err(DecodeError::Index));
    }
}

#[test]
fn the_list_size_counts_each_kind_of_field() {
    for (block, size) in [("82", 42), ("0001610162", 34), ("4001610162", 34)] {
        let decoded = |limit| Decoder::new(4096).decode(&hex(block), limit, |_, _| {});
        assert_eq!(decoded(size), Ok(()));
        assert_eq!(decoded(size - 1), Err(DecodeError::ListTooLarge));
    }
}

#[test]
fn debug_shows_the_table_and_nothing_that_was_received() {
    let shown = format!("{:?}", Decoder::new(4096));
    assert!(shown.contains("Decoder") && shown.contains("max_table_size: 4096"));
}

#[test]
fn debug_shows_nothing_that_was_received() {
    let mut decoder = Decoder::new(4096);
    let block = literal_of(b"apns-id", b"zzzz", INCREMENTAL, true);
    decode(&mut decoder, &block).unwrap();
    let shown = format!("{decoder:?}");
    assert!(
        !shown.contains("122, 122") && !shown.contains("zz"),
        "{shown}"
    );
}
