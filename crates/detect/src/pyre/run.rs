//! Staying in one state of an automaton: over how many letters, at the speed of searching for those that end it.

/// Letters that end a stay in one state.
#[derive(Debug)]
pub(super) enum Run {
    Never,
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
}

impl Run {
    /// None where more letters end it: then letter by letter is as fast.
    pub(super) fn new(exits: &[u8]) -> Option<Self> {
        match *exits {
            [] => Some(Self::Never),
            [a] => Some(Self::One(a)),
            [a, b] => Some(Self::Two(a, b)),
            [a, b, c] => Some(Self::Three(a, b, c)),
            _ => None,
        }
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
