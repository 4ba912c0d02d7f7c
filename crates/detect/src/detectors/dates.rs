//! The dates of a line for all jails of its log: each date detector looks once, and one pass over the line tells which
//! of them can find any.

use base::Span;
use std::ops::Range;
use std::sync::Arc;

use super::sieve::Sieve;
use crate::date::{DateDetector, DateFound};
use crate::detector::Dating;
use crate::pyre::Gated;
use crate::timing::{Dated, Settled, Shown};
use crate::{Clock, Line};

/// Bound of the gate's cache.
const GATE_BYTES: usize = 2 << 20;

/// A set of date detectors, by their place. Only where there are no more than its bits, which is nearly everywhere,
/// are there gates.
pub(super) type Places = u128;

#[derive(Debug, Default)]
pub(super) struct Dates {
    groups: Vec<Group>,
    /// No jail has a sense of time.
    timeless: bool,
    /// Built at the first line.
    sieve: Option<Option<Sieve>>,
    /// Detectors that may know the date of the next line by how it begins.
    remembering: Places,
    /// Detectors that look at parts of a line, where the gate has not looked.
    unsure: Places,
    /// Detectors that found something in the line at hand.
    found: Vec<usize>,
    /// What is left of the line at hand without its date; the first is the whole line.
    texts: Vec<Text>,
    used: usize,
    concern_all: bool,
}

/// A date detector, and what it found in the line at hand.
#[derive(Debug)]
struct Group {
    dating: Dating,
    /// The shortest time that a jail looks back, if any has one.
    least: Option<Span>,
    dated: Option<Dated>,
    text: usize,
}

#[derive(Debug, Default)]
struct Text {
    cut: Option<Range<usize>>,
    /// Whose text it is.
    groups: Places,
    /// It was written for the line at hand.
    is_written: bool,
    text: String,
}

impl Dates {
    /// What finds the dates of a jail; the same as for another jail with the same patterns.
    pub(super) fn add(&mut self, dates: &Arc<DateDetector>, findtime: Option<Span>) -> usize {
        self.timeless = findtime.is_none() && (self.timeless || self.groups.is_empty());
        let known = self
            .groups
            .iter()
            .position(|group| Arc::ptr_eq(&group.dating.dates, dates));
        if let Some(place) = known {
            let least = &mut self.groups[place].least;
            *least = match (*least, findtime) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            return place;
        }
        self.groups.push(Group {
            dating: Dating::new(Arc::clone(dates)),
            least: findtime,
            dated: None,
            text: 0,
        });
        self.groups.len() - 1
    }

    /// Whether sets of detectors can be told by their places.
    pub(super) fn fit(&self) -> bool {
        self.groups.len() <= Places::BITS as usize
    }

    /// Finds the date of a line for all.
    pub(super) fn find(&mut self, line: &Line<'_>, clock: &Clock<'_>) {
        for place in self.found.drain(..) {
            let group = &mut self.groups[place];
            (group.dated, group.text) = (None, 0);
        }
        self.concern_all = false;
        self.texts
            .resize_with(self.texts.len().max(1), Text::default);
        let all = self.all();
        self.texts[0].reset(None, all);
        self.used = 1;
        if line.time.is_none() {
            if self.groups.len() > 1 && self.fit() {
                self.find_by_gate(line, clock);
            } else {
                for place in 0..self.groups.len() {
                    let found = self.groups[place].dating.find(line, clock);
                    self.take(place, line, clock, found);
                }
            }
        }
        if !self.timeless {
            self.settle(line, clock);
        }
    }

    /// Asks those that may know the date without a search, then those of which the gate says that they can find one.
    fn find_by_gate(&mut self, line: &Line<'_>, clock: &Clock<'_>) {
        let mut missing = self.all();
        for place in places(self.remembering) {
            if let Some(found) = self.groups[place].dating.again(line, clock) {
                missing &= !(1 << place);
                self.take(place, line, clock, found);
            }
        }
        let asked = missing & !self.unsure;
        let sieve = self.sieve.get_or_insert_with(|| build(&self.groups));
        let mut able = missing;
        if let Some(sieve) = sieve
            && asked.count_ones() > 1
            && !line.text.is_empty()
            && let Ok(hits) = sieve.search(asked, || places(asked), line.text)
        {
            able = hits
                .iter()
                .fold(missing & self.unsure, |able, place| able | 1 << place);
            able = places(asked)
                .filter(|place| sieve.is_open(*place))
                .fold(able, |able, place| able | 1 << place);
        }
        for place in places(able) {
            let dating = &mut self.groups[place].dating;
            let found = dating.find(line, clock);
            let bit = 1 << place;
            self.remembering = self.remembering & !bit | if dating.remembers() { bit } else { 0 };
            self.unsure = self.unsure & !bit | if dating.looks_at_parts() { bit } else { 0 };
            self.take(place, line, clock, found);
        }
    }

    /// Notes what a detector found, and whose text is which.
    fn take(&mut self, place: usize, line: &Line<'_>, clock: &Clock<'_>, found: DateFound) {
        if found == DateFound::None {
            return;
        }
        let group = &mut self.groups[place];
        let dated = group.dating.date(line, found, clock.now);
        self.found.push(place);
        if let Shown::Cut(cut) = &dated.shown {
            let known = self.texts[1..self.used]
                .iter()
                .position(|text| text.cut.as_ref() == Some(cut));
            let bit = Places::from(1_u8).checked_shl(place as u32).unwrap_or(0);
            group.text = match known {
                Some(known) => known + 1,
                None => {
                    if self.used == self.texts.len() {
                        self.texts.push(Text::default());
                    }
                    self.texts[self.used].reset(Some(cut.clone()), 0);
                    self.used += 1;
                    self.used - 1
                }
            };
            self.texts[0].groups &= !bit;
            self.texts[group.text].groups |= bit;
        }
        group.dated = Some(dated);
    }

    /// Tells every detector what time the line is counted at, which decides about the next one, and notes whether that
    /// is anything to tell the jails about.
    fn settle(&mut self, line: &Line<'_>, clock: &Clock<'_>) {
        for place in 0..self.groups.len() {
            let group = &mut self.groups[place];
            if group.dated.is_none() {
                group.dated = Some(group.dating.date(line, DateFound::None, clock.now));
                self.found.push(place);
            }
            let Group {
                dating,
                dated: Some(dated),
                least,
                ..
            } = group
            else {
                continue;
            };
            let settled = dating.settle(dated, *least, clock);
            self.concern_all |= matches!(settled, Settled::TooOld | Settled::Now { skew: Some(_) });
        }
    }

    /// Whether the date of the line at hand is something to tell jails that it means nothing else to.
    pub(super) fn concern_all(&self) -> bool {
        self.concern_all
    }

    /// What finds the dates at a place, what it found in the line at hand, and what is left of that line, if anybody
    /// had it written.
    pub(super) fn of(
        &mut self,
        place: usize,
        line: &Line<'_>,
        clock: &Clock<'_>,
    ) -> (&mut Dating, Dated, &str) {
        let group = &mut self.groups[place];
        let dated = match &group.dated {
            Some(dated) => dated.clone(),
            // Nothing is learnt from a line without a date.
            None => group.dating.date(line, DateFound::None, clock.now),
        };
        (&mut group.dating, dated, &self.texts[group.text].text)
    }

    /// How many different texts are left of the line at hand.
    pub(super) fn texts(&self) -> usize {
        self.used
    }

    /// Which text the jails of a place search.
    pub(super) fn text_of(&self, place: usize) -> usize {
        self.groups[place].text
    }

    /// Whose text it is.
    pub(super) fn groups(&self, text: usize) -> Places {
        self.texts[text].groups
    }

    /// Writes a text of the line at hand.
    pub(super) fn write(&mut self, text: usize, line: &Line<'_>) -> &str {
        let text = &mut self.texts[text];
        if !text.is_written {
            text.is_written = true;
            text.write(line.text);
        }
        &text.text
    }

    fn all(&self) -> Places {
        match Places::MAX.checked_shr(Places::BITS.saturating_sub(self.groups.len() as u32)) {
            Some(all) => all,
            None => 0,
        }
    }
}

impl Text {
    fn reset(&mut self, cut: Option<Range<usize>>, groups: Places) {
        (self.cut, self.groups, self.is_written) = (cut, groups, false);
    }

    /// The line without its date, ended by a line feed.
    fn write(&mut self, line: &str) {
        self.text.clear();
        let halves = self.cut.as_ref().and_then(|cut| {
            let before = line.get(..cut.start)?;
            Some((before, line.get(cut.end..)?))
        });
        let (before, after) = halves.unwrap_or(("", line));
        self.text.push_str(before);
        self.text.push_str(after);
        self.text.push('\n');
    }
}

fn build(groups: &[Group]) -> Option<Sieve> {
    let rules: Vec<Gated<'_>> = groups
        .iter()
        .map(|group| Gated {
            prefix: None,
            regexes: group.dating.dates.regexes().collect(),
            spans_lines: false,
        })
        .collect();
    Sieve::new(&rules, GATE_BYTES)
}

/// The places in a set, ascending.
pub(super) fn places(mut set: Places) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (place < Places::BITS).then_some(place as usize)
    })
}
