//! One byte for every character: the alphabet of an automaton.
//!
//! ASCII stands for itself. The characters above are gathered into classes that no set of the pattern can tell apart,
//! and each class gets one of the bytes 0x80 to 0xFF. So the automata know nothing of UTF-8, `\b` is a question about
//! one byte, and an ASCII line, the common case, is searched as it lies in memory. Only other lines are translated.

use super::chars::{self, CharSet};
use crate::hash::QuickMap;
use std::sync::Arc;

/// A set of letters of an alphabet.
pub(super) type ByteSet = [u64; 4];

pub(super) fn has(set: &ByteSet, byte: u8) -> bool {
    set[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
}

pub(super) fn insert(set: &mut ByteSet, byte: u8) {
    set[usize::from(byte >> 6)] |= 1 << (byte & 63);
}

/// Adds the letters from `first` to `last`.
pub(super) fn insert_range(set: &mut ByteSet, first: u8, last: u8) {
    for (letters, word) in (0..=192_u8).step_by(64).zip(set) {
        // Of the 64 letters of this word.
        let from = first.saturating_sub(letters);
        let to = last.checked_sub(letters);
        if let Some(to) = to.filter(|_| from < 64) {
            *word |= u64::MAX << from & u64::MAX >> (63 - to.min(63));
        }
    }
}

/// The first character and the first byte above ASCII.
const FIRST: u32 = 0x80;
/// How many classes of characters above ASCII one alphabet can tell apart.
const MAX_CLASSES: usize = 128;

/// Whether all of `text` is ASCII. The standard library's way tests up to 63 letters of a text one by one.
pub(crate) fn is_ascii(text: &[u8]) -> bool {
    let are_ascii = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all | byte) < FIRST as u8;
    let eight_are = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes) & 0x8080_8080_8080_8080 == 0;
    if let Some(last) = text.last_chunk::<32>() {
        let (blocks, _) = text.as_chunks::<32>();
        return blocks.iter().all(|block| are_ascii(block)) && are_ascii(last);
    }
    match text.last_chunk::<8>() {
        Some(last) => text.as_chunks::<8>().0.iter().all(eight_are) && eight_are(last),
        None => are_ascii(text),
    }
}

/// Which byte stands for which character.
#[derive(Debug)]
pub(super) struct Alphabet {
    /// Where a run of characters of one class begins (low 24 bits) and their byte (high 8 bits); sorted.
    runs: Box<[u32]>,
    letters: u16,
}

/// A text in an alphabet, and where each letter was.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// Byte offset of every character in the text, and the length of the text at the end.
    pub(super) offsets: Vec<usize>,
}

impl Alphabet {
    /// An alphabet in which every one of `sets` is a set of letters; returns those, in the same order. `None` when the
    /// sets tell too many classes apart.
    pub(super) fn new(sets: &[Arc<CharSet>]) -> Option<(Self, Vec<ByteSet>)> {
        let mut borders: Vec<(u32, usize)> = Vec::new();
        for (index, set) in sets.iter().enumerate() {
            for &(low, high) in set.ranges() {
                if high >= FIRST {
                    borders.push((low.max(FIRST), index));
                    borders.push((high + 1, index));
                }
            }
        }
        // The borders of each set are sorted already, which this sort makes use of.
        borders.sort();
        let mut letters_of = vec![[0_u64; 4]; sets.len()];
        for (set, letters) in sets.iter().zip(&mut letters_of) {
            (0..0x80)
                .filter(|&byte| set.contains(u32::from(byte)))
                .for_each(|byte| insert(letters, byte));
        }
        let mut classes: QuickMap<Vec<bool>, u8> = QuickMap::default();
        let mut members = vec![false; sets.len()];
        let mut runs: Vec<u32> = Vec::new();
        let (mut at, mut start) = (0, FIRST);
        loop {
            while at < borders.len() && borders[at].0 == start {
                members[borders[at].1] ^= true;
                at += 1;
            }
            let letter = match classes.get(&members) {
                Some(&letter) => letter,
                None if classes.len() == MAX_CLASSES => return None,
                None => {
                    let letter = (0x80 + classes.len()) as u8;
                    for (_, letters) in members
                        .iter()
                        .zip(&mut letters_of)
                        .filter(|(member, _)| **member)
                    {
                        insert(letters, letter);
                    }
                    classes.insert(members.clone(), letter);
                    letter
                }
            };
            if runs.last().is_none_or(|&last| (last >> 24) as u8 != letter) {
                runs.push(start | u32::from(letter) << 24);
            }
            match borders.get(at) {
                Some(&(next, _)) if next <= chars::MAX => start = next,
                _ => break,
            }
        }
        let letters = 0x80 + classes.len() as u16;
        Some((
            Self {
                runs: runs.into(),
                letters,
            },
            letters_of,
        ))
    }

    /// How many bytes are letters: all below this number.
    pub(super) fn letters(&self) -> u16 {
        self.letters
    }

    /// The letter of a character.
    fn letter(&self, c: char) -> u8 {
        if c.is_ascii() {
            return c as u8;
        }
        let after = self
            .runs
            .partition_point(|&run| run & 0xFF_FFFF <= u32::from(c));
        (self.runs[after.saturating_sub(1)] >> 24) as u8
    }

    /// The letters of `text`: the text itself when it is ASCII, else its translation, which is put into `encoded`.
    pub(super) fn letters_of<'t>(&self, text: &'t str, encoded: &'t mut Encoded) -> &'t [u8] {
        if is_ascii(text.as_bytes()) {
            return text.as_bytes();
        }
        self.encode(text, encoded);
        &encoded.bytes
    }

    fn encode(&self, text: &str, into: &mut Encoded) {
        into.bytes.clear();
        into.offsets.clear();
        into.bytes.reserve(text.len());
        into.offsets.reserve(text.len() + 1);
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let letters = rest.bytes().position(|byte| !byte.is_ascii());
            let end = letters.map_or(text.len(), |letters| at + letters);
            into.bytes.extend_from_slice(&text.as_bytes()[at..end]);
            into.offsets.extend(at..end);
            at = end;
            if let Some(c) = text[at..].chars().next() {
                into.bytes.push(self.letter(c));
                into.offsets.push(at);
                at += c.len_utf8();
            }
        }
        into.offsets.push(text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_each_of_its_letters() {
        let edges = [0, 1, 62, 63, 64, 65, 127, 128, 191, 192, 254, 255];
        for (first, last) in edges
            .iter()
            .flat_map(|first| edges.map(|last| (*first, last)))
        {
            let (mut set, mut expected) = (ByteSet::default(), ByteSet::default());
            insert_range(&mut set, first, last);
            (first..=last).for_each(|letter| insert(&mut expected, letter));
            assert_eq!(set, expected, "{first} to {last}");
        }
    }

    #[test]
    fn every_letter_is_looked_at() {
        for length in 0..100 {
            let mut text = vec![b'a'; length];
            assert!(is_ascii(&text), "{length}");
            for at in 0..length {
                text[at] = FIRST as u8;
                assert!(!is_ascii(&text), "{at} of {length}");
                text[at] = 0x7f;
            }
        }
    }
}
