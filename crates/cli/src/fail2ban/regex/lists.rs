//! The lines that are shown in the end: matched, ignored and missed ones, as many as were asked for.
//!
//! Only what can still be shown is kept, so that a log of any length costs no memory.

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Matched,
    Ignored,
    Missed,
}

/// How much of a kind is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Nothing,
    /// All lines if there are fewer.
    Few(u64),
    All,
}

/// One kind of lines.
#[derive(Debug)]
pub(super) struct List {
    pub(super) show: Show,
    pub(super) count: u64,
    pub(super) lines: Vec<String>,
}

/// All kinds.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) matched: List,
    pub(super) ignored: List,
    pub(super) missed: List,
}

impl List {
    pub(super) fn new(show: Show) -> Self {
        Self {
            show,
            count: 0,
            lines: Vec::new(),
        }
    }

    fn add(&mut self, line: impl FnOnce() -> String) {
        self.count += 1;
        match self.show {
            Show::Nothing => {}
            Show::All => self.lines.push(line()),
            Show::Few(most) if self.count < most => self.lines.push(line()),
            Show::Few(_) => self.lines.clear(),
        }
    }

    /// True if there are too many lines to show them.
    pub(super) fn is_too_long(&self) -> bool {
        matches!(self.show, Show::Few(most) if self.count >= most)
    }
}

impl Lists {
    pub(super) fn add(&mut self, kind: Kept, line: impl FnOnce() -> String) {
        match kind {
            Kept::Matched => self.matched.add(line),
            Kept::Ignored => self.ignored.add(line),
            Kept::Missed => self.missed.add(line),
        }
    }

    /// A line that was missed so far turned out to be a part of a match.
    pub(super) fn was_part(&mut self, line: &str) {
        if let Some(place) = self.missed.lines.iter().position(|missed| missed == line) {
            self.missed.lines.remove(place);
        }
        self.missed.count = self.missed.count.saturating_sub(1);
        self.matched.add(|| line.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(show: Show) -> Lists {
        Lists {
            matched: List::new(Show::All),
            ignored: List::new(Show::Nothing),
            missed: List::new(show),
        }
    }

    #[test]
    fn a_list_is_shown_whole_or_not_at_all() {
        let mut all = lists(Show::Few(3));
        for line in ["a", "b"] {
            all.add(Kept::Missed, || line.to_owned());
            all.add(Kept::Ignored, || line.to_owned());
        }
        assert_eq!(
            (all.missed.lines.len(), all.missed.is_too_long()),
            (2, false)
        );
        assert_eq!((all.ignored.lines.len(), all.ignored.count), (0, 2));
        all.add(Kept::Missed, || "c".to_owned());
        assert_eq!(
            (all.missed.lines.len(), all.missed.is_too_long()),
            (0, true)
        );
    }

    #[test]
    fn a_missed_line_can_become_part_of_a_match() {
        let mut all = lists(Show::All);
        all.add(Kept::Missed, || "begin".to_owned());
        all.add(Kept::Missed, || "other".to_owned());
        all.was_part("begin");
        all.add(Kept::Matched, || "end".to_owned());
        assert_eq!(all.missed.lines, ["other"]);
        assert_eq!(all.matched.lines, ["begin", "end"]);
        assert_eq!((all.missed.count, all.matched.count), (1, 2));
    }
}
