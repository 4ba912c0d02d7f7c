//! The way of every line through the rule, and what is counted on it.
//!
//! A line is ignored, matched or missed. An ignoreregex, or a match that is marked as no failure, ignores it whatever
//! else matches; so does fail2ban's own tool.

use super::lists::{Kept, Lists};
use base::{FailureId, Timestamp};
use detect::{Asked, Clock, Detector, Explained, Explanation, Line};
use jiff::tz::TimeZone;
use std::collections::HashMap;

/// Prefregex matches whose groups are shown.
const SHOWN_PREFIXES: usize = 20;
/// Host names whose addresses are remembered.
const MAX_NAMES: usize = 1000;

/// What was counted.
pub(super) struct Tally {
    pub(super) tested: u64,
    pub(super) prefix: u64,
    /// Groups of the first matches of the prefregex.
    pub(super) prefixes: Vec<String>,
    pub(super) fail: Vec<Hits>,
    pub(super) ignore: Vec<u64>,
    pub(super) lists: Lists,
}

/// What one failregex found.
#[derive(Default)]
pub(super) struct Hits {
    pub(super) count: u64,
    /// Whom, and when; only if that is asked for.
    pub(super) seen: Vec<Seen>,
}

/// One match.
pub(super) struct Seen {
    pub(super) id: Option<String>,
    pub(super) time: Timestamp,
    /// At least two others matched the same line before.
    pub(super) among_several: bool,
}

/// A failure as it is printed by `-o`.
pub(super) struct Found<'a> {
    pub(super) explained: &'a Explained,
    /// Whom it is about, once names are resolved.
    pub(super) id: Option<FailureId>,
    /// The date names a zone.
    pub(super) zone_is_known: bool,
}

/// The rule at work.
pub(super) struct Counter<'a> {
    pub(super) detector: Detector,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
    pub(super) asked: Asked,
    /// Keep whom and when each match is about.
    pub(super) keeps_seen: bool,
    /// Keep the lines that are waited with, which only expressions of several lines do.
    pub(super) maxlines: usize,
    pub(super) tally: Tally,
    explanation: Explanation,
    names: HashMap<String, Vec<FailureId>>,
}

impl<'a> Counter<'a> {
    pub(super) fn new(
        detector: Detector,
        zone: &'a TimeZone,
        now: Timestamp,
        asked: Asked,
        lists: Lists,
    ) -> Self {
        let fail = detector.rule().failregexes().map(|_| Hits::default());
        let tally = Tally {
            tested: 0,
            prefix: 0,
            prefixes: Vec::new(),
            fail: fail.collect(),
            ignore: detector.rule().ignoreregexes().map(|_| 0).collect(),
            lists,
        };
        Self {
            detector,
            zone,
            now,
            asked,
            keeps_seen: false,
            maxlines: 1,
            tally,
            explanation: Explanation::default(),
            names: HashMap::new(),
        }
    }

    /// Counts a line.
    pub(super) fn count(&mut self, text: &str, time: Option<Timestamp>) {
        let waiting = self.waiting();
        self.explain(text, time);
        self.tally.tested += 1;
        if self.explanation.prefix_matches {
            self.prefix();
        }
        for &index in &self.explanation.ignored_by {
            self.tally.ignore[index] += 1;
        }
        let mut is_ignored = !self.explanation.ignored_by.is_empty();
        let mut failures = 0_usize;
        for explained in &self.explanation.matches {
            for id in ids(&mut self.names, explained) {
                let hits = &mut self.tally.fail[explained.rule];
                hits.count += 1;
                if self.keeps_seen {
                    hits.seen.push(Seen {
                        id: id.map(|id| id.to_string()),
                        time: explained.time.unwrap_or(self.now),
                        among_several: failures > 1,
                    });
                }
                if explained.harmless {
                    is_ignored = true;
                } else {
                    failures += 1;
                }
            }
        }
        // The lines that waited for this one to match with.
        if let Some(waiting) = waiting {
            let left: Vec<String> = self.detector.waiting_lines().collect();
            for line in waiting.iter().filter(|line| !left.contains(line)) {
                self.tally.lists.was_part(line);
            }
        }
        let kind = match (is_ignored, failures) {
            (true, _) => Kept::Ignored,
            (false, 1..) => Kept::Matched,
            (false, 0) => Kept::Missed,
        };
        match time {
            None => self.tally.lists.add(kind, || text.to_owned()),
            Some(time) => {
                let line = Line::of_journal(text, time);
                self.tally.lists.add(kind, || line.shown(self.zone));
            }
        }
    }

    /// Gives the failures of a line, as far as they are any; none if there is none.
    pub(super) fn failures<E>(
        &mut self,
        text: &str,
        time: Option<Timestamp>,
        each: &mut dyn FnMut(&Found<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        self.explain(text, time);
        let mut found_any = false;
        let Explanation { date, matches, .. } = &self.explanation;
        // What waits for its session to say whom it is about is no failure yet.
        let is_failure = |explained: &&Explained| !explained.harmless && explained.id.is_some();
        for explained in matches.iter().filter(is_failure) {
            let template = date.as_ref().and_then(|date| date.template);
            let dates = self.detector.rule().dates();
            let zone_is_known = self.asked.captures
                && template.is_some_and(|template| dates.zone_is_known(template, text));
            for id in ids(&mut self.names, explained) {
                found_any = true;
                each(&Found {
                    explained,
                    id,
                    zone_is_known,
                })?;
            }
        }
        Ok(found_any)
    }

    fn explain(&mut self, text: &str, time: Option<Timestamp>) {
        let line = match time {
            Some(time) => Line::of_journal(text, time),
            None => Line::of_file(text),
        };
        let clock = Clock {
            now: self.now,
            zone: self.zone,
            in_operation: false,
        };
        self.detector
            .explain(&line, &clock, self.asked, &mut self.explanation);
    }

    fn prefix(&mut self) {
        self.tally.prefix += 1;
        let shown = self.tally.prefixes.len();
        if !self.keeps_seen || shown > SHOWN_PREFIXES {
            return;
        }
        let text = match shown == SHOWN_PREFIXES {
            true => "...".to_owned(),
            false => super::tokens::dictionary(self.detector.prefix_groups()),
        };
        self.tally.prefixes.push(text);
    }

    /// The lines that the next one may match with; the oldest of as many as fit makes room for it.
    fn waiting(&self) -> Option<Vec<String>> {
        if self.maxlines <= 1 {
            return None;
        }
        let lines: Vec<String> = self.detector.waiting_lines().collect();
        let skipped = usize::from(lines.len() >= self.maxlines);
        Some(lines.into_iter().skip(skipped).collect())
    }
}

/// Whom a match is about: one, several if a name has several addresses, none if it has none. `None` stands for
/// somebody whom neither the line nor its session names.
fn ids(
    names: &mut HashMap<String, Vec<FailureId>>,
    explained: &Explained,
) -> Vec<Option<FailureId>> {
    let Some(name) = &explained.hostname else {
        return vec![explained.id.clone()];
    };
    if !names.contains_key(name) && names.len() >= MAX_NAMES {
        names.clear();
    }
    let known = names.entry(name.clone()).or_insert_with(|| {
        let addresses = daemon::addresses_of(name);
        addresses.into_iter().map(FailureId::Prefix).collect()
    });
    known.iter().cloned().map(Some).collect()
}
