//! How long the worst of many hostile lines takes each stock pattern, and each stock filter as a whole: part of
//! `cargo xtask bench redos`.
//!
//! Writes one JSON object a line: for each pattern its worst on short lines and on the longest, for each filter the same
//! on the longest, then the famous lines, which Python is asked too. A line's time is that of its first search with a new
//! cache, automaton built: what an attacker can cause once; and that of a later one, with a cache that has seen the lines
//! before: what they can cause again and again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is its report")]

#[path = "../tests/stock/famous.rs"]
mod famous;
#[path = "../tests/stock/lines.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod lines;
#[path = "redos/splices.rs"]
mod splices;
#[path = "../tests/stock/trees.rs"]
mod trees;

use base::Timestamp;
use detect::pyre::{Cache, Regex, Sampler};
use detect::{Clock, Detector, Line, Rule};
use jiff::tz::TimeZone;
use lines::{Random, long_line};
use serde_json::{Value, json};
use splices::longest_line;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Short hostile lines for each pattern.
const LINES: usize = 1_000;
/// Lines of 64 KiB for each pattern, and for each filter.
const LONGEST: usize = 16;
/// When the lines of filters are read: any time.
const NOW: i64 = 1_795_521_600;

fn main() {
    let stock = trees::all();
    let mut random = Random(1);
    for (filter, regex) in trees::distinct(&stock) {
        // The automaton is built at the first search, of whatever line.
        regex.engine();
        let samplers = [regex.sampler()];
        let short = worst_of(regex, LINES, || long_line(&samplers[0], &mut random));
        let long = worst_of(regex, LONGEST, || longest_line(&samplers, &mut random));
        let pattern = regex.pattern();
        println!(
            "{}",
            json!({"filter": filter, "pattern": pattern, "short": short.told(), "long": long.told()})
        );
    }
    for famous in famous::FAMOUS {
        let Some((_, regex)) = famous.patterns(&stock).into_iter().next() else {
            continue;
        };
        let text = famous.line(famous.count);
        let times = (0..5).map(|_| search(regex, &mut regex.new_cache(), &text));
        let ms = milliseconds(times.min().unwrap_or_default());
        let (name, pattern) = (famous.name, regex.pattern());
        println!(
            "{}",
            json!({"famous": name, "ms": ms, "pattern": pattern, "line": text})
        );
    }
    for one in stock {
        let samplers: Vec<Sampler> = one.regexes().map(Regex::sampler).collect();
        let worst = worst_of_rule(&Arc::new(one.rule), &samplers, &mut random);
        println!("{}", json!({"rule": one.name, "long": worst.told()}));
    }
}

/// The worst of several lines: times, and steps for each byte.
#[derive(Default)]
struct Worst {
    first: Duration,
    later: Duration,
    /// Not counted for a whole filter.
    steps: f64,
}

impl Worst {
    fn told(&self) -> Value {
        let (first, later) = (milliseconds(self.first), milliseconds(self.later));
        json!({"first_ms": first, "later_ms": later, "steps": self.steps})
    }
}

/// A pattern's worst on so many lines.
fn worst_of(regex: &Regex, count: usize, mut line: impl FnMut() -> String) -> Worst {
    let (mut worst, mut old) = (Worst::default(), regex.new_cache());
    for _ in 0..count {
        let text = line();
        let mut new = regex.new_cache();
        keep(&mut worst.first, || {
            new = regex.new_cache();
            search(regex, &mut new, &text)
        });
        keep(&mut worst.later, || search(regex, &mut old, &text));
        for steps in [new.steps(), old.steps()] {
            let steps = steps.linear + steps.backtracking;
            worst.steps = worst.steps.max(steps as f64 / text.len().max(1) as f64);
        }
    }
    worst
}

/// A filter's worst: its date, prefregex, failregexes and ignoreregexes on one line.
fn worst_of_rule(rule: &Arc<Rule>, samplers: &[Sampler], random: &mut Random) -> Worst {
    let (mut worst, mut old) = (Worst::default(), Detector::timeless(Arc::clone(rule)));
    // Automata are built at the first line.
    feed(&mut old, "Nov 24 12:00:00 host a");
    for _ in 0..LONGEST {
        let mut text = longest_line(samplers, random);
        text.insert_str(0, "Nov 24 12:00:00 ");
        keep(&mut worst.first, || {
            feed(&mut Detector::timeless(Arc::clone(rule)), &text)
        });
        keep(&mut worst.later, || feed(&mut old, &text));
    }
    worst
}

fn search(regex: &Regex, cache: &mut Cache, text: &str) -> Duration {
    let mut slots = Vec::new();
    timed(|| regex.search(cache, text, &mut slots))
}

fn feed(detector: &mut Detector, text: &str) -> Duration {
    let clock = Clock {
        now: Timestamp::from_secs(NOW),
        zone: &TimeZone::UTC,
        in_operation: false,
    };
    let mut found = detect::Failures::default();
    timed(|| detector.feed(&Line::of_file(text), &clock, &mut found))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Keeps the worst time. One that looks worse is measured again: other programs cost time too.
fn keep(worst: &mut Duration, mut measure: impl FnMut() -> Duration) {
    let mut time = measure();
    for _ in 0..5 {
        if time <= *worst {
            return;
        }
        time = time.min(measure());
    }
    *worst = time;
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    std::hint::black_box(work());
    begun.elapsed()
}
