//! The commands for one action: its name, and its options in their order.

use super::words::json_text;
use super::{Command, Item, set};
use crate::action;
use crate::layers;
use crate::options::is_true;
use crate::params;
use crate::spec::ActionSpec;
use crate::tree::Source;
use base::Diagnostic;
use std::collections::BTreeMap;

/// Options of an action that are yes or no.
const FLAGS: [&str; 3] = [
    "actionstart_on_demand",
    "actionrepair_on_unban",
    "norestored",
];

/// What names an action, and its options: the server's own, then the jail's, then those of `[Init]`. `entry` is what
/// the jail wrote.
pub(super) fn commands(
    source: Source<'_>,
    jail: &str,
    action: &ActionSpec,
    entry: &str,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Command> {
    let actname = action.actname.as_str();
    let given = params::parse(entry)
        .map(|call| call.options)
        .unwrap_or_default();
    let given = given.into_iter().map(|(key, _)| key);
    if action.name.ends_with(".py") {
        let names: Vec<String> = given.collect();
        return vec![python(source, jail, action, &names)];
    }
    let file = format!("action.d/{}", action.name);
    let merged = layers::read(source, &file, faults).unwrap_or_default();
    let of_init = merged.order.iter().filter(|(section, _)| section == "Init");
    let names = ["name", "actname"].map(str::to_owned);
    let others: Vec<String> = given
        .chain(names)
        .chain(of_init.map(|(_, key)| key.clone()))
        .collect();
    let own = action::OPTIONS.iter().map(|key| (*key).to_owned());
    let is_own = |key: &String| action::OPTIONS.contains(&key.as_str());
    let keys = own
        .filter(|key| !others.contains(key))
        .chain(others.iter().filter(|key| is_own(key)).cloned())
        .chain(others.iter().cloned());
    let mut pairs: Vec<Item> = Vec::new();
    let mut left: BTreeMap<&str, &String> = action
        .params
        .iter()
        .map(|(key, text)| (key.as_str(), text))
        .collect();
    let is_defined = merged.section("Definition").is_some();
    for key in keys {
        let value = match left.remove(key.as_str()) {
            Some(text) if FLAGS.contains(&key.as_str()) => Item::Bool(is_true(text)),
            Some(text) => Item::Text(text.clone()),
            None if !is_defined && action::OPTIONS.contains(&key.as_str()) => Item::None,
            None => continue,
        };
        pairs.push(Item::List(vec![Item::Text(key), value]));
    }
    let mut multi = set(jail, "action", [actname.into(), Item::List(pairs)]);
    if let Some(word) = multi.first_mut() {
        *word = "multi-set".into();
    }
    vec![set(jail, "addaction", [actname.into()]), multi]
}

/// A Python action gets its arguments as JSON.
fn python(source: Source<'_>, jail: &str, action: &ActionSpec, names: &[String]) -> Command {
    let pairs: Vec<String> = names
        .iter()
        .filter_map(|key| {
            let value = action.params.get(key)?;
            Some(format!("{}: {}", json_text(key), json_text(value)))
        })
        .collect();
    let path = source.tree.roots().pop().unwrap_or_default();
    let path = path.join("action.d").join(&action.name);
    set(
        jail,
        "addaction",
        [
            action.actname.as_str().into(),
            Item::Text(path.display().to_string()),
            Item::Text(format!("{{{}}}", pairs.join(", "))),
        ],
    )
}
