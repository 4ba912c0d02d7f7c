//! Bans: scripted time-lines under a clock of their own, run through the engine.
//!
//! Kernel and store answer at once, so that only what the engine decides is seen. The store is fail2ban's: it forgets
//! that a ban was made longer, and knows no marks of ours.

mod world;

use serde_json::{Value, json};
use world::World;

/// The moment that all times of a case count from.
const T0: i64 = 1_700_000_000;

/// `{jails, steps}` → `{steps: [{events, status, returned}], bips}`.
pub(super) fn answer(task: &Value) -> Result<Value, String> {
    let mut world = World::new(&task["jails"])?;
    let mut steps = Vec::new();
    for step in task["steps"].as_array().ok_or("no list 'steps'")? {
        steps.push(world.take(step)?);
    }
    Ok(json!({ "steps": steps, "bips": world.bips() }))
}
