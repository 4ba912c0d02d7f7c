//! The last lines of a log, kept once for all jails whose expressions span several. Such a jail reads up on them when
//! the gate names it; until then a line costs it nothing.

use jiff::tz::TimeZone;
use std::collections::VecDeque;

use super::dates::Dates;
use crate::detector::ShownLine;
use crate::timing::{Dated, Shown};
use crate::{Clock, Line};

#[derive(Debug, Default)]
pub(super) struct Recent {
    /// As many as the jail with the most `maxlines` can ask for.
    size: usize,
    lines: VecDeque<Kept>,
    /// The dates of these lines, each set with the number of the first line that has them: most lines have those of
    /// the line before.
    dates: VecDeque<KeptDates>,
    /// The number of the line at hand.
    number: u64,
    /// The places of what finds the dates for the jails.
    groups: Vec<usize>,
}

/// A jail's place in the log.
#[derive(Debug)]
pub(super) struct Reader {
    maxlines: usize,
    /// The place of its date among those kept.
    date: usize,
    /// The number of the last line that it has read.
    read: u64,
}

#[derive(Debug, Default)]
struct Kept {
    number: u64,
    text: String,
}

#[derive(Debug, Default)]
struct KeptDates {
    first: u64,
    /// In the order of the places.
    of: Vec<KeptDate>,
}

#[derive(Debug, Default)]
struct KeptDate {
    dated: Dated,
    /// The text of the last date in the log, where it is shown.
    last: String,
}

impl Recent {
    /// A jail that spans `maxlines` lines and has its dates found at a place.
    pub(super) fn reader(&mut self, maxlines: usize, group: usize) -> Reader {
        self.size = self.size.max(maxlines);
        let known = self.groups.iter().position(|known| *known == group);
        let date = known.unwrap_or_else(|| {
            self.groups.push(group);
            self.groups.len() - 1
        });
        Reader {
            maxlines,
            date,
            read: 0,
        }
    }

    /// Begins a line.
    pub(super) fn next(&mut self) {
        self.number += 1;
    }

    /// Gives a jail the lines before the one at hand that it has not read, as far as they can matter to it, and counts
    /// that one as read. The zone of this machine is taken to be what it was then.
    pub(super) fn read_up(
        &self,
        reader: &mut Reader,
        zone: &TimeZone,
        mut each: impl FnMut(&ShownLine<'_>),
    ) {
        let read = std::mem::replace(&mut reader.read, self.number);
        let first = self.lines.partition_point(|line| line.number <= read);
        let first = first.max(self.lines.len().saturating_sub(reader.maxlines));
        for line in self.lines.range(first..) {
            let has_begun = |dates: &KeptDates| dates.first <= line.number;
            let place = self.dates.partition_point(has_begun).checked_sub(1);
            let dates = place.and_then(|place| self.dates.get(place));
            if let Some(KeptDate { dated, last }) =
                dates.and_then(|dates| dates.of.get(reader.date))
            {
                each(&ShownLine {
                    line: Line::of_file(&line.text),
                    dated,
                    last,
                    zone,
                });
            }
        }
    }

    /// Keeps the line at hand for those that have not read it.
    pub(super) fn keep(&mut self, line: &Line<'_>, clock: &Clock<'_>, dates: &mut Dates) {
        if self.size > 0 {
            self.keep_line(line, clock, dates);
        }
    }

    fn keep_line(&mut self, line: &Line<'_>, clock: &Clock<'_>, dates: &mut Dates) {
        let oldest = match self.lines.len() < self.size {
            true => None,
            false => self.lines.pop_front(),
        };
        let mut kept = oldest.unwrap_or_default();
        kept.number = self.number;
        kept.text.clear();
        kept.text.push_str(line.text);
        self.lines.push_back(kept);
        if !dates.are_as_before() {
            self.keep_dates(line, clock, dates);
        }
    }

    fn keep_dates(&mut self, line: &Line<'_>, clock: &Clock<'_>, dates: &mut Dates) {
        let oldest = self.lines.front().map_or(0, |line| line.number);
        // A set is over once the one after it began with the oldest line or before.
        let is_over = self.dates.get(1).is_some_and(|next| next.first <= oldest);
        let mut kept = match is_over {
            true => self.dates.pop_front().unwrap_or_default(),
            false => KeptDates::default(),
        };
        kept.first = self.number;
        kept.of.resize_with(self.groups.len(), KeptDate::default);
        for (group, kept) in self.groups.iter().zip(&mut kept.of) {
            let (dating, dated, _) = dates.of(*group, line, clock);
            kept.last.clear();
            if dated.shown == Shown::Last {
                kept.last
                    .push_str(dating.shown(*line, dated, clock.zone).last);
            }
            kept.dated.clone_from(dated);
        }
        self.dates.push_back(kept);
    }
}
