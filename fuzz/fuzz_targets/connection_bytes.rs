//! See [`aapns_fuzz::connection_bytes`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aapns_fuzz::connection_bytes(data));
