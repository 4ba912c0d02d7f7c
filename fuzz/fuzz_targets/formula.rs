//! Fuzzes formulas of growing ban times; see `engine::formula::fuzz_formula`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| engine::formula::fuzz_formula(data));
