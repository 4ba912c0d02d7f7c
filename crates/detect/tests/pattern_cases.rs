//! Final patterns of real filters on real and mutated lines: match and named groups as CPython's `re` gives them.
//!
//! The cases are not part of the project: without `../shared` beside the workspace the test says that it skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use detect::pyre::{Outcome, Regex};
use serde_json::Value;
use std::path::PathBuf;

#[expect(clippy::disallowed_methods, reason = "a test may read its cases")]
fn lines(name: &str) -> Option<Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/cases/pattern-cases")
        .join(name);
    let text = std::fs::read_to_string(path).ok()?;
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[test]
fn named_groups_are_cpythons() {
    let (Some(patterns), Some(pairs)) = (lines("patterns.jsonl"), lines("pairs.jsonl")) else {
        println!("skipped: no pattern cases beside the workspace");
        return;
    };
    let regexes: Vec<Regex> = patterns
        .iter()
        .map(|case| {
            Regex::new(
                case["regex"].as_str().unwrap(),
                case["multiline"].as_bool().unwrap(),
            )
            .unwrap()
        })
        .collect();
    let mut caches: Vec<_> = regexes.iter().map(Regex::new_cache).collect();
    let mut slots = Vec::new();
    let (mut agreed, mut wrong) = (0, Vec::new());
    for pair in &pairs {
        let index = pair["p"].as_u64().unwrap() as usize;
        let text = pair["buf"].as_str().unwrap();
        let outcome = regexes[index].search(&mut caches[index], text, &mut slots);
        let found = match outcome {
            Outcome::Match => Value::Object(
                regexes[index]
                    .group_names()
                    .iter()
                    .enumerate()
                    .filter_map(|(group, name)| {
                        let range = slots[2 * group].zip(slots[2 * group + 1]);
                        let value =
                            range.map_or(Value::Null, |(start, end)| text[start..end].into());
                        Some((name.as_deref()?.to_owned(), value))
                    })
                    .collect(),
            ),
            Outcome::NoMatch => Value::Null,
            Outcome::OverBudget => "over budget".into(),
        };
        if found == pair["groups"] {
            agreed += 1;
        } else {
            wrong.push(format!(
                "{}\n  on {text:?}\n  gives {found}",
                regexes[index].pattern()
            ));
        }
    }
    println!("{agreed} of {} pairs agree", pairs.len());
    let engines = regexes
        .iter()
        .filter(|regex| regex.engine() == detect::pyre::Engine::Linear)
        .count();
    println!("{engines} of {} patterns are linear", regexes.len());
    assert!(
        wrong.is_empty(),
        "{} pairs differ, first: {}",
        wrong.len(),
        wrong[0]
    );
}
