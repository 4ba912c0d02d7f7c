//! Configuration trees: what `fail2ban-client -d` and `-t` of this program answer to a directory.

use crate::fail2ban::client::read;
use conf::Item;
use serde_json::{Map, Value, json};
use std::path::Path;

/// `{dir}` → `{dump: {rc, commands, log}, test: {rc, stdout, log}}`.
pub(super) fn answer(task: &Value) -> Result<Value, String> {
    let dir = Path::new(super::text(task, "dir")?);
    let dumped = read::dump(dir, &[]);
    let tested = read::test(dir, &[]);
    let commands = dumped.commands.into_iter().map(Item::List).map(value);
    let log = |lines: &[crate::fail2ban::client::log::Line]| -> Vec<String> {
        lines.iter().map(|line| line.text.clone()).collect()
    };
    Ok(json!({
        "dump": { "rc": dumped.rc, "commands": commands.collect::<Vec<_>>(), "log": log(&dumped.log) },
        "test": { "rc": tested.rc, "stdout": tested.stdout, "log": log(&tested.log) },
    }))
}

fn value(item: Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Bool(value) => value.into(),
        Item::Int(value) => value.into(),
        Item::Text(value) => value.into(),
        Item::List(items) => items.into_iter().map(value).collect(),
        Item::Map(pairs) => {
            let pairs = pairs.into_iter().map(|(key, item)| (key, value(item)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}
