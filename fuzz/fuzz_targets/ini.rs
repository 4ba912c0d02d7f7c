//! Fuzzes configuration files; see `conf::fuzz::fuzz_ini`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conf::fuzz::fuzz_ini(data));
