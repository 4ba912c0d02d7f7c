//! Fuzzes patterns of Python's re and texts; see `detect::fuzz::fuzz_regex`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| detect::fuzz::fuzz_regex(data));
