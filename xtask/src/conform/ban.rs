//! Bans: scripted time-lines; what is logged, banned and kept, and how the jails stand after each step.
//!
//! At a stop the original lifts its bans, while ours stand: those lines are left out, and so are warnings about clocks,
//! which detect gives and not the engine. Bans of one second may come in another order. The original's action runs
//! before a ban has grown, ours after: what counts of a ban that grows is its final length and number.

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
            let id = case["id"].as_str().unwrap_or_default();
            tally.case(label, id, &differences(label, case, answer));
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
        let about = json!({
            "step": number, "op": step["op"], "ops": [step["op"]], "jails": case["jails"],
        });
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
                whole_numbers(&theirs["status"]),
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
    let bips = |rows: &Value| {
        let mut rows = rows.as_array().cloned().unwrap_or_default();
        for row in &mut rows {
            if let Some(length) = row[3].as_f64() {
                row[3] = json!(to_the_microsecond(length));
            }
        }
        sorted(rows)
    };
    differ(
        "bips",
        bips(&case["final_db"]["bips"]),
        bips(&answer["bips"]),
        json!({ "ops": steps.iter().map(|step| &step["op"]).collect::<Vec<_>>() }),
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
    let mut events = Vec::new();
    for event in expect["events"].as_array().into_iter().flatten() {
        let t = &event["t"];
        if event["ev"] == "ban" {
            let restored = whole(&event["restored"]) == 1;
            let time = whole(&event["time"]);
            let (count, bantime) = grown(expect, event, time);
            events.push(json!({
                "t": t, "ban of": event["id"], "jail": event["jail"], "time": time,
                "bantime": bantime, "failures": whole(&event["failures"]), "count": count,
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

/// The number and the length of a ban as the log of the same moment has them in the end.
fn grown(expect: &Value, ban: &Value, time: i64) -> (i64, i64) {
    let (mut count, mut bantime) = (whole(&ban["bancount"]), whole(&ban["bantime"]));
    let of = |word: &str| {
        let jail = ban["jail"].as_str().unwrap_or_default();
        let id = ban["id"].as_str().unwrap_or_default();
        format!("[{jail}] {word} {id} ")
    };
    let (bad, increased) = (of("IP") + "is bad: ", of("Increase Ban") + "(");
    for event in expect["events"].as_array().into_iter().flatten() {
        let text = event["msg"].as_str().unwrap_or_default();
        if event["t"] != ban["t"] || ban["restored"] == 1 {
            continue;
        }
        if let Some(rest) = text.strip_prefix(&bad) {
            let former: i64 = rest
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            count = count.max(former + 1);
        }
        if let Some(rest) = text.strip_prefix(&increased) {
            let number = rest.split(' ').next().and_then(|n| n.parse().ok());
            count = number.unwrap_or(count);
            let end = rest
                .split_once("@T+")
                .map(|(_, end)| end.trim_end_matches(')'));
            let end: Option<i64> = end.and_then(|end| end.parse().ok());
            bantime = end.map_or(-1, |end| end - time);
        }
    }
    (count, bantime)
}

/// Our times have no finer parts.
fn to_the_microsecond(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn whole(value: &Value) -> i64 {
    value.as_f64().map_or(0, |number| number as i64)
}

/// Ends of bans, and counts that the original reckons in fractions, as whole numbers.
fn whole_numbers(status: &Value) -> Value {
    let mut status = status.clone();
    for jail in status
        .as_object_mut()
        .into_iter()
        .flatten()
        .map(|(_, jail)| jail)
    {
        for part in ["banned", "failed"] {
            for (_, number) in jail[part].as_object_mut().into_iter().flatten() {
                if let Some(fraction) = number.as_f64() {
                    *number = json!(fraction as i64);
                }
            }
        }
    }
    status
}
