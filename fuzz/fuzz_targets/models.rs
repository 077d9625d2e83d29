//! See [`aapns_fuzz::models`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aapns_fuzz::models(data));
