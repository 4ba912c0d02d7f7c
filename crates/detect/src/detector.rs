//! One jail's detection: from a line to failures.
//!
//! The order of the steps is fail2ban's and decides what matches: cut the date out, join the last lines, test the
//! prefregex, replace the text by its content, take the first failregex, test the ignoreregexes, and only then ask
//! whom it is about. What is searched always ends with one line feed.
//!
//! A line costs no allocation, whatever it is: all buffers are kept from line to line, and failures are written over
//! earlier ones.

mod explain;
mod judge;
mod search;
mod shown;

use base::{Span, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

use crate::captures::{Captures, Name, group_range};
use crate::date::{self, DateFound, DateState};
use crate::multiline::{LineBuffer, SplitLine, write_search_text};
use crate::pyre::Outcome;
use crate::rule::Rule;
use crate::session::Sessions;
use crate::timing::{LastDate, Settled};
use crate::{Clock, Failures, Line, LineVerdict};
use judge::{Matched, Sink, Told};
use search::{NextMatch, Search, ended_part};
use shown::ShownLine;
pub(crate) use shown::journal_date;

pub use explain::{Asked, CutDate, Explained, Explanation};

/// A rule with what it has learnt from one log.
#[derive(Debug)]
pub struct Detector {
    rule: Arc<Rule>,
    /// None: dates are as they are, nothing is too old.
    findtime: Option<Span>,
    date_state: DateState,
    last_date: LastDate,
    skew: Option<Span>,
    sessions: Sessions,
    /// Only with `maxlines` over 1.
    buffer: Option<LineBuffer>,
    search: Search,
    /// What the expressions search: lines without their dates, each ended by a line feed.
    text: String,
    /// The content of a prefregex, where it does not end with its line.
    content: String,
    /// What the match at hand captured.
    captures: Captures,
    /// For captures that are joined.
    memory: Captures,
}

/// Which failregexes are tested.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
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
            date_state: rule.dates.new_state(),
            last_date: LastDate::default(),
            skew: None,
            sessions: Sessions::default(),
            buffer: (rule.maxlines > 1).then(|| LineBuffer::new(rule.maxlines)),
            search: Search::new(&rule),
            text: String::new(),
            content: String::new(),
            captures: Captures::default(),
            memory: Captures::default(),
            rule,
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

    /// The date of a line by itself, whatever was learnt from others: for finding a place in a log by time.
    pub fn date_of(&self, text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
        let mut state = self.rule.dates.new_state();
        match date::detect(&self.rule.dates, &mut state, text, clock.now, clock.zone) {
            DateFound::Found { time, .. } => Some(time),
            DateFound::None | DateFound::Empty | DateFound::Unparsable { .. } => None,
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
        let found = match line.time {
            Some(_) => DateFound::None,
            None => date::detect(
                &self.rule.dates,
                &mut self.date_state,
                line.text,
                clock.now,
                clock.zone,
            ),
        };
        sink.dated(&found);
        let dated = self.last_date.date(line, found, clock.now);
        self.skew = None;
        let time = match self
            .findtime
            .map(|findtime| self.last_date.settle(dated.time, findtime, clock))
        {
            None => Some(dated.time.unwrap_or(clock.now)),
            Some(Settled::At(time)) => Some(time),
            Some(Settled::Now { skew }) => {
                self.skew = skew;
                Some(clock.now)
            }
            Some(Settled::TooOld) => return LineVerdict::TooOld,
            Some(Settled::Unknown) => None,
        };

        let Self {
            rule,
            sessions,
            buffer,
            search,
            text,
            content,
            captures,
            memory,
            last_date,
            ..
        } = self;
        let shown = ShownLine {
            line: *line,
            dated: &dated,
            last: last_date.text(),
            zone: clock.zone,
        };
        match buffer {
            Some(buffer) => {
                buffer.push(shown.split());
                write_search_text(buffer.lines(), text);
            }
            None => shown.write_search_text(text),
        }
        if rule.ignores_early()
            && let Some(index) = search.ignored_by(rule, text)
        {
            sink.ignored_by(index);
            return LineVerdict::Ignored;
        }

        let mut searched = text.as_str();
        // The lines of the buffer, once the content of a prefregex took their place in it.
        let mut originals = None;
        if let Some(prefix) = &rule.prefix {
            match prefix
                .regex
                .search(&mut search.prefix_cache, text, &mut search.prefix_slots)
            {
                Outcome::NoMatch => return LineVerdict::NoMatch,
                Outcome::OverBudget => return LineVerdict::OverBudget,
                Outcome::Match => sink.prefix_matched(),
            }
            if let Some(part) = prefix
                .content
                .and_then(|group| group_range(&search.prefix_slots, group))
            {
                searched = ended_part(text, part, content);
                if let Some(buffer) = buffer.as_mut() {
                    let only = searched.strip_suffix('\n').unwrap_or(searched);
                    let only = SplitLine {
                        after: only.to_owned(),
                        ..SplitLine::default()
                    };
                    originals = Some(buffer.replace(VecDeque::from([only])));
                }
            }
        }

        // Expressions over several lines take lines away, so that the later ones would search another text.
        let depth = if buffer.is_some() {
            Depth::UntilMatch
        } else {
            depth
        };
        let mut verdict = LineVerdict::NoMatch;
        let mut next = 0;
        loop {
            let index = match search.next_match(rule, next, searched, depth) {
                NextMatch::At(index) => index,
                NextMatch::Nothing => return verdict,
                NextMatch::OverBudget => return LineVerdict::OverBudget.or(verdict),
            };
            next = index + 1;
            let pattern = &rule.fail[index];
            let taken = buffer.as_ref().map(|buffer| {
                let lines = originals.as_ref().unwrap_or(buffer.lines());
                search.take_lines(pattern, lines, searched)
            });
            let ignored_by = match &taken {
                Some(taken) => {
                    let mut matched = String::new();
                    write_search_text(&taken.matched, &mut matched);
                    search.ignored_by(rule, &matched)
                }
                None => search.ignored_by(rule, searched),
            };
            let ignored = ignored_by.is_some();
            if let Some(index) = ignored_by {
                sink.ignored_by(index);
            }
            if !ignored && time.is_none() {
                return LineVerdict::Undated.or(verdict);
            }
            let told = match taken {
                Some(taken) => {
                    if let Some(buffer) = buffer.as_mut() {
                        buffer.replace(taken.left);
                    }
                    Told::Lines(taken.matched)
                }
                None => Told::Line(&shown),
            };
            if ignored {
                verdict = LineVerdict::Ignored.or(verdict);
            } else if let Some(time) = time {
                captures.clear();
                if let Some(prefix) = &rule.prefix {
                    let slots = &search.prefix_slots;
                    prefix.groups.read(text, slots, captures, memory);
                    captures.remove(Name::CONTENT);
                }
                let slots = &search.slots;
                pattern.groups.read(searched, slots, captures, memory);
                verdict = LineVerdict::Failed;
                let matched = Matched {
                    index,
                    time,
                    dated: dated.time.is_some(),
                };
                matched.judge(sessions, captures, told, (rule, clock.now), sink);
            }
            if depth == Depth::UntilMatch {
                return verdict;
            }
        }
    }
}

impl LineVerdict {
    /// What one more expression said, unless another one already found a failure.
    fn or(self, verdict: Self) -> Self {
        if verdict == Self::Failed {
            verdict
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests;
