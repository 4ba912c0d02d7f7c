//! One jail's detection: from a line to failures.
//!
//! The date comes first (`dating`), because it is cut out of what the expressions search (`matcher`). What is searched
//! always ends with one line feed.
//!
//! A line costs no allocation, whatever it is: all buffers are kept from line to line, and failures are written over
//! earlier ones.

mod dating;
mod explain;
mod judge;
mod matcher;
mod memo;
mod search;
mod shown;

use base::Span;
use std::sync::Arc;

use crate::rule::Rule;
use crate::timing::Settled;
use crate::{Clock, Failures, Line, LineVerdict};
pub(crate) use dating::Dating;
pub(crate) use judge::Sink;
pub(crate) use matcher::Matcher;
pub(crate) use shown::{ShownLine, journal_date};

pub use explain::{Asked, CutDate, Explained, Explanation};

/// A rule with what it has learnt from one log.
#[derive(Debug)]
pub struct Detector {
    /// None: dates are as they are, nothing is too old.
    findtime: Option<Span>,
    dating: Dating,
    skew: Option<Span>,
    /// The line without its date, ended by a line feed.
    text: String,
    matcher: Matcher,
}

/// Which failregexes are tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    UntilMatch,
    All,
}

impl Detector {
    /// A detector that knows nothing yet.
    pub fn new(rule: Arc<Rule>, findtime: Span) -> Self {
        Self::build(rule, Some(findtime))
    }

    /// A detector without a sense of time: no line is too old, no date gives way to now. For testing expressions.
    pub fn timeless(rule: Arc<Rule>) -> Self {
        Self::build(rule, None)
    }

    fn build(rule: Arc<Rule>, findtime: Option<Span>) -> Self {
        Self {
            findtime,
            dating: Dating::new(Arc::clone(&rule.dates)),
            skew: None,
            text: String::new(),
            matcher: Matcher::new(rule),
        }
    }

    /// Takes the next line; failures are appended to `out`.
    pub fn feed(&mut self, line: &Line<'_>, clock: &Clock<'_>, out: &mut Failures) -> LineVerdict {
        let before = out.len();
        let verdict = self.run(line, clock, Depth::UntilMatch, &mut Sink::Failures(out));
        match verdict {
            LineVerdict::Failed if out.len() == before => LineVerdict::NoFailure,
            verdict => verdict,
        }
    }

    /// By how much the date of the last line was off, if that was so much that now was taken instead.
    pub fn skew(&self) -> Option<Span> {
        self.skew
    }

    fn run(
        &mut self,
        line: &Line<'_>,
        clock: &Clock<'_>,
        depth: Depth,
        sink: &mut Sink<'_>,
    ) -> LineVerdict {
        let found = self.dating.find(line, clock);
        sink.dated(&found);
        let dated = self.dating.date(line, found, clock.now);
        self.skew = None;
        let time = match self.dating.settle(&dated, self.findtime, clock) {
            Settled::At(time) => Some(time),
            Settled::Now { skew } => {
                self.skew = skew;
                Some(clock.now)
            }
            Settled::TooOld => return LineVerdict::TooOld,
            Settled::Unknown => None,
        };
        let shown = self.dating.shown(*line, &dated, clock.zone);
        if self.matcher.buffer.is_none() {
            shown.write_search_text(&mut self.text);
        }
        self.matcher
            .run(&shown, &self.text, (time, clock.now), depth, sink)
    }
}

#[cfg(test)]
mod tests;
