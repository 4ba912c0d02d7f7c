//! Dates: a `datepattern` on lines, what is cut out of each and which time it means.

use super::{Trees, seconds, start_year, surroundings};
use detect::date::{DateDetector, DateFound, ZoneSpec, detect};
use serde_json::{Value, json};
use std::ops::Range;

/// `{datepattern or {tree, filter, options}, logtimezone, tz, now, start_year, lines}` → `{lines: [found]}`, or
/// `{error}` for a pattern that cannot be used.
pub(super) fn answer(task: &Value, trees: &Trees) -> Result<Value, String> {
    let (now, zone) = surroundings(task)?;
    let of_filter = match task.get("filter") {
        Some(_) => trees.filter(task)?.datepattern.map(|value| value.text),
        None => task["datepattern"].as_str().map(str::to_owned),
    };
    let zone_of_log = task["logtimezone"]
        .as_str()
        .map_or(Ok(ZoneSpec::Local), ZoneSpec::parse)
        .map_err(|error| error.to_string())?;
    let detector = DateDetector::new(of_filter.as_deref(), zone_of_log, start_year(task)?)
        .map_err(|error| error.to_string())?;
    let mut state = detector.new_state();
    let mut lines = Vec::new();
    for line in task["lines"].as_array().ok_or("no list 'lines'")? {
        let line = line.as_str().ok_or("a line that is no text")?;
        let found = detect(&detector, &mut state, line, now, &zone);
        lines.push(shown(&detector, line, &found));
    }
    Ok(json!({ "lines": lines }))
}

/// Spans in characters, as Python counts.
fn shown(detector: &DateDetector, line: &str, found: &DateFound) -> Value {
    let span = |cut: &Range<usize>| {
        let start = line[..cut.start].chars().count();
        [start, start + line[cut.clone()].chars().count()]
    };
    match found {
        DateFound::None => Value::Null,
        DateFound::Empty => json!({ "match": "" }),
        DateFound::Unparsable { cut } => {
            json!({ "match": line[cut.clone()], "span": span(cut), "time": null })
        }
        DateFound::Found {
            time,
            cut,
            template,
        } => json!({
            "match": line[cut.clone()],
            "span": span(cut),
            "time": seconds(*time),
            "template": detector.template_name(*template),
        }),
    }
}
