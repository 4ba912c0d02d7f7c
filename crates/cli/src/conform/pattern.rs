//! Python's `re`: a pattern on texts, the named groups of each match.

use detect::pyre::{Outcome, Regex};
use serde_json::{Map, Value, json};

/// `{regex, multiline, texts}` → `{groups: [null or {name: text or null}]}`.
pub(super) fn answer(task: &Value) -> Result<Value, String> {
    let multiline = task["multiline"].as_bool().unwrap_or_default();
    let regex =
        Regex::new(super::text(task, "regex")?, multiline).map_err(|error| error.to_string())?;
    let mut cache = regex.new_cache();
    let mut slots = Vec::new();
    let mut groups = Vec::new();
    for text in task["texts"].as_array().ok_or("no list 'texts'")? {
        let text = text.as_str().ok_or("a text that is none")?;
        groups.push(match regex.search(&mut cache, text, &mut slots) {
            Outcome::Match => named(&regex, text, &slots),
            Outcome::NoMatch => Value::Null,
            Outcome::OverBudget => json!("over budget"),
        });
    }
    Ok(json!({ "groups": groups }))
}

fn named(regex: &Regex, text: &str, slots: &[Option<usize>]) -> Value {
    let names = regex.group_names().iter().enumerate();
    let named = names.filter_map(|(group, name)| {
        let range = slots[2 * group].zip(slots[2 * group + 1]);
        let value = range.map_or(Value::Null, |(start, end)| text[start..end].into());
        Some((name.as_deref()?.to_owned(), value))
    });
    Value::Object(named.collect::<Map<_, _>>())
}
