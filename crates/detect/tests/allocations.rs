//! What a line costs the allocator, once a detector knows its log: nothing, whatever the line is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a test reads its logs")]

use allocation_counter::measure;
use base::{FailureId, Timestamp};
use conf::{EmbeddedFiles, Manner, MemoryFiles, Tree, Value};
use detect::{
    Clock, Detector, Detectors, Failure, Failures, Line, Rule, RuleSource, Splitter, UseDns,
};
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAX_ROUNDS: usize = 60;
static UTC: TimeZone = TimeZone::UTC;

fn config(part: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let entries = std::fs::read_dir(directory.join(part)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The samples of all services, line by line in turns.
fn mixed_log() -> Vec<String> {
    let mut logs: Vec<std::vec::IntoIter<String>> = Vec::new();
    for path in config("samples") {
        if path.extension().is_some_and(|end| end == "log") {
            let mut lines = Vec::new();
            let mut splitter = Splitter::new(detect::Encoding::Utf8, 0);
            splitter.push(&std::fs::read(path).unwrap(), |line, _| {
                lines.push(line.to_owned())
            });
            logs.push(lines.into_iter());
        }
    }
    let longest = logs.iter().map(ExactSizeIterator::len).max().unwrap();
    let turn = |_| {
        logs.iter_mut()
            .filter_map(Iterator::next)
            .collect::<Vec<_>>()
    };
    (0..longest).flat_map(turn).collect()
}

fn rule(filter: &str) -> Rule {
    let tree = Tree::find(&MemoryFiles::default(), None, Manner::Stockade);
    let (spec, _) = conf::load_filter(&EmbeddedFiles, &tree, filter, "auto");
    let spec = spec.unwrap();
    let texts = |values: &[Value]| values.iter().map(|value| value.text.clone()).collect();
    let (fail, ignore): (Vec<String>, Vec<String>) =
        (texts(&spec.failregex), texts(&spec.ignoreregex));
    let text = |value: &Option<Value>| value.as_ref().map(|value| value.text.clone());
    Rule::compile(&RuleSource {
        prefregex: text(&spec.prefregex).as_deref(),
        failregex: &fail.iter().map(String::as_str).collect::<Vec<_>>(),
        ignoreregex: &ignore.iter().map(String::as_str).collect::<Vec<_>>(),
        maxlines: spec.maxlines,
        datepattern: text(&spec.datepattern).as_deref(),
        logtimezone: None,
        usedns: UseDns::Warn,
        start_year: 2026,
    })
    .unwrap()
}

fn clock() -> Clock<'static> {
    Clock {
        now: Timestamp::from_secs(1_764_000_000),
        zone: &UTC,
        in_operation: false,
    }
}

/// Feeds all lines; how many failed, how many did not, and the first that cost an allocation.
fn round<'l>(
    detector: &mut Detector,
    found: &mut Failures,
    log: &'l [String],
) -> (usize, usize, Option<&'l str>) {
    let clock = clock();
    let (mut failed, mut others, mut costly) = (0, 0, None);
    for line in log {
        found.clear();
        let cost = measure(|| {
            detector.feed(&Line::of_file(line), &clock, found);
        });
        *(if found.is_empty() {
            &mut others
        } else {
            &mut failed
        }) += 1;
        // An id that is no address is text of its own.
        let is_address = |failure: &Failure| {
            matches!(failure.id, FailureId::Prefix(_)) && failure.hostname.is_none()
        };
        if cost.count_total > 0 && found.iter().all(is_address) {
            costly = costly.or(Some(line.as_str()));
        }
    }
    (failed, others, costly)
}

#[test]
fn a_line_costs_no_allocation_in_the_end() {
    let log = mixed_log();
    for path in config("filter.d") {
        let filter = path.file_stem().unwrap().to_str().unwrap();
        let mut detector = Detector::timeless(Arc::new(rule(filter)));
        // Each of the hundred sessions has to meet its longest line.
        let mut found = Failures::default();
        let mut last = (0, 0, None);
        for _ in 0..MAX_ROUNDS {
            last = round(&mut detector, &mut found, &log);
            if last.2.is_none() {
                break;
            }
        }
        let (failed, others, costly) = last;
        assert_eq!(costly, None, "{filter}");
        assert!(failed > 0 && others > 0, "{filter}: {failed} and {others}");
    }
}

/// The same for all built-in filters on one log, where the gate names those that look at a line.
#[test]
fn nor_does_it_for_many_jails() {
    let log = mixed_log();
    let filters = config("filter.d");
    let rules = filters
        .iter()
        .map(|path| Arc::new(rule(path.file_stem().unwrap().to_str().unwrap())));
    let mut detectors = Detectors::timeless(rules);
    let (mut last, mut failed) = (Vec::new(), 0);
    for _ in 0..MAX_ROUNDS {
        last.clear();
        failed = 0;
        for line in &log {
            let (mut found, mut is_address) = (0, true);
            let cost = measure(|| {
                detectors.feed(&Line::of_file(line), &clock(), |said| {
                    found += said.failures.len();
                    let plain = |failure: &Failure| {
                        matches!(failure.id, FailureId::Prefix(_)) && failure.hostname.is_none()
                    };
                    is_address &= said.failures.iter().all(plain);
                });
            });
            failed += found;
            if cost.count_total > 0 && is_address {
                last.push(line);
            }
        }
        if last.is_empty() {
            break;
        }
    }
    assert_eq!(last, Vec::<&String>::new());
    assert!(failed > 0);
}
