//! The steps that every line takes, each by itself: `cargo bench -p detect`, or `cargo bench -p detect -- date` for some.
//!
//! The filter is the built-in one for sshd, the lines are those of a server that is guessed at. What a whole program
//! takes is measured by `cargo xtask bench scan`.

#![expect(clippy::unwrap_used, reason = "a panic is its report")]

#[path = "hot/input.rs"]
mod input;

use base::Timestamp;
use detect::date::{self, DateDetector, ZoneSpec};
use detect::pyre::RegexSet;
use detect::{Clock, Detector, Encoding, Line, Splitter};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use input::{NOW, UTC};
use std::hint::black_box;
use std::sync::Arc;

/// Runs before the first that counts: automata are built and caches are warm.
const WARM_UP: usize = 20_000;

fn main() {
    divan::main();
}

/// A piece of a log, as it is read at once.
#[divan::bench(sample_size = 10)]
fn split(bencher: Bencher<'_, '_>) {
    let lines = input::log(2_000);
    let piece: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    let mut splitter = Splitter::new(Encoding::Utf8, 0);
    bencher.counter(BytesCount::of_str(&piece)).bench_local(|| {
        splitter.push(black_box(piece.as_bytes()), |line, _| {
            black_box(line);
        });
    });
}

/// Lines of one second, which share the text of their date, and lines of a new second each.
#[divan::bench(sample_size = 1_000, args = ["same second", "new second"])]
fn date(bencher: Bencher<'_, '_>, name: &str) {
    let seconds = if name == "same second" { 1 } else { 3_600 };
    let lines = input::seconds(seconds, input::line("cron"));
    let dates = DateDetector::new(None, ZoneSpec::Local, 2026).unwrap();
    let (mut state, mut lines) = (dates.new_state(), lines.iter().cycle());
    let now = Timestamp::from_secs(NOW);
    measure(bencher, ItemsCount::new(1_usize), || {
        let line = black_box(lines.next().unwrap());
        date::detect(&dates, &mut state, line, now, &UTC)
    });
}

/// What every line of any program meets; that of sshd matches.
#[divan::bench(sample_size = 1_000, args = ["cron", "pam", "failed"])]
fn prefregex(bencher: Bencher<'_, '_>, line: &str) {
    let rule = input::rule();
    let regex = rule.prefregex().unwrap();
    let (mut cache, mut slots) = (regex.new_cache(), Vec::new());
    let text = format!(" host {}\n", input::line(line));
    measure(bencher, BytesCount::of_str(&text), || {
        regex.search(&mut cache, black_box(&text), &mut slots)
    });
}

/// The first of all failregexes that matches: none, the first, later ones.
#[divan::bench(sample_size = 1_000, args = ["pam", "failed", "invalid", "banner"])]
fn failregexes(bencher: Bencher<'_, '_>, line: &str) {
    let rule = input::rule();
    let regexes: Vec<_> = rule.failregexes().collect();
    let set = RegexSet::new(&regexes);
    let (mut cache, mut slots) = (set.new_cache(), Vec::new());
    let (_, text) = input::line(line).split_once(": ").unwrap();
    let text = format!("{text}\n");
    measure(bencher, BytesCount::of_str(&text), || {
        set.first(&mut cache, black_box(&text), &mut slots)
    });
}

/// All of it for one kind of line, a hundred lines a second.
#[divan::bench(sample_size = 1_000, args = ["cron", "pam", "failed"])]
fn feed(bencher: Bencher<'_, '_>, line: &str) {
    let seconds = input::seconds(3_600, input::line(line));
    let lines = seconds
        .iter()
        .flat_map(|line| std::iter::repeat_n(line, 100));
    feed_with(bencher, lines.cycle());
}

/// All of it for a log of which a tenth fails.
#[divan::bench(sample_size = 1_000)]
fn feed_log(bencher: Bencher<'_, '_>) {
    feed_with(bencher, input::log(10_000).iter().cycle());
}

fn feed_with<'l>(bencher: Bencher<'_, '_>, mut lines: impl Iterator<Item = &'l String>) {
    let mut detector = Detector::timeless(Arc::new(input::rule()));
    let clock = Clock {
        now: Timestamp::from_secs(NOW),
        zone: &UTC,
        in_operation: false,
    };
    let mut found = detect::Failures::default();
    measure(bencher, ItemsCount::new(1_usize), || {
        found.clear();
        let line = Line::of_file(black_box(lines.next().unwrap()));
        detector.feed(&line, &clock, &mut found)
    });
}

fn measure<T>(
    bencher: Bencher<'_, '_>,
    counter: impl divan::counter::IntoCounter,
    mut work: impl FnMut() -> T,
) {
    for _ in 0..WARM_UP {
        black_box(work());
    }
    bencher.counter(counter).bench_local(work);
}
