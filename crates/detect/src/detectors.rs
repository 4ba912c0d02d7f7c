//! Everything that the jails of one log do with a line, at a cost that hardly grows with their number.
//!
//! What several jails would do alike is done once: jails with the same date patterns share what finds the date; jails
//! for which the same of a line is left to search share that text; and one pass over it, by the gate, tells which of
//! them can have anything to say. Those alone search it, in the order of the jails. Nothing of that changes a failure:
//! what comes out is what a [`Detector`](crate::Detector) for each jail would say.

mod dates;
mod passing;
mod recent;
mod sieve;
mod templates;

use base::Span;
use std::sync::Arc;

use crate::detector::{Depth, Matcher, Sink};
use crate::pyre::is_ascii;
use crate::rule::Rule;
use crate::timing::Settled;
use crate::{Clock, Failures, Line, LineVerdict, MAX_LINE};
use dates::Dates;
use passing::{Candidate, Passing};
use recent::{Reader, Recent};

/// The detectors of jails that read the same log, with what they have learnt from it.
#[derive(Debug)]
pub struct Detectors {
    jails: Vec<Jail>,
    dates: Dates,
    passing: Passing,
    recent: Recent,
    /// The jails that can have something to say about the line at hand.
    candidates: Vec<Candidate>,
    failures: Failures,
}

#[derive(Debug)]
struct Jail {
    matcher: Matcher,
    /// None: dates are as they are, nothing is too old.
    findtime: Option<Span>,
    /// The place of what finds its dates.
    dates: usize,
    /// Where it has got to in the log, if its expressions span several lines.
    reader: Option<Reader>,
}

/// Lines that need no look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// How many.
    pub lines: u32,
    /// Their bytes, line feeds included.
    pub bytes: usize,
}

/// What a jail says about a line.
#[derive(Debug)]
pub struct Said<'a> {
    /// The jail's place among those that the detectors were made for.
    pub jail: usize,
    /// What became of the line.
    pub verdict: LineVerdict,
    /// By how much the line's date was off, if that was so much that now was taken instead.
    pub skew: Option<Span>,
    /// The failures; the listener may take them.
    pub failures: &'a mut Failures,
}

/// Where the next needle is nearer than so many bytes it is not worth a look for lines that can be passed over: it
/// stands in the first or the second one.
const MIN_QUIET: usize = 160;

impl Detectors {
    /// Detectors that know nothing yet, for jails with these rules and times to look back.
    pub fn new(jails: impl IntoIterator<Item = (Arc<Rule>, Span)>) -> Self {
        let jails = jails.into_iter();
        Self::build(jails.map(|(rule, findtime)| (rule, Some(findtime))))
    }

    /// Detectors without a sense of time: no line is too old, no date gives way to now.
    pub fn timeless(rules: impl IntoIterator<Item = Arc<Rule>>) -> Self {
        Self::build(rules.into_iter().map(|rule| (rule, None)))
    }

    /// Leaves out of failures what takes time and is told by nobody who only counts: lines, and captured texts but the
    /// user.
    #[must_use]
    pub fn counting_only(mut self) -> Self {
        for jail in &mut self.jails {
            jail.matcher.count_only();
        }
        self
    }

    fn build(jails: impl Iterator<Item = (Arc<Rule>, Option<Span>)>) -> Self {
        let (mut dates, mut recent) = (Dates::default(), Recent::default());
        let jails: Vec<Jail> = jails
            .map(|(rule, findtime)| {
                let dates = dates.add(&rule.dates, findtime);
                let matcher = Matcher::new(rule);
                let reader = matcher
                    .spans_lines()
                    .then(|| recent.reader(matcher.maxlines(), dates));
                Jail {
                    matcher,
                    findtime,
                    dates,
                    reader,
                }
            })
            .collect();
        Self {
            jails,
            dates,
            passing: Passing::default(),
            recent,
            candidates: Vec::new(),
            failures: Failures::default(),
        }
    }

    /// Looks at the text in which the lines stand that come next, for what is found faster in all of them at once.
    /// Lines that say where they stand in it must come in that order; any others may come between. Whether any of them may
    /// be passed over.
    pub fn look_ahead(&mut self, text: &str) -> bool {
        // A single jail does not ask.
        let is_ascii = self.jails.len() > 1 && is_ascii(text.as_bytes());
        self.dates.look_ahead(text, is_ascii);
        self.passing.look_ahead(&self.jails, text);
        self.passing.quiet_until(0).is_some()
    }

    /// How many lines at the beginning of `text` mean nothing to any jail and teach nothing, and of how many bytes they
    /// are: they need not be fed. `text` stands at `place` in what was looked at, and begins with the next line.
    ///
    /// Those are lines that hold no needle and have the date of the line before. In most logs most are, and here they cost
    /// a search for their end and for the date.
    pub fn pass_over(&mut self, text: &str, place: usize, clock: &Clock<'_>) -> Passed {
        let until = self
            .passing
            .quiet_until(place)
            .filter(|until| until - place >= MIN_QUIET);
        let same = until.and_then(|until| Some((until, self.dates.same_date(clock)?)));
        let Some((until, mut same)) = same.filter(|(_, same)| !self.passing.may_hold(same.seam))
        else {
            return Passed::default();
        };
        let mut passed = Passed::default();
        while let Some(rest) = text.as_bytes().get(passed.bytes..)
            && let Some(length) = memchr::memchr(b'\n', rest)
            && length <= MAX_LINE
            && place + passed.bytes + length <= until
            && same.is_in(&rest[..length])
        {
            passed.bytes += length + 1;
            passed.lines += 1;
        }
        self.dates.repeat(passed.lines);
        self.passing.repeat(passed.lines);
        passed
    }

    /// Takes the next line, and calls `each` for every jail that it means something to, in the order of the jails: it
    /// matches, or is not looked at for a reason that the jail's admin ought to know.
    pub fn feed(&mut self, line: &Line<'_>, clock: &Clock<'_>, mut each: impl FnMut(Said<'_>)) {
        self.dates.find(line, clock);
        self.recent.next();
        self.candidates.clear();
        self.passing
            .pass(&self.jails, &mut self.dates, line, &mut self.candidates);
        if self.candidates.is_empty() && !self.dates.concern_all() {
            // Nearly every line of a quiet log.
            return self.recent.keep(line, clock, &mut self.dates);
        }
        self.candidates
            .sort_unstable_by_key(|candidate| candidate.jail);
        let candidates = std::mem::take(&mut self.candidates);
        if self.dates.concern_all() {
            let mut rest = candidates.iter().peekable();
            for jail in 0..self.jails.len() {
                let candidate = rest.next_if(|candidate| candidate.jail == jail);
                self.one(jail, candidate, (line, clock), &mut each);
            }
        } else {
            for candidate in &candidates {
                self.one(candidate.jail, Some(candidate), (line, clock), &mut each);
            }
        }
        self.candidates = candidates;
        self.recent.keep(line, clock, &mut self.dates);
    }

    /// One jail's part of a line.
    fn one(
        &mut self,
        place: usize,
        candidate: Option<&Candidate>,
        (line, clock): (&Line<'_>, &Clock<'_>),
        each: &mut impl FnMut(Said<'_>),
    ) {
        let jail = &mut self.jails[place];
        let (dating, dated, text) = self.dates.of(jail.dates, line, clock);
        let (time, skew) = match dating.settle(dated, jail.findtime, clock) {
            Settled::At(time) => (Some(time), None),
            Settled::Now { skew } => (Some(clock.now), skew),
            Settled::Unknown => (None, None),
            Settled::TooOld => {
                jail.read_up(&self.recent, clock);
                return each(Said {
                    jail: place,
                    verdict: LineVerdict::TooOld,
                    skew: None,
                    failures: &mut self.failures,
                });
            }
        };
        let verdict = match candidate {
            Some(candidate) => {
                jail.read_up(&self.recent, clock);
                jail.matcher.heed(candidate.is_named);
                jail.matcher.run(
                    &dating.shown(*line, dated, clock.zone),
                    text,
                    (time, clock.now),
                    Depth::UntilMatch,
                    &mut Sink::Failures(&mut self.failures),
                )
            }
            None => LineVerdict::NoMatch,
        };
        let verdict = match verdict {
            LineVerdict::Failed if self.failures.is_empty() => LineVerdict::NoFailure,
            verdict => verdict,
        };
        if verdict != LineVerdict::NoMatch || skew.is_some() {
            each(Said {
                jail: place,
                verdict,
                skew,
                failures: &mut self.failures,
            });
            self.failures.clear();
        }
    }
}

impl Jail {
    /// Takes the lines that it has not read, up to the one at hand, which it reads itself or leaves out.
    fn read_up(&mut self, recent: &Recent, clock: &Clock<'_>) {
        if let Some(reader) = &mut self.reader {
            let matcher = &mut self.matcher;
            recent.read_up(reader, clock.zone, |shown| matcher.pass_over(shown));
        }
    }
}

#[cfg(test)]
mod tests;
