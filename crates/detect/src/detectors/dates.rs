//! The dates of a line for all jails of its log: each date detector looks once, and one pass over the line tells which
//! of them can find any.

mod leading;

use base::{Span, Timestamp};
use std::ops::Range;
use std::sync::Arc;

use super::sieve::Alike;
use super::templates::Templates;
use crate::date::{DateDetector, DateFound, Foreseen};
use crate::detector::Dating;
use crate::pyre::{Part, Searched, is_ascii};
use crate::timing::{Dated, Settled, Shown};
use crate::{Clock, Line};

/// A set of date detectors, by their place. Only where there are no more than its bits, which is nearly everywhere,
/// are there gates.
pub(super) type Places = u128;

#[derive(Debug, Default)]
pub(super) struct Dates {
    groups: Vec<Group>,
    /// The jails have a sense of time.
    timed: bool,
    /// Built at the first line.
    templates: Option<Option<Templates>>,
    /// Detectors that may know the date of the next line by how it begins.
    remembering: Places,
    /// Detectors that look at parts of a line, where the gate has not looked.
    unsure: Places,
    /// Detectors that found something in the line at hand.
    found: Vec<usize>,
    /// What detectors found in the line at hand that were asked before it was known that it is not like the last.
    tried: Vec<(usize, DateFound)>,
    /// What is left of the line at hand without its date; the first is the whole line.
    texts: Vec<Text>,
    used: usize,
    /// The number of the line at hand.
    number: u64,
    concern_all: bool,
    /// The line at hand, and so all that is left of it, is known to be ASCII.
    is_ascii: bool,
    /// So are all lines that stand in what was looked at before them.
    ahead_is_ascii: bool,
    steady: Steady,
}

/// What the gate tells of a line.
#[derive(Clone, Copy, Debug)]
struct Able {
    /// Detectors that can find a date.
    places: Places,
    /// Of which it is told by which templates.
    told: Places,
}

/// What makes a line's dates those of the line before: all that have one know it without a search.
#[derive(Debug, Default)]
struct Steady {
    holds: bool,
    /// The detector that has to see most of how a line begins, if all know their dates by that.
    longest: Option<usize>,
    /// What it has to see, by the number of the first line.
    alike: Option<Alike>,
    /// Detectors that found nothing.
    others: Places,
    now: Timestamp,
    in_operation: bool,
    /// Lines of which the detectors have not heard yet.
    lines: u32,
    /// Detectors that look for the next date for all that find it alike; none if that is not known.
    leaders: Places,
    /// Lines before those, of which only the leaders have heard.
    behind: u32,
}

/// The only detector's date in the line before, from whose like nothing more is to be learnt.
pub(super) struct SameDate<'a> {
    known: Known<'a>,
    /// The letters that meet where it was, if both halves hold any.
    pub(super) seam: Option<[u8; 2]>,
}

/// What tells of a line that it has a date.
enum Known<'a> {
    Beginning(&'a [u8]),
    /// It may stand at another place.
    Moving(&'a mut Dating),
}

impl SameDate<'_> {
    /// Whether a line has it, of which these are the bytes.
    #[inline]
    pub(super) fn is_in(&mut self, line: &[u8]) -> bool {
        match &mut self.known {
            Known::Beginning(beginning) => line.starts_with(beginning),
            Known::Moving(dating) => dating.holds_same(line),
        }
    }
}

/// A date detector, and what it found in the line at hand.
#[derive(Debug)]
struct Group {
    dating: Dating,
    /// The shortest time that a jail looks back, if any has one.
    least: Option<Span>,
    dated: Option<Dated>,
    /// What a line is dated by in which it found nothing.
    undated: Dated,
    text: usize,
    /// The detector that finds the next date as this one does.
    leader: usize,
    foreseen: Option<Foreseen>,
}

#[derive(Debug, Default)]
struct Text {
    cut: Option<Range<usize>>,
    /// Whose text it is.
    groups: Places,
    /// The number of the line that it was written for last.
    written: u64,
    text: String,
}

impl Dates {
    /// What finds the dates of a jail; the same as for another jail with the same patterns.
    pub(super) fn add(&mut self, dates: &Arc<DateDetector>, findtime: Option<Span>) -> usize {
        self.timed |= findtime.is_some();
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
            undated: Dated::default(),
            text: 0,
            leader: self.groups.len(),
            foreseen: None,
        });
        self.groups.len() - 1
    }

    /// Whether sets of detectors can be told by their places.
    pub(super) fn fit(&self) -> bool {
        self.groups.len() <= Places::BITS as usize
    }

    /// Looks at the text in which the lines stand that come next; whether all of it is known to be ASCII.
    pub(super) fn look_ahead(&mut self, text: &str, is_ascii: bool) {
        self.ahead_is_ascii = is_ascii;
        if let Some(Some(templates)) = &mut self.templates {
            templates.look_ahead(text);
        }
    }

    /// Finds the date of a line for all.
    pub(super) fn find(&mut self, line: &Line<'_>, clock: &Clock<'_>) {
        // One detector is asked without a gate.
        self.is_ascii = line.place.is_some() && self.ahead_is_ascii
            || self.groups.len() > 1 && is_ascii(line.text.as_bytes());
        self.number += 1;
        if self.is_steady(line, clock) {
            self.steady.lines += 1;
            return;
        }
        if self.goes_on(line, clock) {
            return;
        }
        self.tell_all();
        for place in self.found.drain(..) {
            let group = &mut self.groups[place];
            (group.dated, group.text) = (None, 0);
        }
        self.concern_all = false;
        self.steady.holds = false;
        self.texts
            .resize_with(self.texts.len().max(1), Text::default);
        let all = self.all();
        self.texts[0].reset(None, all);
        self.used = 1;
        if line.time.is_none() {
            self.find_in(line, clock);
            self.steady(clock);
        }
        // A journal's entry has a date of its own, for all.
        if self.timed || line.time.is_some() {
            self.settle(line, clock);
        }
    }

    /// Whether everything about the dates of a line is as it was for the last one.
    fn is_steady(&mut self, line: &Line<'_>, clock: &Clock<'_>) -> bool {
        let Steady {
            holds,
            others,
            now,
            in_operation,
            ..
        } = self.steady;
        holds
            && line.time.is_none()
            && (now, in_operation) == (clock.now, clock.in_operation)
            && (self.begins_alike(line) || self.have_moved(line))
            && self.find_nothing(others, line, clock)
    }

    /// The date of the line before, if it is known when the next lines have it and nothing is to be learnt from them.
    pub(super) fn same_date(&mut self, clock: &Clock<'_>) -> Option<SameDate<'_>> {
        let Steady {
            holds,
            others,
            now,
            in_operation,
            ..
        } = self.steady;
        let [group] = &mut self.groups[..] else {
            return None;
        };
        let is_known = holds && others == 0 && self.remembering == bit(0) && !self.concern_all;
        if !is_known || (now, in_operation) != (clock.now, clock.in_operation) {
            return None;
        }
        let seam = match group.dating.around() {
            (None, _) => None,
            (Some(before), Some(after)) => Some([before, after]),
            (Some(_), None) => return None,
        };
        let shown = group.dated.as_ref().map(|dated| &dated.shown);
        let known = match shown {
            Some(Shown::Cut(_)) => Known::Moving(&mut group.dating),
            _ => match group.dating.remembered().as_bytes() {
                [] => return None,
                beginning => Known::Beginning(beginning),
            },
        };
        Some(SameDate { known, seam })
    }

    /// So many lines more had it.
    pub(super) fn repeat(&mut self, lines: u32) {
        self.steady.lines += lines;
        self.number += u64::from(lines);
    }

    /// Whether none of a set of detectors finds anything; else what those found that were asked is noted.
    fn find_nothing(&mut self, asked: Places, line: &Line<'_>, clock: &Clock<'_>) -> bool {
        if asked == 0 {
            return true;
        }
        let able = self.able(asked, line);
        for place in places(able.places) {
            let found = self.find_by(place, able, line, clock);
            let looks_at_parts = self.groups[place].dating.looks_at_parts();
            let is_nothing = found == DateFound::None && !looks_at_parts;
            self.tried.push((place, found));
            if !is_nothing {
                return false;
            }
        }
        self.tried.clear();
        true
    }

    /// Whether a line begins as the last one did, as far as that decides about dates.
    fn begins_alike(&self, line: &Line<'_>) -> bool {
        let longest = self.steady.longest.map(|place| &self.groups[place].dating);
        longest.is_some_and(|dating| line.text.starts_with(dating.remembered()))
    }

    /// What the line at hand has in common with others, if it begins as the last one did as far as that decides about dates.
    pub(super) fn alike(&self) -> Option<Alike> {
        let Steady {
            holds,
            longest,
            alike,
            ..
        } = self.steady;
        alike.filter(|_| holds && longest.is_some())
    }

    /// Whether all dates of the last line stand in this one, if at other places; notes where.
    fn have_moved(&mut self, line: &Line<'_>) -> bool {
        for text in &mut self.texts[1..self.used] {
            text.cut = None;
        }
        let asked = match self.steady.behind {
            0 => self.remembering,
            _ => self.steady.leaders,
        };
        for place in places(asked) {
            let group = &mut self.groups[place];
            let Some(Dated {
                shown: Shown::Cut(cut),
                ..
            }) = &mut group.dated
            else {
                return false;
            };
            let Some(same) = group.dating.same_in(line.text) else {
                return false;
            };
            cut.clone_from(&same);
            // Who had one text of the last line has one of this as well, or it is not as it was.
            let text = &mut self.texts[group.text].cut;
            if *text.get_or_insert_with(|| same.clone()) != same {
                return false;
            }
        }
        self.steady.longest = None;
        true
    }

    /// Notes whether the next line may be known to have the same dates.
    fn steady(&mut self, clock: &Clock<'_>) {
        let found = self
            .found
            .iter()
            .fold(0, |found, place| found | bit(*place));
        if !self.fit() || found != self.remembering || self.unsure != 0 {
            return;
        }
        self.steady = Steady {
            holds: found != 0,
            others: self.all() & !found,
            now: clock.now,
            in_operation: clock.in_operation,
            ..Steady::default()
        };
        self.begin_alike(found);
        self.lead();
    }

    /// Notes how the line at hand begins, if that tells these detectors the dates of the next one.
    fn begin_alike(&mut self, found: Places) {
        let length = |place: &usize| self.groups[*place].dating.remembered().len();
        let is_known = places(found).all(|place| length(&place) > 0);
        let longest = places(found).max_by_key(length);
        let beginning = longest.map_or("", |place| self.groups[place].dating.remembered());
        self.steady.alike = beginning.is_ascii().then_some(Alike {
            number: self.number,
            length: beginning.len(),
        });
        self.steady.longest = longest.filter(|_| is_known);
    }

    /// Asks those that may know the date without a search, then those of which the gate says that they can find one.
    fn find_in(&mut self, line: &Line<'_>, clock: &Clock<'_>) {
        if !self.fit() {
            for place in 0..self.groups.len() {
                let found = self.groups[place].dating.find(line, clock);
                self.take(place, line, clock, found);
            }
            return;
        }
        let mut missing = self.all();
        for place in places(self.remembering) {
            let dating = &mut self.groups[place].dating;
            match dating.again(line, clock) {
                Some(found) => {
                    missing &= !bit(place);
                    self.take(place, line, clock, found);
                }
                None => {
                    dating.forget();
                    self.remembering &= !bit(place);
                }
            }
        }
        let asked = missing & !self.unsure;
        // Whoever was asked already is heard, whatever the gate says this time.
        let tried = self
            .tried
            .iter()
            .fold(0, |tried, (place, _)| tried | bit(*place));
        let able = self.able(asked, line);
        for place in places(able.places | missing & self.unsure | tried) {
            let tried = self.tried.iter().position(|(tried, _)| *tried == place);
            let tried = tried.map(|index| self.tried.swap_remove(index).1);
            let found = tried.unwrap_or_else(|| self.find_by(place, able, line, clock));
            let dating = &self.groups[place].dating;
            self.remembering &= !bit(place);
            if !dating.remembered().is_empty() {
                self.remembering |= bit(place);
            }
            self.unsure &= !bit(place);
            if dating.looks_at_parts() {
                self.unsure |= bit(place);
            }
            self.take(place, line, clock, found);
        }
    }

    /// Asks a detector for the date of a line, of which it is known who is able to find one.
    fn find_by(
        &mut self,
        place: usize,
        able: Able,
        line: &Line<'_>,
        clock: &Clock<'_>,
    ) -> DateFound {
        let is_told = able.told & bit(place) != 0;
        let possible = match &mut self.templates {
            Some(Some(templates)) if is_told => Some(templates.possible(place)),
            _ => None,
        };
        self.groups[place].dating.find_by(possible, line, clock)
    }

    /// Which of a set of detectors can find a date anywhere in a line.
    fn able(&mut self, asked: Places, line: &Line<'_>) -> Able {
        let unknown = Able {
            places: asked,
            told: 0,
        };
        // A search by itself tells as much as a gate for one.
        if asked == 0 || self.groups.len() == 1 || line.text.is_empty() {
            return unknown;
        }
        let alike = self.alike();
        let templates = self.templates.get_or_insert_with(|| {
            let groups = self.groups.iter();
            Templates::new(groups.map(|group| &*group.dating.dates))
        });
        let Some(templates) = templates else {
            return unknown;
        };
        let searched = Searched {
            text: line.text,
            has_feed: false,
            is_ascii: self.is_ascii,
            part_of: Some(Part {
                whole: line.text,
                place: line.place,
            }),
        };
        let told = |places| Able {
            places,
            told: asked,
        };
        templates.able(asked, searched, alike).map_or(unknown, told)
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
            self.texts[0].groups &= !bit(place);
            self.texts[group.text].groups |= bit(place);
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
            if least.is_none() {
                continue;
            }
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
    ) -> (&mut Dating, &Dated, &str) {
        let Steady { lines, behind, .. } = self.steady;
        let is_found = self.remembering & bit(place) != 0;
        let is_stale = (lines > 0 || behind > 0) && !is_found;
        if behind > 0 && is_found {
            self.follow_date(place);
        }
        let Group {
            dating,
            dated,
            undated,
            text,
            ..
        } = &mut self.groups[place];
        let dated = match dated {
            Some(dated) if !is_stale => dated,
            _ => {
                // Nothing is learnt from a line without a date but that it was read.
                *undated = dating.date(line, DateFound::None, clock.now);
                undated
            }
        };
        (dating, dated, &self.texts[*text].text)
    }

    /// Whether the line at hand is sure to have the dates of the line before at the same places, for all.
    pub(super) fn are_as_before(&self) -> bool {
        // After dates that moved nobody knows them by how a line begins.
        self.steady.lines > 0 && self.steady.longest.is_some()
    }

    /// How many different texts are left of the line at hand.
    pub(super) fn texts(&self) -> usize {
        self.used
    }

    /// Whether the line at hand, and so each of its texts, is known to be ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// Which text the jails of a place search.
    pub(super) fn text_of(&self, place: usize) -> usize {
        self.groups[place].text
    }

    /// Whose text it is.
    pub(super) fn groups(&self, text: usize) -> Places {
        self.texts[text].groups
    }

    /// A text without the line feed at its end: so it need not be written to be read, most often.
    pub(super) fn unended<'a>(&'a mut self, text: usize, line: &Line<'a>) -> &'a str {
        match &self.texts[text].cut {
            None => line.text,
            Some(cut) if cut.start == 0 => line.text.get(cut.end..).unwrap_or_default(),
            Some(_) => {
                let written = self.write(text, line);
                written.strip_suffix('\n').unwrap_or(written)
            }
        }
    }

    /// Whether a text is its line, as a whole.
    pub(super) fn is_whole(&self, text: usize) -> bool {
        self.texts[text].cut.is_none()
    }

    /// Whether a text is an end of its line.
    pub(super) fn is_end(&self, text: usize) -> bool {
        let cut = self.texts[text].cut.as_ref();
        cut.is_none_or(|cut| cut.start == 0)
    }

    /// The letters before and behind the date, where both stand in a text.
    pub(super) fn seam(&self, text: usize, line: &Line<'_>) -> Option<[u8; 2]> {
        let cut = self.texts[text].cut.as_ref()?;
        let letters = line.text.as_bytes();
        let before = letters.get(cut.start.checked_sub(1)?)?;
        Some([*before, *letters.get(cut.end)?])
    }

    /// Writes a text of the line at hand.
    pub(super) fn write(&mut self, text: usize, line: &Line<'_>) -> &str {
        let text = &mut self.texts[text];
        if text.written != self.number {
            text.written = self.number;
            text.write(line.text);
        }
        &text.text
    }

    fn all(&self) -> Places {
        let beyond = Places::BITS.saturating_sub(self.groups.len() as u32);
        Places::MAX.checked_shr(beyond).unwrap_or(0)
    }
}

impl Text {
    fn reset(&mut self, cut: Option<Range<usize>>, groups: Places) {
        (self.cut, self.groups) = (cut, groups);
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

/// The set of one place; none for a place beyond the sets.
pub(super) fn bit(place: usize) -> Places {
    Places::from(1_u8).checked_shl(place as u32).unwrap_or(0)
}

/// The places in a set, ascending.
pub(super) fn places(mut set: Places) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (place < Places::BITS).then_some(place as usize)
    })
}
