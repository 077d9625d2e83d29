//! What holds for any literals, whole and cut, and for any octets.

use proptest::prelude::*;

use super::*;

/// One representation, and the field that it stands for.
fn representation() -> impl Strategy<Value = (Vec<u8>, Field)> {
    let text = || prop::collection::vec(any::<u8>(), 0..40);
    let pattern = prop::sample::select(vec![0x00, 0x10, INCREMENTAL]);
    (text(), text(), pattern, any::<bool>()).prop_map(|(name, value, pattern, huffman)| {
        (literal_of(&name, &value, pattern, huffman), (name, value))
    })
}

proptest! {
    #[test]
    fn literals_come_back(parts in prop::collection::vec(representation(), 0..20)) {
        let block: Vec<u8> = parts.iter().flat_map(|(octets, _)| octets.clone()).collect();
        let expected: Vec<Field> = parts.into_iter().map(|(_, field)| field).collect();
        prop_assert_eq!(decode(&mut Decoder::new(4096), &block), Ok(expected));
    }

    #[test]
    fn a_cut_block_gives_the_fields_before_the_cut_or_an_error(
        parts in prop::collection::vec(representation(), 1..6),
    ) {
        let mut whole = vec![0];
        let mut block = Vec::new();
        for (octets, _) in &parts {
            block.extend_from_slice(octets);
            whole.push(block.len());
        }
        for cut in 0..block.len() {
            let result = decode(&mut Decoder::new(4096), &block[..cut]);
            match whole.iter().position(|&end| end == cut) {
                Some(count) => prop_assert_eq!(result.map(|fields| fields.len()), Ok(count)),
                None => prop_assert_eq!(result, Err(DecodeError::Truncated)),
            }
        }
    }

    #[test]
    fn any_octets_end_in_fields_or_an_error(blocks: Vec<Vec<u8>>) {
        let mut decoder = Decoder::new(4096);
        for block in blocks {
            let _ = decode(&mut decoder, &block);
            prop_assert!(decoder.table.dynamic_size() <= 4096);
        }
    }
}
