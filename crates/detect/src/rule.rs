//! A jail's filter, compiled: the expressions, the dates and how names are treated.
//!
//! Compilation looks at everything and reports every fault, so that one look at the answer is enough to repair a
//! filter. A compiled rule never changes; what it learns from a log is in the [`Detector`](crate::Detector).

use base::Timestamp;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::Clock;
use crate::captures::{Groups, Name, Names};
use crate::date::{self, DateDetector, DateFound, ZoneSpec};
use crate::pyre::{Engine, Regex, RegexSet};
use crate::tags::{Expanded, expand};

/// Groups that say whom a match is about, or which session it belongs to.
const ID_GROUPS: [Name; 5] = [Name::FID, Name::IP4, Name::IP6, Name::DNS, Name::MLFID];

/// What host names in a log are good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UseDns {
    /// They are resolved.
    Yes,
    /// They are resolved, and that is said.
    #[default]
    Warn,
    /// They are no failures, and `<HOST>` does not match them.
    No,
    /// They are ids, and are never resolved.
    Raw,
}

/// A filter's options with all their variables replaced.
#[derive(Clone, Copy, Debug)]
pub struct RuleSource<'a> {
    /// What a line has to match first; its `content` group is what the others search.
    pub prefregex: Option<&'a str>,
    /// The first that matches makes the failure.
    pub failregex: &'a [&'a str],
    /// A line that one of them matches is no failure.
    pub ignoreregex: &'a [&'a str],
    /// How many lines an expression can span; 0 and 1 mean one.
    pub maxlines: u32,
    /// Date patterns, one a line; none means the built-in ones.
    pub datepattern: Option<&'a str>,
    /// The zone of dates that carry none; none means this machine's.
    pub logtimezone: Option<&'a str>,
    /// What host names are good for.
    pub usedns: UseDns,
    /// The year from which `%ExY` counts.
    pub start_year: i32,
}

/// Which option is at fault; lists count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePart {
    /// `prefregex`.
    Prefregex,
    /// One of `failregex`.
    Failregex(usize),
    /// One of `ignoreregex`.
    Ignoreregex(usize),
    /// `datepattern`.
    Datepattern,
    /// `logtimezone`.
    Logtimezone,
}

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The option that is at fault.
    pub part: RulePart,
    /// What is wrong, without the place.
    pub message: String,
    /// Where in the option's text, in characters from its beginning.
    pub offset: Option<usize>,
}

impl RuleError {
    /// The expression never says whom it is about.
    pub fn lacks_id(&self) -> bool {
        self.message == NO_ID
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            RulePart::Prefregex => f.write_str("prefregex")?,
            RulePart::Failregex(index) => write!(f, "failregex {}", index + 1)?,
            RulePart::Ignoreregex(index) => write!(f, "ignoreregex {}", index + 1)?,
            RulePart::Datepattern => f.write_str("datepattern")?,
            RulePart::Logtimezone => f.write_str("logtimezone")?,
        }
        write!(f, ": {}", self.message)?;
        match self.offset {
            Some(offset) => write!(f, " at position {offset}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RuleError {}

/// A compiled filter; immutable, to be shared.
#[derive(Debug)]
pub struct Rule {
    pub(crate) prefix: Option<Pattern>,
    pub(crate) fail: Vec<Pattern>,
    pub(crate) fail_set: RegexSet,
    pub(crate) ignore: Vec<Regex>,
    /// At least 1.
    pub(crate) maxlines: usize,
    pub(crate) dates: Arc<DateDetector>,
    pub(crate) usedns: UseDns,
    /// Of all groups of all expressions.
    pub(crate) names: Names,
    may_give_up: OnceLock<bool>,
}

/// An expression and what its groups mean.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    pub(crate) groups: Groups,
    /// The group that the failregexes search instead of the line.
    pub(crate) content: Option<usize>,
    /// The groups of lines that are passed over.
    pub(crate) skiplines: Vec<usize>,
}

impl Pattern {
    fn new(regex: Regex, names: &mut Names) -> Self {
        let groups = Groups::new(regex.group_names(), names);
        let skiplines = (0..)
            .map_while(|n| regex.group_index(&format!("skiplines{n}")))
            .collect();
        Self {
            content: regex.group_index("content"),
            groups,
            skiplines,
            regex,
        }
    }

    fn identifies(&self) -> bool {
        ID_GROUPS.iter().any(|name| self.groups.contains(*name))
    }
}

impl Rule {
    /// Compiles a filter.
    ///
    /// # Errors
    /// All faults of all options, in the order of [`RuleSource`].
    pub fn compile(source: &RuleSource<'_>) -> Result<Self, Vec<RuleError>> {
        let mut errors = Vec::new();
        let mut names = Names::default();
        let multiline = source.maxlines > 1;
        let mut regex = |part, text, multiline| {
            compile_regex(part, text, source.usedns, multiline)
                .map_err(|error| errors.push(error))
                .ok()
        };
        let prefix = source
            .prefregex
            .and_then(|text| regex(RulePart::Prefregex, text, false));
        let mut fail = Vec::new();
        for (index, text) in source.failregex.iter().enumerate() {
            let regex = regex(RulePart::Failregex(index), text, multiline);
            fail.push(regex.map(|regex| Pattern::new(regex, &mut names)));
        }
        let mut ignore = Vec::new();
        for (index, text) in source.ignoreregex.iter().enumerate() {
            ignore.extend(regex(RulePart::Ignoreregex(index), text, false));
        }
        let prefix_is_bad = source.prefregex.is_some() && prefix.is_none();
        let prefix = prefix.map(|regex| {
            let mut prefix = Pattern::new(regex, &mut names);
            // It is what the others search, and nobody asks for it.
            prefix.groups.leave_out(Name::CONTENT);
            prefix
        });
        // A prefregex that cannot be read may have had the group that the others lack.
        if !prefix_is_bad && !prefix.as_ref().is_some_and(Pattern::identifies) {
            for (index, pattern) in fail.iter().enumerate() {
                if pattern
                    .as_ref()
                    .is_some_and(|pattern| !pattern.identifies())
                {
                    errors.push(no_id(index));
                }
            }
            errors.sort_by_key(|error| order(error.part));
        }
        let fail: Vec<Pattern> = fail.into_iter().flatten().collect();
        let dates = compile_dates(source, &mut errors);
        match dates {
            Some(dates) if errors.is_empty() => Ok(Self {
                fail_set: RegexSet::new(
                    &fail
                        .iter()
                        .map(|pattern| &pattern.regex)
                        .collect::<Vec<_>>(),
                ),
                prefix,
                fail,
                ignore,
                maxlines: (source.maxlines as usize).max(1),
                dates,
                usedns: source.usedns,
                names,
                may_give_up: OnceLock::new(),
            }),
            _ => Err(errors),
        }
    }

    /// The prefregex without tags, as it is searched for.
    pub fn prefregex(&self) -> Option<&Regex> {
        self.prefix.as_ref().map(|pattern| &pattern.regex)
    }

    /// The failregexes without tags, as they are searched for.
    pub fn failregexes(&self) -> impl Iterator<Item = &Regex> {
        self.fail.iter().map(|pattern| &pattern.regex)
    }

    /// The ignoreregexes without tags.
    pub fn ignoreregexes(&self) -> impl Iterator<Item = &Regex> {
        self.ignore.iter()
    }

    /// The date of a line by itself, whatever was learnt from others: for finding a place in a log by time.
    pub fn date_of(&self, text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
        let mut state = self.dates.new_state();
        match date::detect(&self.dates, &mut state, text, clock.now, clock.zone) {
            DateFound::Found { time, .. } => Some(time),
            DateFound::None | DateFound::Empty | DateFound::Unparsable { .. } => None,
        }
    }

    /// How dates are found.
    pub fn dates(&self) -> &DateDetector {
        &self.dates
    }

    /// True if a failregex can end without an answer, which a set of them does not tell.
    pub(crate) fn may_give_up(&self) -> bool {
        let backtracks =
            |pattern: &Pattern| matches!(pattern.regex.engine(), Engine::Backtracking(_));
        // To ask each expression builds its automaton, which takes time that nearly no filter ever needs.
        *self
            .may_give_up
            .get_or_init(|| !self.fail_set.decides_all() && self.fail.iter().any(backtracks))
    }

    /// True if ignoreregexes are cheap enough, compared to the others, to be tested on every line.
    pub(crate) fn ignores_early(&self) -> bool {
        !self.ignore.is_empty() && self.ignore.len() + 2 < self.fail.len()
    }
}

fn order(part: RulePart) -> (usize, usize) {
    match part {
        RulePart::Prefregex => (0, 0),
        RulePart::Failregex(index) => (1, index),
        RulePart::Ignoreregex(index) => (2, index),
        RulePart::Datepattern => (3, 0),
        RulePart::Logtimezone => (4, 0),
    }
}

fn compile_regex(
    part: RulePart,
    text: &str,
    usedns: UseDns,
    multiline: bool,
) -> Result<Regex, RuleError> {
    if text.is_empty() {
        return Err(RuleError {
            part,
            message: "the expression is empty".to_owned(),
            offset: None,
        });
    }
    let expanded: Expanded = expand(text, usedns);
    Regex::new(&expanded.pattern, multiline).map_err(|error| RuleError {
        part,
        message: error.message,
        offset: Some(expanded.source_offset(error.offset)),
    })
}

const NO_ID: &str = "no failure-id group: it never says whom it is about; capture an address with <HOST> or <ADDR>, \
                     another id with <F-ID>…</F-ID>, or the session with <F-MLFID>…</F-MLFID>";

fn no_id(index: usize) -> RuleError {
    RuleError {
        part: RulePart::Failregex(index),
        message: NO_ID.to_owned(),
        offset: None,
    }
}

fn compile_dates(
    source: &RuleSource<'_>,
    errors: &mut Vec<RuleError>,
) -> Option<Arc<DateDetector>> {
    let zone = match source
        .logtimezone
        .map_or(Ok(ZoneSpec::Local), ZoneSpec::parse)
    {
        Ok(zone) => zone,
        Err(error) => {
            let message = error.to_string();
            errors.push(RuleError {
                part: RulePart::Logtimezone,
                message,
                offset: None,
            });
            ZoneSpec::Local
        }
    };
    match DateDetector::shared(source.datepattern, zone, source.start_year) {
        Ok(dates) => Some(dates),
        Err(error) => {
            // The place is one in the expression made of the pattern; nobody wrote that.
            errors.push(RuleError {
                part: RulePart::Datepattern,
                message: error.to_string(),
                offset: None,
            });
            None
        }
    }
}

#[cfg(test)]
mod tests;
