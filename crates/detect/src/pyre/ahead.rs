//! Where needles stand in the lines that come next: looked for in all of their text at once, which costs less than a
//! search of each line.

use super::alphabet::is_ascii;
use super::needles::{NeedleId, Needles};

#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Where each begins, ascending.
    found: Vec<(usize, NeedleId)>,
    /// Those before stand in lines that were asked for.
    next: usize,
    is_known: bool,
    /// So is where those stand that are no literals.
    has_others: bool,
}

/// Which needles of a line are of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    /// Some literal, if there is one.
    Any,
}

impl Ahead {
    /// Nothing is known of the lines that come next.
    pub(crate) fn forget(&mut self) {
        self.is_known = false;
    }

    /// Finds these needles in lines that stand in `text` one after the other.
    pub(crate) fn look(&mut self, text: &str, needles: &Needles, wanted: Wanted) {
        self.found.clear();
        (self.next, self.is_known, self.has_others) = (0, true, false);
        let text = text.as_bytes();
        if wanted == Wanted::All {
            needles.each_literal(text, |at, needle| self.found.push((at, needle)));
            // Of other texts nothing is known of a run, line for line.
            self.has_others = !needles.has_others() || is_ascii(text);
            if needles.has_others() && self.has_others {
                needles.each_other(text, true, |at, needle| self.found.push((at, needle)));
                self.found.sort_unstable_by_key(|(at, _)| *at);
            }
            return;
        }
        let mut from = 0;
        while let Some((at, literal)) = needles.first_literal(text, from) {
            self.found.push((at, literal));
            let Some(end) = memchr::memchr(b'\n', &text[at..]) else {
                return;
            };
            from = at + end + 1;
        }
    }

    /// Where the first literal begins in what stands there and behind it, or the end of all, if they are known.
    pub(crate) fn next_from(&self, start: usize) -> Option<usize> {
        if !self.is_known {
            return None;
        }
        let mut found = self.found[self.next..].iter().map(|(at, _)| *at);
        Some(found.find(|at| *at >= start).unwrap_or(usize::MAX))
    }

    /// Whether no needle at all stands in a line there.
    pub(crate) fn is_quiet(&self, start: usize, length: usize) -> bool {
        let mut found = self.found[self.next..].iter().map(|(at, _)| *at);
        let next = found.find(|at| *at >= start);
        self.is_known && self.has_others && next.is_none_or(|at| at >= start + length)
    }

    /// Whether needles that are no literals are known too.
    pub(crate) fn knows_others(&self) -> bool {
        self.has_others
    }

    /// The needles in a line that stands there, if they are known. Lines are asked for in their order, each as often as
    /// one likes.
    pub(crate) fn of(
        &mut self,
        start: usize,
        length: usize,
    ) -> Option<impl Iterator<Item = NeedleId>> {
        if !self.is_known {
            return None;
        }
        while self.found.get(self.next).is_some_and(|(at, _)| *at < start) {
            self.next += 1;
        }
        let found = self.found[self.next..].iter();
        let in_line = found.take_while(move |(at, _)| *at < start + length);
        Some(in_line.map(|(_, literal)| *literal))
    }
}
