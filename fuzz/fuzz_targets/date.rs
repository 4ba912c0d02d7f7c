//! Fuzzes date patterns and lines; see `detect::fuzz::fuzz_date`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| detect::fuzz::fuzz_date(data));
