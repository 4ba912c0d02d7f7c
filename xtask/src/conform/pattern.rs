//! Final patterns on buffers: match and named groups are CPython's.

use super::cases::Cases;
use super::evaluator::Program;
use super::{Difference, Tally};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) fn judge(cases: &Cases, program: &Program, tally: &mut Tally) -> Result<(), String> {
    let mut of_pattern: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for pair in cases.read("pairs.jsonl")? {
        let pattern = pair["p"].as_u64().ok_or("a pair without its pattern")?;
        of_pattern.entry(pattern).or_default().push(pair);
    }
    let mut tasks = Vec::new();
    let mut asked = Vec::new();
    for pattern in cases.read("patterns.jsonl")? {
        let number = pattern["p"]
            .as_u64()
            .ok_or("a pattern without its number")?;
        let Some(pairs) = of_pattern.remove(&number) else {
            continue;
        };
        let texts: Vec<&Value> = pairs.iter().map(|pair| &pair["buf"]).collect();
        tasks.push(json!({
            "regex": pattern["regex"], "multiline": pattern["multiline"], "texts": texts,
        }));
        asked.push((number, pairs));
    }
    let answers = program.answers("pattern", &tasks)?;
    for ((number, pairs), answer) in asked.iter().zip(&answers) {
        for (index, pair) in pairs.iter().enumerate() {
            let ours = answer["groups"].get(index).unwrap_or(answer);
            let difference = Difference {
                field: "groups",
                theirs: pair["groups"].clone(),
                ours: ours.clone(),
                about: pair["buf"].clone(),
            };
            let differs = difference.theirs != difference.ours;
            let id = format!("pattern {number} on {}", pair["buf"]);
            tally.case(
                "-",
                &id,
                if differs {
                    std::slice::from_ref(&difference)
                } else {
                    &[]
                },
            );
        }
    }
    match of_pattern.keys().next() {
        Some(number) => Err(format!("pattern {number} is missing")),
        None => Ok(()),
    }
}
