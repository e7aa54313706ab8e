#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| bedside_tests::media::hostile::request(input));
