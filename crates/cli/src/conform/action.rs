//! Actions: which commands this program runs for the steps of a jail's life.

use base::{Span, Timestamp};
use daemon::{Rehearsed, Step};
use serde_json::{Value, json};
use std::path::Path;

/// `{tree, record, steps: [{what, id, ip, time, bantime, failures, matches, captures}]}` → `{errors}`; the commands
/// write into the record themselves. The `id` is who is banned, if that is another than the address.
pub(super) fn answer(task: &Value) -> Result<Value, String> {
    let steps = task["steps"].as_array().ok_or("no list 'steps'")?;
    let steps: Vec<Step> = steps.iter().map(step).collect::<Result<_, _>>()?;
    let (tree, record) = (super::text(task, "tree")?, super::text(task, "record")?);
    let errors = daemon::rehearse(Path::new(tree), Path::new(record), &steps)?;
    Ok(json!({ "errors": errors }))
}

fn step(step: &Value) -> Result<Step, String> {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten();
        texts
            .filter_map(|text| Some(text.as_str()?.to_owned()))
            .collect()
    };
    let ip = step["ip"].as_str();
    let id = step["id"].as_str();
    // An address that was seen with another id is among what was captured.
    let seen = ip.filter(|_| id.is_some()).map(|ip| ("ip", ip));
    let named = id.map(|id| ("fid", id));
    let own = named.into_iter().chain(seen);
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let ban = match id.or(ip) {
        None => None,
        Some(id) => Some(Rehearsed {
            id: id.into(),
            time: Timestamp::from_micros(
                (step["time"].as_f64().ok_or("no number 'time'")? * 1e6) as i64,
            ),
            length: step["bantime"]
                .as_i64()
                .filter(|seconds| *seconds >= 0)
                .map(Span::from_secs),
            failures: step["failures"].as_u64().unwrap_or(0) as u32,
            matches: texts(&step["matches"]),
            captures: step["captures"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .chain(own)
                .collect(),
        }),
    };
    Ok(Step {
        what: super::text(step, "what")?.to_owned(),
        ban,
    })
}
