//! Bans: scripted time-lines; what is logged, banned and kept, and how the jails stand after each step.
//!
//! At a stop the original lifts its bans, while ours stand: those lines are left out, and so are warnings about clocks,
//! which detect gives and not the engine. Bans of one second may come in another order.

use super::cases::Cases;
use super::evaluator::Program;
use super::{Difference, Tally};
use serde_json::{Value, json};

/// Log lines that other parts write, or that a stop brings.
const LEFT_OUT: &[&str] = &[
    "Repeal Ban",
    "Detected a log entry",
    "Please check a jail",
    "Ignoring all log entries",
];

pub(crate) fn judge(cases: &Cases, program: &Program, tally: &mut Tally) -> Result<(), String> {
    for label in ["master", "debian-1.0.2"] {
        let cases = cases.read(&format!("cases.{label}.jsonl"))?;
        let tasks: Vec<Value> = cases.iter().map(task).collect();
        let answers = program.answers("ban", &tasks)?;
        for (case, answer) in cases.iter().zip(&answers) {
            match answer["unsupported"].as_str() {
                Some(what) => tally.unanswered(what),
                None => {
                    let id = case["id"].as_str().unwrap_or_default();
                    tally.case(label, id, &differences(label, case, answer));
                }
            }
        }
    }
    Ok(())
}

/// The case without what is expected.
fn task(case: &Value) -> Value {
    let mut steps = case["steps"].clone();
    for step in steps.as_array_mut().into_iter().flatten() {
        if let Some(step) = step.as_object_mut() {
            step.remove("expect");
        }
    }
    json!({ "jails": case["jails"], "steps": steps })
}

fn differences(label: &str, case: &Value, answer: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differ = |field, theirs: Value, ours: Value, about: Value| {
        if theirs != ours {
            differences.push(Difference {
                field,
                theirs,
                ours,
                about,
            });
        }
    };
    if answer.get("error").is_some() {
        differ("error", Value::Null, answer.clone(), case["jails"].clone());
    }
    let steps = case["steps"].as_array().map_or(&[][..], Vec::as_slice);
    for (number, step) in steps.iter().enumerate() {
        let (theirs, ours) = (&step["expect"], &answer["steps"][number]);
        let about = json!({ "step": number, "op": step["op"], "jails": case["jails"] });
        let mut our_events = ours["events"].as_array().cloned().unwrap_or_default();
        let mut their_events = events(theirs);
        // At a stop the older release says "Unban" where the newer one says "Repeal Ban": what ended by itself in this
        // step cannot be told apart there.
        if label != "master" && (step["op"] == "stop" || step["op"] == "restart") {
            our_events.retain(|event| !is_unban(event));
            their_events.retain(|event| !is_unban(event));
        }
        differ(
            "events",
            sorted(their_events),
            sorted(our_events),
            about.clone(),
        );
        if step["op"] != "stop" {
            differ(
                "status",
                whole_ends(&theirs["status"]),
                ours["status"].clone(),
                about.clone(),
            );
        }
        if theirs["returned"].is_u64() && ours["returned"].is_u64() {
            differ(
                "returned",
                theirs["returned"].clone(),
                ours["returned"].clone(),
                about,
            );
        }
    }
    let bips = |rows: &Value| sorted(rows.as_array().cloned().unwrap_or_default());
    differ(
        "bips",
        bips(&case["final_db"]["bips"]),
        bips(&answer["bips"]),
        Value::Null,
    );
    differences
}

fn sorted(mut values: Vec<Value>) -> Value {
    values.sort_by_key(Value::to_string);
    Value::Array(values)
}

fn is_unban(event: &Value) -> bool {
    event["log"]
        .as_str()
        .is_some_and(|line| line.contains("] Unban "))
}

/// What the original did, in the form of our answer.
fn events(expect: &Value) -> Vec<Value> {
    let whole = |value: &Value| value.as_f64().map_or(0, |number| number as i64);
    let mut events = Vec::new();
    for event in expect["events"].as_array().into_iter().flatten() {
        let t = &event["t"];
        if event["ev"] == "ban" {
            let restored = whole(&event["restored"]) == 1;
            events.push(json!({
                "t": t, "ban of": event["id"], "jail": event["jail"], "time": whole(&event["time"]),
                "bantime": whole(&event["bantime"]), "failures": whole(&event["failures"]),
                "restored": restored,
            }));
            if !restored {
                events.push(json!({ "t": t, "matches of": event["id"], "are": event["matches"] }));
            }
            continue;
        }
        let Some(text) = event["msg"].as_str() else {
            continue;
        };
        if LEFT_OUT.iter().any(|part| text.contains(part)) {
            continue;
        }
        let level = match text.contains("already banned") {
            true => format!("{} ", event["level"].as_str().unwrap_or_default()),
            false => String::new(),
        };
        events.push(json!({ "t": t, "log": format!("{level}{text}") }));
    }
    events
}

/// Ends of bans as whole seconds.
fn whole_ends(status: &Value) -> Value {
    let mut status = status.clone();
    for jail in status
        .as_object_mut()
        .into_iter()
        .flatten()
        .map(|(_, jail)| jail)
    {
        for (_, end) in jail["banned"].as_object_mut().into_iter().flatten() {
            if let Some(seconds) = end.as_f64() {
                *end = json!(seconds as i64);
            }
        }
    }
    status
}
