//! See [`aapns_fuzz::connection_ops`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aapns_fuzz::connection_ops(data));
