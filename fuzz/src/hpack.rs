//! Field blocks, against two decoders by others.

use aapns_proto::hpack::Decoder;

type Field = (Vec<u8>, Vec<u8>);

/// Decodes blocks, each behind an octet with its length, over one table.
///
/// What our decoder takes, `fluke-hpack` and `httlib-hpack` must take, with the same fields. What it
/// refuses isn't shown to them: both panic on some of it.
pub fn hpack(data: &[u8]) {
    let mut ours = Decoder::new(4096);
    let mut flukes = fluke_hpack::Decoder::new();
    flukes.set_max_allowed_table_size(4096);
    let mut httlibs = httlib_hpack::Decoder::with_dynamic_size(4096);
    let mut rest = data;
    while let Some((&length, after)) = rest.split_first() {
        let (block, after) = after.split_at(after.len().min(length.into()));
        rest = after;
        let mut fields: Vec<Field> = Vec::new();
        let mut size = 0;
        let result = ours.decode(block, LIST, |name, value| {
            size += name.len() + value.len() + 32;
            fields.push((name.to_vec(), value.to_vec()));
        });
        assert!(size <= LIST);
        if result.is_err() {
            assert!(ours.decode(&[0x82], LIST, |_, _| {}).is_err(), "poisoned");
            return;
        }
        let theirs = flukes.decode(block);
        // fluke takes no block of size updates alone.
        if !fields.is_empty() {
            assert_eq!(theirs, Ok(fields.clone()), "fluke-hpack");
        }
        let mut block = block.to_vec();
        let mut theirs = Vec::new();
        let result = httlibs.decode(&mut block, &mut theirs);
        assert!(result.is_ok(), "httlib-hpack: {result:?}");
        let theirs = theirs.into_iter().map(|(name, value, _)| (name, value));
        assert!(theirs.eq(fields), "httlib-hpack");
    }
}

/// Octets of decoded fields: low enough to be reached.
const LIST: usize = 16_384;
