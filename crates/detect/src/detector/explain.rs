//! How a rule comes to what it says about a line: for testing filters, never for guarding.
//!
//! `feed` answers with failures and nothing else, because that is all that a jail needs. Whoever writes a filter wants
//! to know which expression matched, which one ignored the line, where the date was found and what every group held.
//! The steps are the same code; only what is written down differs.

use base::{FailureId, Prefix, Timestamp};
use std::ops::Range;
use std::sync::Arc;

use super::judge::Sink;
use super::{Depth, Detector};
use crate::captures::group_text;
use crate::date::{DateFound, TemplateUse};
use crate::{Clock, Line, LineVerdict, Rule};

/// What an explanation is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Every failregex is tested, not only up to the first that matches; and what is
    /// harmless in its session is told as well.
    pub every_failregex: bool,
    /// The captures, users and lines of each match.
    pub captures: bool,
}

/// Everything that a rule says about one line; its memory serves for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The date in the line, also one that means nothing.
    pub date: Option<CutDate>,
    /// The prefregex matches.
    pub prefix_matches: bool,
    /// Which failregexes match, counted from 0, whatever comes of it.
    pub matched: Vec<usize>,
    /// Which ignoreregex matched, counted from 0: one entry for each time that they were asked and one did.
    pub ignored_by: Vec<usize>,
    /// What each failregex that matches says, in order.
    pub matches: Vec<Explained>,
}

/// Where the date of a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutDate {
    /// The bytes that are not searched.
    pub bytes: Range<usize>,
    /// The template that found it; none if its text is no date.
    pub template: Option<usize>,
    /// When that is; none if its text is no date.
    pub time: Option<Timestamp>,
}

/// What one failregex says about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Which failregex, counted from 0.
    pub rule: usize,
    /// Whom it is about; none if neither the line nor its session says. With a host name it is that name.
    pub id: Option<FailureId>,
    /// The address, also where the id is something else.
    pub address: Option<Prefix>,
    /// A host name instead of an address, to be resolved.
    pub hostname: Option<String>,
    /// When it happened; none if the line carries no date.
    pub time: Option<Timestamp>,
    /// It is marked as no failure.
    pub harmless: bool,
    /// Names and texts of all groups, joined with those of its session, in the order in which they came; no text for a
    /// group that took no part. `users` without a text marks where [`users`](Self::users) belong.
    pub captures: Vec<(Arc<str>, Option<String>)>,
    /// All users of the session, sorted.
    pub users: Vec<String>,
    /// The lines that led to it.
    pub matches: Vec<String>,
}

impl CutDate {
    pub(super) fn of(found: &DateFound) -> Option<Self> {
        match found {
            DateFound::Found {
                cut,
                template,
                time,
            } => Some(Self {
                bytes: cut.clone(),
                template: Some(*template),
                time: Some(*time),
            }),
            DateFound::Unparsable { cut } => Some(Self {
                bytes: cut.clone(),
                template: None,
                time: None,
            }),
            DateFound::None | DateFound::Empty => None,
        }
    }
}

impl Explanation {
    fn clear(&mut self) {
        self.date = None;
        self.prefix_matches = false;
        self.matched.clear();
        self.ignored_by.clear();
        self.matches.clear();
    }
}

impl Detector {
    /// Takes the next line and tells how the rule sees it.
    pub fn explain(
        &mut self,
        line: &Line<'_>,
        clock: &Clock<'_>,
        asked: Asked,
        out: &mut Explanation,
    ) -> LineVerdict {
        out.clear();
        let depth = if asked.every_failregex {
            Depth::All
        } else {
            Depth::UntilMatch
        };
        self.matcher.captures.keep_absent(asked.captures);
        self.run(line, clock, depth, &mut Sink::Explanation(asked, out))
    }

    /// What the failregexes searched of the last line: it without its date, or the content of the prefregex if that
    /// matched.
    pub fn searched(&self, explanation: &Explanation) -> &str {
        let text = match self.matcher.buffer {
            Some(_) => &self.matcher.joined,
            None => &self.text,
        };
        let prefix = self.matcher.rule.prefix.as_ref();
        let content = prefix
            .filter(|_| explanation.prefix_matches)
            .and_then(|prefix| prefix.content);
        content
            .and_then(|group| group_text(text, &self.matcher.search.prefix_slots, group))
            .unwrap_or(text)
    }

    /// The rule that it goes by.
    pub fn rule(&self) -> &Rule {
        &self.matcher.rule
    }

    /// The named groups of the prefregex in the last line, which it must have matched.
    pub fn prefix_groups(&self) -> Vec<(&str, Option<&str>)> {
        let names = self.matcher.rule.prefix.iter();
        let names = names.flat_map(|prefix| prefix.regex.group_names().iter().enumerate());
        let text = match self.matcher.buffer {
            Some(_) => &self.matcher.joined,
            None => &self.text,
        };
        let slots = &self.matcher.search.prefix_slots;
        names
            .filter_map(|(group, name)| {
                let name = name.as_deref()?;
                Some((name, group_text(text, slots, group)))
            })
            .collect()
    }

    /// The lines that wait for others to match with; none where expressions span one line only.
    pub fn waiting_lines(&self) -> impl Iterator<Item = String> {
        let lines = self.matcher.buffer.iter().flat_map(|buffer| buffer.lines());
        lines.map(|line| line.whole())
    }

    /// The date templates in the order in which they are tried now, with what was learnt of each.
    pub fn date_templates(&self) -> impl Iterator<Item = TemplateUse<'_>> {
        self.dating.dates.uses(&self.dating.state)
    }
}
