//! See [`aapns_fuzz::world`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aapns_fuzz::world(data));
