//! So many letters of a narrow set in a row, such as the digits of a number of seconds.
//!
//! Whether they are members is asked of 64 letters at once, without a branch: digits stand at random in most lines, so
//! that a search from one to the next would be guessed wrong by the processor many times in each.

use super::super::alphabet::{ByteSet, has};
use std::ops::RangeInclusive;

/// Letters that are looked at together.
const BLOCK: usize = 64;
/// No longer run can be found within one block wherever it begins in its first half.
const MAX_LENGTH: usize = BLOCK / 2;

/// So many characters of a set in a row. Of characters above ASCII, which are several bytes, each may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Of ASCII characters, without the line feed.
    pub(super) set: ByteSet,
    pub(super) length: usize,
}

impl Run {
    /// None for a run of nothing. Of a longer one than can be searched for the beginning has to do.
    pub(in crate::pyre) fn new(set: ByteSet, length: usize) -> Option<Self> {
        let length = length.min(MAX_LENGTH);
        (length > 0).then_some(Self { set, length })
    }

    /// Whether every text that holds `other` holds this one.
    pub(in crate::pyre) fn is_part_of(&self, other: &Self) -> bool {
        let mut words = other.set.iter().zip(&self.set);
        words.all(|(other, word)| other & !word == 0) && other.length >= self.length
    }

    pub(in crate::pyre) fn length(&self) -> usize {
        self.length
    }

    /// Where so many of its characters or more may stand in a row in a text.
    pub(super) fn each_in<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let (range, mut from) = (self.range(), 0);
        std::iter::from_fn(move || {
            let (start, end) = self.find(text, from, range.as_ref())?;
            from = end;
            Some(start)
        })
    }

    /// The first run behind `from`, and where it ends.
    fn find(
        &self,
        text: &[u8],
        from: usize,
        range: Option<&RangeInclusive<u8>>,
    ) -> Option<(usize, usize)> {
        let mut at = from;
        while text.len() >= at + self.length {
            let letters = &text[at..];
            let members = match letters.first_chunk() {
                Some(block) => self.members(block, range),
                None => {
                    let mut block = [b'\n'; BLOCK];
                    block[..letters.len()].copy_from_slice(letters);
                    self.members(&block, range)
                }
            };
            let begins = in_a_row(members, self.length);
            if begins != 0 {
                let start = at + begins.trailing_zeros() as usize;
                let more = &text[start + self.length..];
                let more = more.iter().take_while(|letter| self.has(**letter));
                return Some((start, start + self.length + more.count()));
            }
            // What begins in the end of a block is found in the next.
            at += BLOCK + 1 - self.length;
        }
        None
    }

    fn has(&self, letter: u8) -> bool {
        !letter.is_ascii() || has(&self.set, letter)
    }

    /// Its letters, if they follow one another in ASCII.
    fn range(&self) -> Option<RangeInclusive<u8>> {
        let mut members = (0..0x80).filter(|letter| has(&self.set, *letter));
        let first = members.next()?;
        let last = members.next_back().unwrap_or(first);
        let count: u32 = self.set.iter().map(|word| word.count_ones()).sum();
        (count == u32::from(last - first) + 1).then_some(first..=last)
    }

    /// Which letters of a block are members, the first as the lowest bit.
    fn members(&self, block: &[u8; BLOCK], range: Option<&RangeInclusive<u8>>) -> u64 {
        let Some(range) = range else {
            let bits = block.iter().enumerate();
            return bits.fold(0, |bits, (place, letter)| {
                bits | u64::from(self.has(*letter)) << place
            });
        };
        let (first, width) = (*range.start(), range.end() - range.start());
        // Of each letter one byte, which the compiler makes sixteen of at a time.
        let is_in = block.map(|letter| {
            u8::from(letter.wrapping_sub(first) <= width) | u8::from(!letter.is_ascii())
        });
        let (words, _) = is_in.as_chunks::<8>();
        words.iter().enumerate().fold(0, |members, (place, word)| {
            // Gathers the lowest bits of the bytes in the highest byte.
            let bits = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            members | bits << (8 * place)
        })
    }
}

/// The places from which on so many bits are set in a row.
fn in_a_row(mut bits: u64, count: usize) -> u64 {
    let mut known = 1;
    while known < count {
        let more = known.min(count - known);
        bits &= bits >> more;
        known += more;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::super::super::alphabet::insert;
    use super::*;
    use proptest::prelude::*;

    /// All runs, letter for letter.
    fn plain(set: &str, length: usize, text: &str) -> Vec<usize> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let bytes = text.as_bytes()[at..].iter();
            let members =
                bytes.take_while(|byte| !byte.is_ascii() || set.contains(char::from(**byte)));
            let count = members.count();
            if count >= length {
                found.push(at);
            }
            at += count.max(1);
        }
        found
    }

    proptest! {
        #[test]
        fn finds_each_run(
            set in prop::sample::select(vec!["0", "0123456789", "ab", "09a", "~\u{7f}", "\0\u{1}", " !"]),
            length in 1..33_usize,
            text in prop::collection::vec((prop::sample::select(vec![
                "0", "1", "9", "a", "b", "~", "\u{7f}", "\0", " ", "/", ":", "\n", "é", "\u{ffff}",
            ]), 1..40_usize), 0..20),
        ) {
            let text: String = text.into_iter().map(|(letter, count)| letter.repeat(count)).collect();
            let mut members = ByteSet::default();
            set.bytes().for_each(|letter| insert(&mut members, letter));
            let run = Run::new(members, length).unwrap();
            let found: Vec<usize> = run.each_in(text.as_bytes()).collect();
            prop_assert_eq!(found, plain(set, length, &text));
        }
    }
}
