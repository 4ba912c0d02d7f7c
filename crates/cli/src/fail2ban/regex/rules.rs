//! The rule that is tried: REGEX and IGNOREREGEX with what the options put in their place, compiled.
//!
//! What was understood is told in the order in which it is looked at, and the first mistake comes where it would stand.

use super::args::{Question, complain};
use super::source::{self, Source};
use base::Timestamp;
use daemon::DiskFiles;
use detect::date::{DateDetector, ZoneSpec};
use detect::{Rule, RuleError, RulePart, RuleSource, UseDns};

/// What is tried, as texts.
pub(super) struct Rules {
    pub(super) failregex: Vec<String>,
    pub(super) ignoreregex: Vec<String>,
    pub(super) maxlines: u32,
    pub(super) journalmatch: Vec<String>,
    /// Somebody names a date pattern.
    pub(super) datepattern_given: bool,
}

/// What can be told, and what came of it.
pub(super) struct Reading {
    pub(super) head: Vec<String>,
    pub(super) result: Result<(Rules, Rule), String>,
}

impl Rules {
    /// Reads and compiles; `backend` is that of the log.
    pub(super) fn read(question: &Question, backend: &str, now: Timestamp) -> Reading {
        let mut head = Vec::new();
        let result = read(question, backend, now, &mut head);
        Reading { head, result }
    }
}

fn read(
    question: &Question,
    backend: &str,
    now: Timestamp,
    head: &mut Vec<String>,
) -> Result<(Rules, Rule), String> {
    let options = &question.options;
    let year = daemon::year_of(now);
    if let Some(zone) = &options.timezone {
        ZoneSpec::parse(zone)
            .map_err(|error| format!("Unknown or unsupported time zone: '{zone}': {error}"))?;
    }
    let maxlines = options.maxlines.filter(|&lines| lines > 0);
    let maxlines = maxlines.map(|lines| u32::try_from(lines).unwrap_or(u32::MAX));
    head.extend(maxlines.map(told_maxlines));
    let datepattern = options
        .datepattern
        .as_deref()
        .filter(|pattern| !pattern.is_empty());
    if let Some(pattern) = datepattern {
        head.push(told_datepattern(pattern, year)?);
    }
    let usedns = match &options.usedns {
        _ if options.raw => Some(UseDns::Raw),
        Some(word) => Some(usedns(word)),
        None => None,
    };

    let detailed = options.verbosity() > 1;
    let read = source::read(
        &DiskFiles,
        &options.config,
        &question.regex,
        backend,
        detailed,
    );
    let source = read.map_err(|(told, message)| {
        head.extend(told);
        message
    })?;
    for finding in &source.findings {
        complain(&finding.to_string());
    }
    head.extend_from_slice(&source.head);
    if let Some(lines) = source.maxlines.filter(|_| maxlines.is_none()) {
        head.push(told_maxlines(lines));
    }
    if let Some(pattern) = source
        .datepattern
        .as_deref()
        .filter(|_| datepattern.is_none())
    {
        head.push(told_datepattern(pattern, year)?);
    }
    let zone = options
        .timezone
        .as_deref()
        .or(source.logtimezone.as_deref());
    let datepattern = datepattern.or(source.datepattern.as_deref());
    let mut attempt = Attempt {
        maxlines: maxlines.or(source.maxlines).unwrap_or(1).max(1),
        datepattern,
        zone,
        usedns: usedns
            .or(source.usedns.map(daemon::usedns))
            .unwrap_or_default(),
        year,
        source: &source,
        ignoreregex: &source.ignoreregex,
    };
    // The mistakes of REGEX come before IGNOREREGEX is told.
    let mut rule = attempt.compile()?;
    let own;
    if let Some(text) = &question.ignoreregex {
        head.push(format!(
            "Use ignoreregex line : {}",
            super::python::short(text)
        ));
        own = vec![text.clone()];
        attempt.ignoreregex = &own;
        rule = attempt.compile()?;
    }
    let journalmatch = match &options.journalmatch {
        Some(text) => vec![text.clone()],
        None => source.journalmatch.clone(),
    };
    let rules = Rules {
        failregex: source.failregex.clone(),
        ignoreregex: attempt.ignoreregex.to_vec(),
        maxlines: attempt.maxlines,
        journalmatch,
        datepattern_given: datepattern.is_some(),
    };
    Ok((rules, rule))
}

/// All that makes a rule.
struct Attempt<'a> {
    source: &'a Source,
    ignoreregex: &'a [String],
    maxlines: u32,
    datepattern: Option<&'a str>,
    zone: Option<&'a str>,
    usedns: UseDns,
    year: i32,
}

impl Attempt<'_> {
    fn compile(&self) -> Result<Rule, String> {
        let failregex: Vec<&str> = self.source.failregex.iter().map(String::as_str).collect();
        let ignoreregex: Vec<&str> = self.ignoreregex.iter().map(String::as_str).collect();
        let source = RuleSource {
            prefregex: self.source.prefregex.as_deref(),
            failregex: &failregex,
            ignoreregex: &ignoreregex,
            maxlines: self.maxlines,
            datepattern: self.datepattern,
            logtimezone: self.zone,
            usedns: self.usedns,
            start_year: self.year,
        };
        Rule::compile(&source).map_err(|errors| {
            let first = errors.first();
            first.map_or_else(
                || "these rules cannot be used".to_owned(),
                |error| self.told(error),
            )
        })
    }

    /// In fail2ban's words, with the expression as it is written instead of what its tags stand for.
    fn told(&self, error: &RuleError) -> String {
        let text = match error.part {
            RulePart::Prefregex => self.source.prefregex.as_deref(),
            RulePart::Failregex(index) => self.source.failregex.get(index).map(String::as_str),
            RulePart::Ignoreregex(index) => self.ignoreregex.get(index).map(String::as_str),
            RulePart::Datepattern | RulePart::Logtimezone => return error.message.clone(),
        };
        let text = text.unwrap_or_default();
        if text.is_empty() {
            return "Cannot add empty regex".to_owned();
        }
        if error.lacks_id() {
            return format!("No failure-id group in '{text}'");
        }
        let place = error.offset.map(|offset| place_in(text, offset));
        let place = place.unwrap_or_default();
        format!(
            "Unable to compile regular expression '{text}':\n{}{place}",
            error.message
        )
    }
}

/// ` at position 5`, and the line in a text of several.
fn place_in(text: &str, offset: usize) -> String {
    if !text.contains('\n') {
        return format!(" at position {offset}");
    }
    let before: String = text.chars().take(offset).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!(" at position {offset} (line {line}, column {column})")
}

fn told_maxlines(lines: u32) -> String {
    format!("Use         maxlines : {lines}")
}

fn told_datepattern(pattern: &str, year: i32) -> Result<String, String> {
    let dates = DateDetector::shared(Some(pattern), ZoneSpec::Local, year)
        .map_err(|error| format!("Failed to set datepattern '{pattern}': {}", error.message))?;
    let title = dates.title().unwrap_or("Default Detectors");
    Ok(format!("Use      datepattern : {pattern} : {title}"))
}

/// Any other word is no, as for a jail.
fn usedns(word: &str) -> UseDns {
    match word.trim().to_ascii_lowercase().as_str() {
        "yes" => UseDns::Yes,
        "warn" => UseDns::Warn,
        "raw" => UseDns::Raw,
        _ => UseDns::No,
    }
}
