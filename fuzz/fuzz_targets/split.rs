//! Fuzzes bytes of a log, cut into reads; see `detect::fuzz::fuzz_split`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| detect::fuzz::fuzz_split(data));
