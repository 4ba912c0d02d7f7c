//! Entrances for fuzzing: bytes in, nothing out, a panic where something is wrong. What no user of the crate needs.

use crate::date::{DateDetector, DateFound, ZoneSpec, detect};
use crate::{Clock, Detector, Encoding, Failures, Line, Rule, RuleSource, Splitter, UseDns};
use base::Timestamp;
use jiff::tz::TimeZone;
use std::sync::{Arc, OnceLock};

pub use crate::pyre::fuzz_regex;

/// Lines looked at, and characters of each.
const MAX_LINES: usize = 20;
const MAX_CHARACTERS: usize = 400;
const NOW: Timestamp = Timestamp::from_secs(1_764_000_000);

fn lines(text: &str) -> impl Iterator<Item = String> {
    let lines = text.split('\n').take(MAX_LINES);
    lines.map(|line| line.chars().take(MAX_CHARACTERS).collect())
}

/// Takes date patterns, an empty line, and lines to search for dates.
///
/// # Panics
/// When a date is found outside of its line.
pub fn fuzz_date(data: &[u8]) {
    let data = String::from_utf8_lossy(data);
    let (pattern, log) = data.split_once("\n\n").unwrap_or(("", &data));
    let pattern = lines(pattern).collect::<Vec<_>>().join("\n");
    static KNOWN: OnceLock<Option<Arc<DateDetector>>> = OnceLock::new();
    // Built once: most inputs leave it at the built-in formats.
    let built_in = KNOWN.get_or_init(|| DateDetector::shared(None, ZoneSpec::Local, 2026).ok());
    let detector = match (built_in, pattern.trim()) {
        (Some(built_in), "") => Ok(Arc::clone(built_in)),
        _ => DateDetector::shared(Some(&pattern), ZoneSpec::Local, 2026),
    };
    let Ok(detector) = detector else {
        return;
    };
    let mut state = detector.new_state();
    for line in lines(log) {
        let found = detect(&detector, &mut state, &line, NOW, &TimeZone::UTC);
        if let DateFound::Found { cut, .. } | DateFound::Unparsable { cut } = found {
            assert!(line.get(cut.clone()).is_some(), "{cut:?} of {line:?}");
        }
    }
}

/// Takes the number of an encoding, the size of a read, and a log.
///
/// # Panics
/// When lines depend on where reads end.
pub fn fuzz_split(data: &[u8]) {
    let [encoding, size, log @ ..] = data else {
        return;
    };
    const NAMES: [&str; 11] = [
        "utf-8",
        "latin-1",
        "cp1252",
        "utf-16-le",
        "utf-16-be",
        "utf-16",
        "utf-32",
        "utf-32-be",
        "utf-8-sig",
        "ascii",
        "iso-2022-jp",
    ];
    let name = NAMES[usize::from(*encoding) % NAMES.len()];
    let encoding = Encoding::parse(name).unwrap_or_default();
    let read = |size: usize| {
        let mut found = Vec::new();
        let mut splitter = Splitter::new(encoding, 7);
        for bytes in log.chunks(size) {
            splitter.push(bytes, |line, next| found.push((line.to_owned(), next)));
            let resume = splitter.resume_offset();
            assert!(resume.is_none_or(|at| found.last().is_none_or(|(_, next)| at >= *next)));
        }
        splitter.finish(|line, next| found.push((line.to_owned(), next)));
        (found, splitter.cut_lines())
    };
    assert_eq!(read(usize::from(*size).max(1)), read(log.len().max(1)));
}

/// Takes options of a filter, one a line (`p=` prefregex, `f=` failregex, `i=` ignoreregex, `d=` datepattern, `m=`
/// maxlines, `n=` no names), and log lines.
///
/// # Panics
/// When an error is placed outside of its option.
pub fn fuzz_filter(data: &[u8]) {
    let data = String::from_utf8_lossy(data);
    let all: Vec<String> = lines(&data).collect();
    let with = |start: &'static str| all.iter().filter_map(move |line| line.strip_prefix(start));
    let (fail, ignore) = (
        with("f=").collect::<Vec<_>>(),
        with("i=").collect::<Vec<_>>(),
    );
    let source = RuleSource {
        prefregex: with("p=").next(),
        failregex: &fail,
        ignoreregex: &ignore,
        maxlines: with("m=").next().map_or(1, |count| count.len() as u32 % 5),
        datepattern: with("d=").next(),
        logtimezone: None,
        usedns: match with("n=").next() {
            Some(_) => UseDns::No,
            None => UseDns::Warn,
        },
        start_year: 2026,
    };
    // Built once, as by the other jails of a machine.
    static DATES: OnceLock<Option<Arc<DateDetector>>> = OnceLock::new();
    DATES.get_or_init(|| DateDetector::shared(None, ZoneSpec::Local, 2026).ok());
    let rule = match Rule::compile(&source) {
        Ok(rule) => rule,
        Err(errors) => {
            assert!(
                !errors.is_empty()
                    && errors
                        .iter()
                        .all(|error| error.offset <= Some(MAX_CHARACTERS))
            );
            return;
        }
    };
    let mut detector = Detector::timeless(Arc::new(rule));
    let clock = Clock {
        now: NOW,
        zone: &TimeZone::UTC,
        in_operation: false,
    };
    let mut found = Failures::default();
    for line in &all {
        detector.feed(&Line::of_file(line), &clock, &mut found);
    }
    assert!(found.len() <= all.len() * all.len());
}
