//! See [`aapns_fuzz::pool_ops`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aapns_fuzz::pool_ops(data));
