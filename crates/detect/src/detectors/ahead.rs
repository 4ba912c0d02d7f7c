//! Which of the lines that come next hold a needle: found in all of their text at once, which costs less than a search
//! of each line.

use crate::pyre::Needles;
use std::ops::Range;

#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Where the first needle of each line that holds one begins, ascending.
    found: Vec<usize>,
    /// Those before were asked for.
    next: usize,
    is_known: bool,
}

impl Ahead {
    /// Nothing is known of the lines that come next.
    pub(super) fn forget(&mut self) {
        self.is_known = false;
    }

    /// Finds the needles of lines that stand in `text` one after the other.
    pub(super) fn look(&mut self, text: &str, needles: &Needles) {
        self.found.clear();
        self.next = 0;
        self.is_known = needles.are_literals();
        let text = text.as_bytes();
        let mut from = 0;
        while self.is_known
            && let Some(at) = needles.find(text, from)
        {
            self.found.push(at);
            let Some(end) = memchr::memchr(b'\n', &text[at..]) else {
                return;
            };
            from = at + end + 1;
        }
    }

    /// Whether a line that stands there holds a needle, if that is known. Lines are asked for in their order.
    pub(super) fn holds(&mut self, line: &Range<usize>) -> Option<bool> {
        if !self.is_known {
            return None;
        }
        while self.found.get(self.next).is_some_and(|at| *at < line.start) {
            self.next += 1;
        }
        let first = self.found.get(self.next);
        Some(first.is_some_and(|at| line.contains(at)))
    }
}
