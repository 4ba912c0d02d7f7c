//! Finds the date of a log line and turns it into a point in time.
//!
//! Templates are Python expressions built from fail2ban's directives ([`directive`]), bounded as there ([`bounds`]).
//! A [`DateDetector`] holds the templates of one `datepattern` and never changes; what it learns from a log (which
//! template hit, where) is in a [`DateState`], one per log. The caller gives "now" and the zone of the machine, and
//! decides what a date that is too old, far ahead or missing means; nothing here reads a clock.

mod bounds;
mod civil;
mod columns;
mod defaults;
mod detect;
mod digits;
mod directive;
mod epoch;
mod fields;
mod memo;
mod next;
mod same;
mod shared;
mod tai64;
mod template;
#[cfg(test)]
mod tests;
mod uses;
mod zone;

use std::collections::BTreeSet;
use std::ops::Range;

use base::Timestamp;
use jiff::tz::TimeZone;

use crate::pyre::{Cache, Regex, RegexSet, SetCache};

use civil::WallNow;
use detect::{LastHit, Place};
use fields::Zones;
use memo::{Captured, Memo};
use same::SameDate;
use template::{Draft, Kind, LINE_BEGIN, Template};

pub(crate) use next::Foreseen;
pub use template::DateError;
pub use uses::TemplateUse;
pub use zone::{ZoneError, ZoneSpec};

/// The templates of one `datepattern`.
#[derive(Debug)]
pub struct DateDetector {
    templates: Vec<Template>,
    /// All expressions at once; None when there is only one.
    set: Option<RegexSet>,
    zone: ZoneSpec,
    start_year: i32,
    /// The patterns hold a group of built-in formats.
    has_group: bool,
}

/// What a detector has learnt from one log.
#[derive(Debug)]
pub struct DateState {
    places: Vec<Place>,
    last: Option<LastHit>,
    first_unused: usize,
    caches: Vec<Option<Cache>>,
    set_cache: Option<SetCache>,
    /// Lines in which templates were tried one by one.
    tried: u32,
    /// A line whose beginning is hidden.
    masked: String,
    /// Groups of the match at hand and of the best candidate.
    slots: Vec<Option<usize>>,
    candidate_slots: Vec<Option<usize>>,
    /// Templates that can match the line at hand, ascending.
    possible: Vec<usize>,
    memo: Memo,
    same: SameDate,
    wall: Option<WallNow>,
}

/// What became of the search for a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateFound {
    /// No template matches.
    None,
    /// A template matches without taking any text (`{NONE}`): the date is "now" or the last known one.
    Empty,
    /// A date.
    Found {
        /// The point in time; whole seconds unless the line holds seconds since 1970.
        time: Timestamp,
        /// The bytes of the line to cut out.
        cut: Range<usize>,
        /// Index of the template, see [`DateDetector::template_name`].
        template: usize,
    },
    /// Matched text that is no date (30 February, an unknown zone): to be treated as no date.
    Unparsable {
        /// The bytes of the line that matched.
        cut: Range<usize>,
    },
}

impl DateDetector {
    /// Builds the templates of a `datepattern`, one a line; none (or an empty one) means the built-in formats.
    ///
    /// `zone` is the zone of dates that name none; `start_year` bounds what `%ExY` takes.
    ///
    /// # Errors
    /// A line that is no pattern, that is no valid expression, or that stands there twice.
    pub fn new(
        datepattern: Option<&str>,
        zone: ZoneSpec,
        start_year: i32,
    ) -> Result<Self, DateError> {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut names = BTreeSet::new();
        let mut has_group = false;
        let lines = datepattern
            .unwrap_or_default()
            .split('\n')
            .map(str::trim)
            .filter(|line| !line.is_empty());
        for line in lines {
            // Formats that stand there already are left out of a group that comes later.
            let skip_known = !drafts.is_empty();
            let (new, group) = drafts_of(line, start_year)?;
            has_group |= group;
            for draft in new {
                if names.insert(draft.name.clone()) {
                    drafts.push(draft);
                } else if !(group && skip_known) {
                    let message =
                        format!("there is a template of this name already: {}", draft.name);
                    return Err(DateError {
                        pattern: line.to_owned(),
                        message,
                        offset: None,
                    });
                }
            }
        }
        if drafts.is_empty() {
            has_group = true;
            drafts = defaults::all(start_year)?;
        }
        let templates = drafts
            .into_iter()
            .map(Draft::compile)
            .collect::<Result<Vec<_>, _>>()?;
        let regexes: Vec<&Regex> = templates.iter().map(|template| &*template.regex).collect();
        let set = (regexes.len() > 1).then(|| RegexSet::new(&regexes));
        Ok(Self {
            templates,
            set,
            zone,
            start_year,
            has_group,
        })
    }

    /// The names of the templates that hold a back-reference which no automaton decides.
    pub(crate) fn backtracking(&self) -> Vec<&str> {
        let refers = |template: &&Template| {
            let constructs = template.regex.shape(&[]).constructs;
            constructs.contains(&"back-reference")
        };
        let all = self.templates.iter().filter(refers);
        all.map(|template| template.name.as_str()).collect()
    }

    /// A state that has learnt nothing yet. It may be used with this detector only, and always with the same zone.
    pub fn new_state(&self) -> DateState {
        DateState {
            places: (0..self.templates.len()).map(Place::new).collect(),
            last: None,
            first_unused: 0,
            caches: self.templates.iter().map(|_| None).collect(),
            set_cache: self.set.as_ref().map(RegexSet::new_cache),
            tried: 0,
            masked: String::new(),
            slots: Vec::new(),
            candidate_slots: Vec::new(),
            possible: Vec::new(),
            memo: Memo::default(),
            same: SameDate::default(),
            wall: None,
        }
    }

    /// How many templates there are.
    pub fn template_count(&self) -> usize {
        self.templates.len()
    }

    /// The expressions of all templates, with the number of each one's: a template finds no date in a line in which none of
    /// its own matches.
    pub(crate) fn ways(&self) -> impl Iterator<Item = (usize, &Regex)> {
        let all = self.templates.iter().enumerate();
        all.flat_map(|(number, template)| {
            let whole = template.ways.is_empty().then_some(&template.regex);
            let ways = whole.into_iter().chain(&template.ways);
            ways.map(move |regex| (number, &**regex))
        })
    }

    /// A template as fail2ban names it (`{^LN-BEG}Epoch`); None for an index that is none.
    pub fn template_name(&self, template: usize) -> Option<&str> {
        self.templates
            .get(template)
            .map(|template| template.name.as_str())
    }
}

impl DateState {
    /// How the last line begins, if that is enough to know its date; else empty.
    pub(crate) fn remembered(&self) -> &str {
        self.same.beginning()
    }

    /// The letters in front of the last date and behind it, as far as they are known to come again.
    pub(crate) fn around(&self) -> (Option<u8>, Option<u8>) {
        self.same.around()
    }

    /// Forgets that beginning.
    pub(crate) fn forget(&mut self) {
        self.same.forget();
    }
}

/// The templates of one line of `datepattern`, and whether they are a group of built-in ones.
fn drafts_of(line: &str, start_year: i32) -> Result<(Vec<Draft>, bool), DateError> {
    let key = template::word_key(line);
    Ok(match key.as_str() {
        LINE_BEGIN => (defaults::anchored(start_year)?, true),
        // It adds nothing beside other lines, as in fail2ban, and alone it is what no line at all means.
        "{DEFAULT}" => (Vec::new(), true),
        "{NONE}" => (vec![Draft::of_pattern("{UNB}^", start_year)?], false),
        key if key.contains("{DATE}") => (defaults::inside(line, start_year)?, true),
        _ => (vec![Draft::of_pattern(line, start_year)?], false),
    })
}

/// Finds the date of a line; the state learns where dates stand and which template finds them.
///
/// `tz` is the zone of the machine; it must not change during the life of a state.
pub fn detect(
    detector: &DateDetector,
    state: &mut DateState,
    line: &str,
    now: Timestamp,
    tz: &TimeZone,
) -> DateFound {
    detect_by(detector, state, None, line, (now, tz))
}

/// The same, where it may be known that no other templates than these, which ascend, can match anywhere in the line.
pub(crate) fn detect_by(
    detector: &DateDetector,
    state: &mut DateState,
    possible: Option<&[usize]>,
    line: &str,
    (now, tz): (Timestamp, &TimeZone),
) -> DateFound {
    if let Some(found) = detect_again(detector, state, line, now, tz) {
        return found;
    }
    state.same.forget();
    let Some(index) = detector.find(state, line, possible, now) else {
        return DateFound::None;
    };
    let template = &detector.templates[index];
    let group = |number: usize| {
        Some(state.slots.get(2 * number).copied()??..state.slots.get(2 * number + 1).copied()??)
    };
    let cut = match group(1) {
        Some(cut) if !cut.is_empty() => cut,
        _ => return DateFound::Empty,
    };
    let time = match &template.kind {
        Kind::Calendar(groups) => {
            let zones = Zones {
                log: detector.zone,
                machine: tz,
            };
            let captured = Captured {
                template: index,
                groups,
                slots: &state.slots,
                line,
            };
            let wall = look_at(&mut state.wall, now, tz);
            let time = wall.and_then(|wall| state.memo.convert(&captured, &zones, wall));
            // The wall and the memo are those of this line.
            detector.learn_same(state, line, index, &cut);
            time
        }
        Kind::Epoch {
            long,
            group: number,
            ..
        } => group(*number)
            .and_then(|bytes| line.get(bytes))
            .and_then(|text| epoch::time(text, *long)),
        Kind::Tai64n => line.get(cut.clone()).and_then(tai64::time),
    };
    match time {
        Some(time) => DateFound::Found {
            time,
            cut,
            template: index,
        },
        None => DateFound::Unparsable { cut },
    }
}

/// The date of a line of which that of the last one is known to be its own.
pub(crate) fn detect_again(
    detector: &DateDetector,
    state: &mut DateState,
    line: &str,
    now: Timestamp,
    tz: &TimeZone,
) -> Option<DateFound> {
    if !detector.has_same(state, line) {
        return None;
    }
    let (template, cut) = (state.same.template(), state.same.cut());
    let wall = look_at(&mut state.wall, now, tz)?;
    let time = state.memo.again(template, wall)?;
    state.repeat(1, now);
    Some(match time {
        Some(time) => DateFound::Found {
            time,
            cut,
            template,
        },
        None => DateFound::Unparsable { cut },
    })
}

/// The clock on the wall.
fn look_at<'w>(
    wall: &'w mut Option<WallNow>,
    now: Timestamp,
    tz: &TimeZone,
) -> Option<&'w WallNow> {
    if !wall.as_mut().is_some_and(|wall| wall.go_to(now)) {
        *wall = WallNow::new(now, tz);
    }
    wall.as_ref()
}
