//! A set of characters that is asked very often.

use crate::pyre::chars::{self, CharSet};
use std::sync::Arc;

/// A set with a fast way for ASCII.
#[derive(Clone, Debug)]
pub(super) struct CharTest {
    ascii: [u64; 2],
    /// The only character that is not in the set, if there is but one and it is ASCII, as with `.`.
    refused: Option<u8>,
    pub(super) set: Arc<CharSet>,
}

impl CharTest {
    pub(super) fn new(set: &Arc<CharSet>) -> Self {
        let mut ascii = [0; 2];
        for c in (0..0x80).filter(|&c| set.contains(c)) {
            ascii[c as usize / 64] |= 1 << (c % 64);
        }
        let refused = match *set.ranges() {
            [(0, before), (after, chars::MAX)] if before + 2 == after => u8::try_from(before + 1),
            _ => u8::try_from(chars::MAX),
        };
        Self {
            ascii,
            refused: refused.ok().filter(u8::is_ascii),
            set: Arc::clone(set),
        }
    }

    pub(super) fn has(&self, c: char) -> bool {
        if c.is_ascii() {
            self.ascii[c as usize / 64] >> (c as u32 % 64) & 1 == 1
        } else {
            self.set.contains(u32::from(c))
        }
    }

    /// How many characters at the beginning of `text` are ASCII and in the set, `max` at most.
    pub(super) fn ascii_run(&self, text: &str, max: u32) -> usize {
        let text = &text.as_bytes()[..text.len().min(max as usize)];
        let is_in = |&byte: &u8| {
            byte.is_ascii() && self.ascii[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
        };
        text.iter().take_while(|byte| is_in(byte)).count()
    }

    /// How many bytes at the beginning of `text` the characters take that are in the set, where one search tells.
    pub(super) fn run(&self, text: &str) -> Option<usize> {
        let refused = self.refused?;
        Some(memchr::memchr(refused, text.as_bytes()).unwrap_or(text.len()))
    }
}
