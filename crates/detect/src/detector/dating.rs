//! The dates of one log: how they are found, what was learnt of them, and the last one.

use base::{Span, Timestamp};
use jiff::tz::TimeZone;
use std::ops::Range;
use std::sync::Arc;

use super::shown::ShownLine;
use crate::date::{self, DateDetector, DateFound, DateState, Foreseen};
use crate::timing::{Dated, LastDate, Settled};
use crate::{Clock, Line};

/// A date detector with what it has learnt from one log.
#[derive(Debug)]
pub(crate) struct Dating {
    pub(crate) dates: Arc<DateDetector>,
    pub(crate) state: DateState,
    last: LastDate,
}

impl Dating {
    pub(crate) fn new(dates: Arc<DateDetector>) -> Self {
        Self {
            state: dates.new_state(),
            last: LastDate::default(),
            dates,
        }
    }

    /// Looks for the date of a line. A journal's entry has one of its own.
    pub(crate) fn find(&mut self, line: &Line<'_>, clock: &Clock<'_>) -> DateFound {
        self.find_by(None, line, clock)
    }

    /// The same, where it may be known that no other templates than these can find one.
    pub(crate) fn find_by(
        &mut self,
        possible: Option<&[usize]>,
        line: &Line<'_>,
        clock: &Clock<'_>,
    ) -> DateFound {
        match line.time {
            Some(_) => DateFound::None,
            None => date::detect_by(
                &self.dates,
                &mut self.state,
                possible,
                line.text,
                (clock.now, clock.zone),
            ),
        }
    }

    /// The date of a line, if it is known to be that of the last one without a search.
    pub(crate) fn again(&mut self, line: &Line<'_>, clock: &Clock<'_>) -> Option<DateFound> {
        date::detect_again(
            &self.dates,
            &mut self.state,
            line.text,
            clock.now,
            clock.zone,
        )
    }

    /// Where the date of the last line stands in this one, if that is known; not counted as found.
    pub(crate) fn same_in(&mut self, line: &str) -> Option<Range<usize>> {
        self.dates.same_in(&mut self.state, line)
    }

    /// Whether a line is known to have the date of the last one; nothing is noted.
    pub(crate) fn holds_same(&mut self, line: &[u8]) -> bool {
        self.dates.holds_same(&mut self.state, line)
    }

    /// How the last line begins, if that is enough to know its date by [`again`](Self::again); else empty.
    pub(crate) fn remembered(&self) -> &str {
        self.state.remembered()
    }

    /// Forgets that beginning: a line has come that begins otherwise.
    pub(crate) fn forget(&mut self) {
        self.state.forget();
    }

    /// The letters in front of the last date and behind it, as far as they stand in all lines that are known to have it.
    pub(crate) fn around(&self) -> (Option<u8>, Option<u8>) {
        self.state.around()
    }

    /// So many lines more had the date of the last one.
    pub(crate) fn repeat(&mut self, lines: u32, now: Timestamp) {
        self.state.repeat(lines, now);
    }

    /// Whether another finds the date of the next line as this one does, if this one finds it as it did the last.
    pub(crate) fn finds_alike(&self, other: &Self) -> bool {
        self.dates
            .finds_alike(&self.state, &other.dates, &other.state)
    }

    /// The date of a line that is found as that of the last line was; nothing is learnt yet.
    pub(crate) fn foresee(&mut self, line: &str, clock: &Clock<'_>) -> Option<Foreseen> {
        self.dates
            .foresee(&mut self.state, line, (clock.now, clock.zone))
    }

    /// Learns from a date that was foreseen.
    pub(crate) fn learn(&mut self, line: &Line<'_>, foreseen: Foreseen, now: Timestamp) -> Dated {
        self.dates.learn(&mut self.state, line.text, &foreseen, now);
        let Foreseen {
            time,
            cut,
            template,
            ..
        } = foreseen;
        let found = DateFound::Found {
            time,
            cut,
            template,
        };
        self.date(line, found, now)
    }

    /// Learns what another did from so many lines, whose dates both find alike.
    pub(crate) fn follow(&mut self, leader: &Self, lines: u32, now: Timestamp) {
        self.state.follow(&leader.state, lines, now);
        self.last.follow(&leader.last);
    }

    /// Whether the next search begins in a part of the line, so that what the whole line says is not enough.
    pub(crate) fn looks_at_parts(&self) -> bool {
        self.dates.looks_at_parts(&self.state)
    }

    /// What the date of a line is, with what is known from the lines before.
    pub(crate) fn date(&mut self, line: &Line<'_>, found: DateFound, now: Timestamp) -> Dated {
        self.last.date(line, found, now)
    }

    /// When a line counts as written; without a `findtime` its date is as it is.
    pub(crate) fn settle(
        &mut self,
        dated: &Dated,
        findtime: Option<Span>,
        clock: &Clock<'_>,
    ) -> Settled {
        match findtime {
            Some(findtime) => self.last.settle(dated.time, findtime, clock),
            None => Settled::At(dated.time.unwrap_or(clock.now)),
        }
    }

    /// The line in its two forms.
    pub(crate) fn shown<'a>(
        &'a self,
        line: Line<'a>,
        dated: &'a Dated,
        zone: &'a TimeZone,
    ) -> ShownLine<'a> {
        ShownLine {
            line,
            dated,
            last: self.last.text(),
            zone,
        }
    }
}
