//! Actions of a jail: their files, their arguments, their names (behaviour §1.11, §1.12).

use crate::definition::Definition;
use crate::interp::{Vars, fault};
use crate::layers;
use crate::literal::literal;
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
            let words = format!("Invalid action definition {}: {why}", literal(entry));
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
    let python = file.strip_suffix(".py");
    let actname = match (given.get("actname"), python, name.strip_prefix(jail)) {
        (Some(actname), ..) => (*actname).to_owned(),
        (None, Some(stem), _) => stem.to_owned(),
        (None, None, Some(rest)) => format!("{file}{rest}"),
        (None, None, None) => format!("{file}-{name}"),
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
        // Its arguments are its own; only what it is called is ours.
        let own = call.options.into_iter().filter(|(key, _)| key != "actname");
        action.params = own.collect();
        return Ok(action);
    }
    let merged = layers::read(source, &format!("action.d/{file}"), faults).ok_or_else(|| {
        fault(
            &format!("there is no readable action.d/{file}.conf"),
            &action.origin,
            Some(file),
        )
        .with_help("correct the name, or create the file")
        .with_stops(Stops::Jail(format!(
            "Unable to read action {}",
            literal(file)
        )))
    })?;
    let definition = Definition::of_action(&merged, &arguments, variables.clone(), RUN_TIME)?;
    if source.strict {
        definition.check_arguments()?;
    }
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
