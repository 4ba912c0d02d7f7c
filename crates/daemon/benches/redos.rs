//! How long the worst of many hostile lines takes each stock pattern: part of `cargo xtask bench redos`.
//!
//! Writes one JSON object a line: for each pattern its worst time, then the famous lines, which Python is asked too.
//! A line's time is that of its first search with a new cache, automaton built: what an attacker can cause once; and
//! that of a later one: what they can cause again and again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is its report")]

#[path = "../tests/stock/famous.rs"]
mod famous;
#[path = "../tests/stock/lines.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod lines;
#[path = "../tests/stock/trees.rs"]
mod trees;

use detect::pyre::{Outcome, Regex};
use lines::{Random, long_line};
use serde_json::json;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Hostile lines for each pattern.
const LINES: usize = 1_000;

fn main() {
    let stock = trees::all();
    let mut random = Random(1);
    for (filter, regex) in trees::distinct(&stock) {
        // The automaton is built at the first search, of whatever line.
        regex.engine();
        let (mut old, mut slots, sampler) = (regex.new_cache(), Vec::new(), regex.sampler());
        let mut worst = [Duration::ZERO; 2];
        for _ in 0..LINES {
            let text = long_line(&sampler, &mut random);
            keep(&mut worst[0], || first_search(regex, &text));
            keep(&mut worst[1], || {
                timed(|| regex.search(&mut old, &text, &mut slots))
            });
        }
        let [first, later] = worst.map(milliseconds);
        println!(
            "{}",
            json!({"filter": filter, "first_ms": first, "later_ms": later})
        );
    }
    for famous in famous::FAMOUS {
        let Some((_, regex)) = famous.patterns(&stock).into_iter().next() else {
            continue;
        };
        let text = famous.line(famous.count);
        let times = (0..5).map(|_| first_search(regex, &text));
        let ms = milliseconds(times.min().unwrap_or_default());
        let (name, pattern) = (famous.name, regex.pattern());
        println!(
            "{}",
            json!({"famous": name, "ms": ms, "pattern": pattern, "line": text})
        );
    }
}

/// The time of a search with a new cache.
fn first_search(regex: &Regex, text: &str) -> Duration {
    let (mut cache, mut slots) = (regex.new_cache(), Vec::new());
    timed(|| regex.search(&mut cache, text, &mut slots))
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

fn timed(search: impl FnOnce() -> Outcome) -> Duration {
    let begun = Instant::now();
    black_box(search());
    begun.elapsed()
}
