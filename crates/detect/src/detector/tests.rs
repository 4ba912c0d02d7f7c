//! A filter and lines in, what is reported out. Lines without a date happen at the clock's time.

mod explained;
mod ids;
mod order;
mod recycled;
mod sessions;
mod several_lines;

use super::*;
use crate::{RuleSource, UseDns};
use base::Timestamp;
use jiff::tz::TimeZone;

const NOW: i64 = 1_700_000_000;
static UTC: TimeZone = TimeZone::UTC;

/// A filter for lines without dates.
pub(super) fn plain<'a>(prefregex: Option<&'a str>, failregex: &'a [&'a str]) -> RuleSource<'a> {
    RuleSource {
        prefregex,
        failregex,
        ignoreregex: &[],
        maxlines: 1,
        datepattern: Some("{NONE}"),
        logtimezone: None,
        usedns: UseDns::Warn,
        start_year: 2023,
    }
}

pub(super) fn detector(source: &RuleSource<'_>) -> Detector {
    let rule = Rule::compile(source).unwrap();
    Detector::new(Arc::new(rule), Span::from_secs(600))
}

pub(super) fn clock(in_operation: bool) -> Clock<'static> {
    Clock {
        now: Timestamp::from_secs(NOW),
        zone: &UTC,
        in_operation,
    }
}

/// Feeds one line; the id and the matches of each failure, or the verdict.
pub(super) fn feed(detector: &mut Detector, line: &str) -> String {
    let mut failures = Failures::default();
    let verdict = detector.feed(&Line::of_file(line), &clock(true), &mut failures);
    if failures.is_empty() {
        return format!("{verdict:?}");
    }
    assert_eq!(verdict, LineVerdict::Failed);
    let show = |failure: &crate::Failure| {
        let lines: Vec<&str> = failure.matches.iter().collect();
        format!("{}: {}", failure.id, lines.join("|"))
    };
    failures.iter().map(show).collect::<Vec<_>>().join(" and ")
}

/// Feeds lines to a fresh detector and compares what each gives.
pub(super) fn check(source: &RuleSource<'_>, lines: &[(&str, &str)]) {
    let mut detector = detector(source);
    for (line, expected) in lines {
        assert_eq!(feed(&mut detector, line), *expected, "{line}");
    }
}
