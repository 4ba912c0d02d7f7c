//! Dates: a datepattern on lines that share one detector; what is cut out and what time it means.

use super::cases::Cases;
use super::evaluator::Program;
use super::{Difference, START_YEAR, Tally};
use serde_json::{Value, json};

pub(crate) fn judge(cases: &Cases, program: &Program, tally: &mut Tally) -> Result<(), String> {
    let cases = cases.read("cases.jsonl")?;
    let tasks: Vec<Value> = cases.iter().map(task).collect();
    let answers = program.answers("date", &tasks)?;
    for (case, answer) in cases.iter().zip(&answers) {
        let id = format!("{} {}", case["id"], case["datepattern"]);
        tally.case("-", &id, &differences(case, answer));
    }
    Ok(())
}

fn lines(case: &Value) -> &[Value] {
    case["lines"].as_array().map_or(&[], Vec::as_slice)
}

/// With an error at set-up the lines are plain texts, else they hold what is expected.
fn text(line: &Value) -> &Value {
    if line.is_string() {
        line
    } else {
        &line["line"]
    }
}

fn task(case: &Value) -> Value {
    json!({
        "datepattern": case["datepattern"],
        "logtimezone": case["logtimezone"],
        "tz": case["tz"],
        "now": case["now"],
        "start_year": START_YEAR,
        "lines": lines(case).iter().map(text).collect::<Vec<_>>(),
    })
}

fn differences(case: &Value, answer: &Value) -> Vec<Difference> {
    let lines = lines(case);
    // A pattern that fails when it is first used may be refused at once.
    let refused = case.get("setup_error").is_some()
        || (!lines.is_empty() && lines.iter().all(|line| line["error"] == "error"));
    if refused != answer.get("error").is_some() {
        return vec![Difference {
            field: "pattern",
            theirs: json!({ "refused": refused }),
            ours: answer["error"].clone(),
            about: case.clone(),
        }];
    }
    if refused {
        return Vec::new();
    }
    let mut differences = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let ours = &answer["lines"][index];
        let mut differ = |field, theirs: Value, ours: &Value| {
            if !alike(&theirs, ours) {
                differences.push(Difference {
                    field,
                    theirs,
                    ours: ours.clone(),
                    about: json!({
                        "line": line, "index": index, "now": case["now"], "tz": case["tz"],
                        "datepattern": case["datepattern"],
                    }),
                });
            }
        };
        // Over an empty match at the end of the line the original stumbles.
        let theirs = if line["error"] == "IndexError" {
            json!("")
        } else {
            line["match"].clone()
        };
        differ("match", theirs.clone(), &ours["match"]);
        if theirs.is_null() || theirs == "" {
            continue;
        }
        differ("span", line["span"].clone(), &ours["span"]);
        differ("time", line["time"].clone(), &ours["time"]);
        if !line["time"].is_null() {
            differ("template", line["template"].clone(), &ours["template"]);
        }
    }
    differences
}

/// Times are floats.
pub(crate) fn alike(theirs: &Value, ours: &Value) -> bool {
    match (theirs.as_f64(), ours.as_f64()) {
        (Some(theirs), Some(ours)) => (theirs - ours).abs() < 1e-5,
        _ => theirs == ours,
    }
}
