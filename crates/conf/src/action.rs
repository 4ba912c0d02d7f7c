//! Actions of a jail: their files, their arguments, their names (behaviour §1.11, §1.12).

use crate::definition::Definition;
use crate::interp::{Vars, fault};
use crate::layers;
use crate::params::{self, Call};
use crate::spec::ActionSpec;
use crate::stock;
use crate::text::Text;
use crate::tree::Source;
use base::{Diagnostic, Origin, Stops};
use std::collections::BTreeMap;

/// Tags whose values are known only at a ban.
const RUN_TIME: &[&str] = &[
    "matches",
    "ipmatches",
    "ipjailmatches",
    "timeout",
    "bantime",
];

/// Options of `[Definition]` that mean something to who carries an action out; its others are only tags for these.
pub(crate) const OPTIONS: &[&str] = &[
    "actionstart",
    "actionstart_on_demand",
    "actionstop",
    "actionflush",
    "actionreload",
    "actioncheck",
    "actionrepair",
    "actionrepair_on_unban",
    "actionban",
    "actionprolong",
    "actionreban",
    "actionunban",
    "norestored",
];

/// Reads all actions of a jail's `action`.
pub(crate) fn read(
    source: Source<'_>,
    jail: &str,
    list: &Text,
    variables: &Vars,
    faults: &mut Vec<Diagnostic>,
) -> Result<Vec<ActionSpec>, Diagnostic> {
    let plain = list.plain();
    let mut actions = Vec::new();
    for (at, entry) in params::split(&plain) {
        let line = plain[..at].matches('\n').count();
        let origin = list
            .lines
            .get(line)
            .map_or_else(|| list.origin(), |line| line.origin.clone());
        let call = params::parse(entry).map_err(|why| {
            let words = format!("Invalid action definition '{entry}': {why}");
            fault(
                &format!("invalid action '{entry}': {why}"),
                &origin,
                Some(entry),
            )
            .with_help(params::HELP)
            .with_stops(Stops::Jail(words))
        })?;
        actions.push(one(source, jail, call, origin, variables, faults)?);
    }
    Ok(actions)
}

fn one(
    source: Source<'_>,
    jail: &str,
    call: Call,
    origin: Origin,
    variables: &Vars,
    faults: &mut Vec<Diagnostic>,
) -> Result<ActionSpec, Diagnostic> {
    let given: BTreeMap<&str, &str> = call
        .options
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let name = given.get("name").copied().unwrap_or(jail);
    let file = call.name.as_str();
    let stem = file.strip_suffix(".py").unwrap_or(file);
    let actname = match (given.get("actname"), name.strip_prefix(jail)) {
        (Some(actname), _) => (*actname).to_owned(),
        (None, Some(rest)) => format!("{stem}{rest}"),
        (None, None) => format!("{stem}-{name}"),
    };
    let mut arguments: Vars = call
        .options
        .iter()
        .map(|(k, v)| (k.clone(), Text::new(v, &origin)))
        .collect();
    arguments.insert("name".into(), Text::new(name, &origin));
    arguments.insert("actname".into(), Text::new(&actname, &origin));
    let mut action = ActionSpec {
        name: file.to_owned(),
        actname,
        params: BTreeMap::new(),
        stock: None,
        origin,
    };
    if file.ends_with(".py") {
        action.params = arguments
            .iter()
            .map(|(key, text)| (key.clone(), text.plain()))
            .collect();
        return Ok(action);
    }
    let merged = layers::read(source, &format!("action.d/{file}"), faults).ok_or_else(|| {
        fault(
            &format!("there is no readable action.d/{file}.conf"),
            &action.origin,
            Some(file),
        )
        .with_help("correct the name, or create the file")
        .with_stops(Stops::Jail(format!("Unable to read action '{file}'")))
    })?;
    let definition = Definition::new(&merged, &arguments, variables.clone(), RUN_TIME)?;
    for key in OPTIONS {
        if let Some(text) = definition.get(key)? {
            action.params.insert((*key).to_owned(), text.plain());
        }
    }
    for (key, text) in definition.arguments() {
        action
            .params
            .entry(key.to_owned())
            .or_insert_with(|| text.plain());
    }
    let names = call.options.iter().map(|(key, _)| key.as_str());
    action.stock = stock::of(&action, &merged, names, &definition, faults)?;
    Ok(action)
}
