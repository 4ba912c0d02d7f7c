//! Fuzzes pickles and streams of them; see `wire::fail2ban::fuzz::fuzz_pickle`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire::fail2ban::fuzz::fuzz_pickle(data));
