//! Fuzzes options of a filter and log lines; see `detect::fuzz::fuzz_filter`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| detect::fuzz::fuzz_filter(data));
