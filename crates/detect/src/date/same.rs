//! Remembers where the last date stood, and what of its line decided that.
//!
//! Lines of one second have one date. Where the template that finds it is one for the beginning of the line, it is tried
//! first and its hit is taken whatever else the line holds; so the letters up to where its search was decided are all
//! that counts. A line with the same letters has the same date. So has a line with other letters in front of the date
//! (as the address in the log of a web server), if the search stands alike after both: see [`Regex::stands`].
//!
//! [`Regex::stands`]: crate::pyre::Regex::stands

use std::ops::Range;

use crate::pyre::Standing;

use super::template::{Kind, Template};
use super::{DateDetector, DateState};

/// The bytes in front of a date that are looked through for it.
const MAX_HEAD: usize = 256;

/// A line's beginning that has the same date in the same place wherever a line begins with it.
#[derive(Debug, Default)]
pub(super) struct SameDate {
    /// What of a line decided about its date; empty while there is none.
    beginning: String,
    /// Where in it the date begins.
    start: usize,
    template: usize,
    /// The date in the last line, which moves away from where it stood.
    cut: Range<usize>,
    /// Whether it may; not asked before a line has it elsewhere.
    moves: Option<bool>,
    /// The search after what stood before it.
    standing: Standing,
}

impl SameDate {
    /// How the last line begins, if that is enough to know its date; else empty.
    pub(super) fn beginning(&self) -> &str {
        match self.cut.start == self.start {
            true => &self.beginning,
            false => "",
        }
    }

    /// Whether there is a last date, wherever it stands.
    pub(super) fn is_known(&self) -> bool {
        !self.beginning.is_empty()
    }

    pub(super) fn template(&self) -> usize {
        self.template
    }

    /// The bytes of the date in the last line.
    pub(super) fn cut(&self) -> Range<usize> {
        self.cut.clone()
    }

    pub(super) fn forget(&mut self) {
        self.beginning.clear();
    }

    /// Where the last date and all behind it that decided about it stands in a line: behind the first byte that is as
    /// the one in front of it was.
    fn find_in(&self, line: &str) -> Option<usize> {
        let (head, date) = self.beginning.split_at_checked(self.start)?;
        let before = *head.as_bytes().last()?;
        let line = line.as_bytes();
        let front = &line[..line.len().min(MAX_HEAD)];
        let mut ends = memchr::memchr_iter(before, front).map(|at| at + 1);
        ends.find(|end| line[*end..].starts_with(date.as_bytes()))
    }

    /// Where it stands in a line, if what is in front of it there leads the search to it in the usual way. This is
    /// [`find_in`](Self::find_in) and [`Regex::stands`] for nearly all lines.
    ///
    /// [`Regex::stands`]: crate::pyre::Regex::stands
    #[inline]
    fn find_usual(&self, line: &[u8]) -> Option<usize> {
        if self.moves != Some(true) {
            return None;
        }
        // Nothing, if the date is forgotten: in front of one that moves there is something.
        let date = self.beginning.as_bytes().get(self.start..)?;
        let front = &line[..line.len().min(MAX_HEAD)];
        let end = self.standing.usual_head(front)?;
        line[end..].starts_with(date).then_some(end)
    }

    /// Whether a line begins as that one did.
    #[inline]
    fn begins(&self, line: &[u8]) -> bool {
        !self.beginning.is_empty() && line.starts_with(self.beginning.as_bytes())
    }

    /// The letters in front of the date and behind it, as far as they are among those that decided.
    pub(super) fn around(&self) -> (Option<u8>, Option<u8>) {
        let letters = self.beginning.as_bytes();
        let before = self.start.checked_sub(1);
        let letter = |at: usize| letters.get(at).copied();
        (before.and_then(letter), letter(self.start + self.cut.len()))
    }

    /// The date begins there in the line at hand.
    fn move_to(&mut self, start: usize) {
        self.cut = start..start + self.cut.len();
    }
}

impl DateDetector {
    /// Remembers the date at `cut`, which the template at hand found in `line`, if that says something about the next.
    pub(super) fn learn_same(
        &self,
        state: &mut DateState,
        line: &str,
        template: usize,
        cut: &Range<usize>,
    ) {
        let found = &self.templates[template];
        let is_last = |place: usize| state.places[place].template == template;
        if !found.anchored || !state.last.is_some_and(|last| is_last(last.place)) {
            return;
        }
        let Some(cache) = &mut state.caches[template] else {
            return;
        };
        let deciding = found.regex.deciding_bytes(cache);
        let Some(beginning) = deciding.and_then(|bytes| line.get(..bytes)) else {
            return;
        };
        let same = &mut state.same;
        same.beginning.push_str(beginning);
        (same.template, same.start, same.cut) = (template, cut.start, cut.clone());
        same.moves = None;
    }

    /// Whether the date that was learnt may move, and notes where the search for it stood before it.
    fn may_move(&self, state: &mut DateState) -> bool {
        let DateState {
            same,
            slots,
            caches,
            ..
        } = state;
        let Template { kind, regex, .. } = &self.templates[same.template];
        let (Kind::Calendar(fields), Some(cache)) = (kind, &mut caches[same.template]) else {
            return false;
        };
        let is_behind = |group: usize| {
            let start = slots.get(2 * group).copied().flatten();
            start.is_none_or(|start| start >= same.start)
        };
        // The match begins where it did, and all that is read of it lies behind. The groups are those of the last search.
        let head = same.beginning.get(..same.start).unwrap_or_default();
        !is_behind(0)
            && fields.iter().all(|(_, group)| is_behind(*group))
            && regex.note(cache, head, &mut same.standing)
    }

    /// Where the date that is remembered begins in a line that begins otherwise, if the line is known to have it.
    fn moved_to(&self, state: &mut DateState, line: &str) -> Option<usize> {
        let same = &state.same;
        if same.beginning.is_empty() || same.moves == Some(false) {
            return None;
        }
        if let Some(start) = same.find_usual(line.as_bytes()) {
            return Some(start);
        }
        let start = same.find_in(line)?;
        if same.moves.is_none() {
            state.same.moves = Some(self.may_move(state));
        }
        let DateState { same, caches, .. } = state;
        let (Some(true), Some(cache)) = (same.moves, &mut caches[same.template]) else {
            return None;
        };
        let regex = &self.templates[same.template].regex;
        let stands = |head: &&str| regex.stands(cache, head, &same.standing);
        // A date begins with a character.
        line.get(..start).filter(stands).map(|_| start)
    }

    /// Whether a line has the date that is remembered, and notes where it stands there.
    pub(super) fn has_same(&self, state: &mut DateState, line: &str) -> bool {
        let start = match state.same.begins(line.as_bytes()) {
            true => Some(state.same.start),
            false => self.moved_to(state, line),
        };
        if let Some(start) = start {
            state.same.move_to(start);
        }
        start.is_some()
    }

    /// The same of a line of which these are the bytes, and nothing is noted.
    #[inline]
    pub(crate) fn holds_same(&self, state: &mut DateState, line: &[u8]) -> bool {
        // Where dates move, few lines begin as the last one did.
        let same = &state.same;
        if same.find_usual(line).is_some() || same.begins(line) {
            return true;
        }
        let may_stand_elsewhere = same.start > 0 && same.moves != Some(false);
        may_stand_elsewhere
            && std::str::from_utf8(line).is_ok_and(|line| self.moved_to(state, line).is_some())
    }

    /// Where the date that is remembered stands in a line, if that is known; not counted as a hit.
    pub(crate) fn same_in(&self, state: &mut DateState, line: &str) -> Option<Range<usize>> {
        self.has_same(state, line).then(|| state.same.cut())
    }
}
