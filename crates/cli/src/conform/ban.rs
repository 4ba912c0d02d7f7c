//! Bans: scripted time-lines under a clock of their own, run through the engine.
//!
//! Kernel and store answer at once, so that only what the engine decides is seen. The store is fail2ban's: it forgets
//! that a ban was made longer, and knows no marks of ours. What the engine cannot do yet is named in `unsupported`.

mod world;

use serde_json::{Value, json};
use world::World;

/// The moment that all times of a case count from.
const T0: i64 = 1_700_000_000;

/// `{jails, steps}` → `{steps: [{events, status, returned}], bips}`, or `{unsupported}`.
pub(super) fn answer(task: &Value) -> Result<Value, String> {
    if let Some(what) = unsupported(task) {
        return Ok(json!({ "unsupported": what }));
    }
    let mut world = World::new(&task["jails"])?;
    let mut steps = Vec::new();
    for step in task["steps"].as_array().ok_or("no list 'steps'")? {
        steps.push(world.take(step)?);
    }
    Ok(json!({ "steps": steps, "bips": world.bips() }))
}

/// What a case asks of the engine that it does not have yet.
fn unsupported(task: &Value) -> Option<&'static str> {
    let jails = task["jails"].as_object().into_iter().flatten();
    for (_, jail) in jails {
        if jail["bantime.increment"] == true {
            return Some("growing ban times");
        }
        if jail["norestored"] == true {
            return Some("shell actions");
        }
    }
    let steps = task["steps"].as_array().into_iter().flatten();
    let changes = |step: &Value| {
        let op = step["op"].as_str().unwrap_or_default();
        matches!(op, "set" | "addignoreip" | "delignoreip" | "attempt")
    };
    let mut steps = steps.filter(|step| changes(step));
    steps.next().map(|_| "changes at run time")
}
