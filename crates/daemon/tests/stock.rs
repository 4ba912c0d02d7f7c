//! Stock filters on generated lines: the answers are those of CPython, the steps have a bound.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic of a test is its report"
)]

#[path = "stock/famous.rs"]
mod famous;
#[path = "stock/lines.rs"]
mod lines;
#[path = "stock/python.rs"]
mod python;
#[path = "stock/trees.rs"]
mod trees;

use detect::pyre::{Cache, MAX_BACKTRACKING_STEPS, Outcome, Regex, Steps};
use lines::{Random, line, long_line};
use serde_json::Value;
use std::path::Path;

/// Our spelling of a pattern's parts, and fail2ban's.
const SPELLINGS: &[(&str, &str)] = &[
    (
        r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
        r"(?:\d{1,3}\.){3}\d{1,3}",
    ),
    (r"(?:.*\n)*?)", r"(?:(?:.*\n)*?))"),
    ("(?:(?i)", "(?i:"),
    ("((?i)", "(?i:"),
];

fn in_its_words(pattern: &str) -> String {
    let all = SPELLINGS.iter();
    all.fold(pattern.to_owned(), |pattern, (ours, its)| {
        pattern.replace(ours, its)
    })
}

/// Lines for each pattern, and long ones.
const LINES: usize = 120;
const LONG_LINES: usize = 1_000;

#[test]
fn answers_are_cpythons() {
    let stock = trees::all();
    let patterns = trees::distinct(&stock);
    let mut random = Random(20_261_125);
    let cases: Vec<(&Regex, Vec<String>)> = patterns
        .iter()
        .map(|&(_, regex)| {
            let sampler = regex.sampler();
            let lines = (0..LINES).map(|_| line(&sampler, &mut random));
            (regex, lines.collect())
        })
        .collect();
    let Some(answers) = python::ask(&cases) else {
        println!("SKIPPED stock patterns against CPython: no python3");
        return;
    };
    let (mut agreed, mut matched, mut slow, mut over, mut wrong) = (0, 0, 0, 0, Vec::new());
    for (((regex, texts), answers), (name, _)) in cases.iter().zip(&answers).zip(&patterns) {
        let (mut cache, mut slots) = (regex.new_cache(), Vec::new());
        for (text, expected) in texts.iter().zip(answers) {
            let found = match regex.search(&mut cache, text, &mut slots) {
                Outcome::OverBudget => {
                    over += 1;
                    continue;
                }
                Outcome::NoMatch => Value::Null,
                Outcome::Match => python::spans(regex, text, &slots),
            };
            match expected {
                Value::String(_) => slow += 1,
                _ if found == *expected => {
                    agreed += 1;
                    matched += usize::from(!found.is_null());
                }
                _ => wrong.push(format!(
                    "{name}: {}\n  on {text:?}\n  gives {found}\n  not   {expected} ({:?})",
                    regex.pattern(),
                    regex.engine()
                )),
            }
        }
    }
    println!(
        "{} patterns of {} filters: {agreed} answers agree ({matched} matches), {slow} took Python too long, {over} over \
         budget, {} differ",
        patterns.len(),
        stock.len(),
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{}",
        wrong[..wrong.len().min(10)].join("\n")
    );
    assert!(
        over * 1_000 < agreed,
        "too many searches end without an answer"
    );
    assert!(
        matched * 5 > agreed,
        "too few lines match to prove anything"
    );
}

#[test]
fn patterns_are_those_that_fail2ban_compiles() {
    let cases = "../../../shared/cases/pattern-cases/patterns.jsonl";
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join(cases);
    let Ok(cases) = std::fs::read_to_string(cases) else {
        println!("SKIPPED patterns of fail2ban: no pattern cases beside the repository");
        return;
    };
    let mut stock = trees::all();
    // The cases know the filters of fail2ban's tests too; some of those are none.
    stock.extend(
        trees::rules("tests", &trees::beside().join("tests"))
            .into_iter()
            .flatten(),
    );
    let ours: Vec<(String, bool)> = trees::distinct(&stock)
        .iter()
        .map(|(_, regex)| (in_its_words(regex.pattern()), regex.multiline()))
        .collect();
    let missing: Vec<Value> = cases
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|case| {
            let pattern = case["regex"].as_str().unwrap().to_owned();
            !ours.contains(&(pattern, case["multiline"].as_bool().unwrap()))
        })
        .collect();
    println!(
        "{} of {} recorded patterns are missing",
        missing.len(),
        cases.lines().count()
    );
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What a letter costs an automaton at most: each of its places is looked at once. The largest stock pattern has fewer.
const PLACES: usize = 3_000;
/// Letters that a text counts for besides its own: what a first search makes costs also a short text.
const MORE_LETTERS: usize = 100;
/// What a letter costs as a rule, in a first search.
const USUAL: usize = 64;

#[test]
fn steps_have_a_bound() {
    let stock = trees::all();
    let mut random = Random(1);
    let (mut searches, mut unusual, mut slow_again) = (0, 0, 0);
    for (name, regex) in trees::distinct(&stock) {
        let (mut cache, mut slots) = (regex.new_cache(), Vec::new());
        let sampler = regex.sampler();
        for _ in 0..LONG_LINES / 10 {
            for text in (0..10).map(|_| long_line(&sampler, &mut random)) {
                let letters = text.chars().count() + MORE_LETTERS;
                let mut check = |cache: &mut Cache| {
                    regex.search(cache, &text, &mut slots);
                    let Steps {
                        linear,
                        backtracking,
                    } = cache.steps();
                    assert!(
                        linear <= PLACES * letters
                            && backtracking <= MAX_BACKTRACKING_STEPS + text.len(),
                        "{name}: {}\n  on {text:?}\n  {linear} and {backtracking} steps",
                        regex.pattern()
                    );
                    linear
                };
                unusual += usize::from(check(&mut cache) > USUAL * letters);
                slow_again += usize::from(check(&mut cache) > letters);
                searches += 1;
            }
            cache = regex.new_cache();
        }
    }
    println!(
        "{searches} searches; above {USUAL} steps a letter {unusual}, above one a letter when repeated {slow_again}"
    );
    assert!(unusual * 1_000 < searches && slow_again * 200 < searches);
}

#[test]
fn famous_lines_take_time_in_proportion_to_their_length() {
    let stock = trees::all();
    for famous in famous::FAMOUS {
        let patterns = famous.patterns(&stock);
        if patterns.is_empty() {
            println!("SKIPPED {}: its filter is not here", famous.name);
        }
        for (name, regex) in patterns {
            let mut slots = Vec::new();
            let mut steps = |count| {
                let mut cache = regex.new_cache();
                let text = famous.line(count);
                regex.search(&mut cache, &text, &mut slots);
                assert_eq!(cache.steps().backtracking, 0, "{name}");
                (text.len(), cache.steps().linear)
            };
            let (short, long) = (steps(famous.count), steps(20 * famous.count));
            assert!(short.1 <= USUAL * (short.0 + MORE_LETTERS), "{name}");
            // What was learnt from the short text serves for the long one: one step a letter.
            assert!(long.1 <= short.1 + 2 * long.0, "{name}");
        }
    }
}
