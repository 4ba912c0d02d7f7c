//! Staying in one state of an automaton: over how many letters, at the speed of searching for those that end it.

use super::byte_classes::ByteClasses;

/// A state is tried for a run when so many classes of letters are known to stay in it: a trial looks at all of them, and a
/// text that is made for that can come to ever new states. In the tests of this crate at once, or their short texts would
/// meet no run; those of other crates read lines.
pub(super) const RUN_CLASSES: u8 = if cfg!(test) { 1 } else { 8 };

/// Letters that end a stay in one state.
#[derive(Debug)]
pub(super) enum Run {
    Never,
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
}

impl Run {
    /// What ends a stay in a state in which the letters of some classes, by their place in `stays`, leave an
    /// automaton. Its letters are those below `letters`.
    pub(super) fn of(classes: &ByteClasses, letters: u16, stays: &[bool]) -> Option<Self> {
        let ends = |letter: &u8| !stays.get(classes.of(*letter)).is_some_and(|stays| *stays);
        let letters = (0..letters.min(256)).map(|letter| letter as u8);
        // One more than can be told apart is enough.
        Self::new(&letters.filter(ends).take(4).collect::<Vec<u8>>())
    }

    /// None where more letters end it: then letter by letter is as fast.
    fn new(exits: &[u8]) -> Option<Self> {
        match *exits {
            [] => Some(Self::Never),
            [a] => Some(Self::One(a)),
            [a, b] => Some(Self::Two(a, b)),
            [a, b, c] => Some(Self::Three(a, b, c)),
            _ => None,
        }
    }

    /// Whether this letter and no other ends it.
    pub(super) fn is_until(&self, letter: u8) -> bool {
        matches!(self, Self::One(only) if *only == letter)
    }

    /// The next position at or after `at` where the state is left.
    pub(super) fn skip(&self, text: &[u8], at: usize) -> usize {
        let rest = &text[at..];
        let found = match self {
            Self::Never => None,
            Self::One(a) => memchr::memchr(*a, rest),
            Self::Two(a, b) => memchr::memchr2(*a, *b, rest),
            Self::Three(a, b, c) => memchr::memchr3(*a, *b, *c, rest),
        };
        found.map_or(text.len(), |found| at + found)
    }
}
