//! See [`aapns_fuzz::frame`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aapns_fuzz::frame(data));
