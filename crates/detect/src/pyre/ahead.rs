//! Where needles stand in the lines that come next: looked for in all of their text at once, which costs less than a
//! search of each line.

use super::needles::{NeedleId, Needles};

#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Where each begins, ascending.
    found: Vec<(usize, NeedleId)>,
    /// Those before stand in lines that were asked for.
    next: usize,
    is_known: bool,
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
        (self.next, self.is_known) = (0, true);
        let text = text.as_bytes();
        if wanted == Wanted::All {
            needles.each_literal(text, |at, needle| self.found.push((at, needle)));
            if needles.has_others() {
                needles.each_other(text, |at, needle| self.found.push((at, needle)));
                self.found.sort_unstable_by_key(|(at, _)| *at);
            }
            return;
        }
        needles.each_line(text, |at, literal| self.found.push((at, literal)));
    }

    /// Where the first literal begins in what stands there and behind it, or the end of all, if they are known.
    pub(crate) fn next_from(&self, start: usize) -> Option<usize> {
        if !self.is_known {
            return None;
        }
        let mut found = self.found[self.next..].iter().map(|(at, _)| *at);
        Some(found.find(|at| *at >= start).unwrap_or(usize::MAX))
    }

    /// Whether it is known that no needle at all stands in a line there. Lines are asked for as by [`of`](Self::of).
    pub(crate) fn is_quiet(&mut self, start: usize, length: usize) -> bool {
        self.pass(start);
        let next = self.found.get(self.next);
        self.is_known && next.is_none_or(|(at, _)| *at >= start + length)
    }

    /// Lines before that place are asked for no more.
    fn pass(&mut self, start: usize) {
        while self.found.get(self.next).is_some_and(|(at, _)| *at < start) {
            self.next += 1;
        }
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
        self.pass(start);
        let found = self.found[self.next..].iter();
        let in_line = found.take_while(move |(at, _)| *at < start + length);
        Some(in_line.map(|(_, needle)| *needle))
    }
}

#[cfg(test)]
mod tests {
    use super::super::alphabet::{ByteSet, insert};
    use super::super::needles::{Mark, Needle, Run};
    use super::*;
    use proptest::prelude::*;

    fn needles() -> Needles {
        let mut digits = ByteSet::default();
        (b'0'..=b'9').for_each(|digit| insert(&mut digits, digit));
        let of = [
            Needle::Literal("abcd".into()),
            Needle::Mark(Mark::new(b'/')),
            Needle::Run(Run::new(digits, 3).unwrap()),
            Needle::Literal("cdef".into()),
        ];
        Needles::new(of.iter().map(std::slice::from_ref).enumerate()).unwrap()
    }

    proptest! {
        #[test]
        fn knows_of_each_line_what_stands_there(
            lines in prop::collection::vec(prop::collection::vec(
                prop::sample::select(vec!["abcd", "ef", "/", "1", "22", "x", "é", " "]), 0..7,
            ), 1..12),
            is_ascii: bool,
        ) {
            let needles = needles();
            let lines: Vec<String> = lines
                .iter()
                .map(|pieces| pieces.concat())
                .map(|line| if is_ascii { line.replace('é', "e") } else { line })
                .collect();
            let (text, mut ahead) = (lines.join("\n"), Ahead::default());
            prop_assert!(ahead.of(0, 9).is_none());
            ahead.look(&text, &needles, Wanted::All);
            let mut place = 0;
            for line in &lines {
                let mut expected = Vec::new();
                needles.each_literal(line.as_bytes(), |_, needle| expected.push(needle));
                needles.each_other(line.as_bytes(), |_, needle| expected.push(needle));
                prop_assert_eq!(ahead.is_quiet(place, line.len()), expected.is_empty());
                let known: Vec<NeedleId> = ahead.of(place, line.len()).unwrap().collect();
                let has = |all: &[NeedleId]| [0, 1, 2, 3].map(|rule| {
                    all.iter().any(|needle| needles.rules_of(*needle).contains(&rule))
                });
                prop_assert_eq!(has(&known), has(&expected));
                place += line.len() + 1;
            }
        }
    }
}
