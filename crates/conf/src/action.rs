//! Actions of a jail: their files, their arguments, their names (behaviour §1.11, §1.12).

use crate::definition::Definition;
use crate::interp::{Vars, fault};
use crate::layers::{self, Merged};
use crate::params::{self, Call};
use crate::spec::ActionSpec;
use crate::stock;
use crate::text::Text;
use crate::tree::Source;
use base::literal;
use base::{Diagnostic, Origin, Stops};
use std::collections::BTreeMap;
use std::rc::Rc;

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
    let mut calls = Vec::new();
    // What cannot be read at all is found before anything is looked at more closely.
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
        let call = Called::new(source, jail, call, origin, faults)?;
        if source.strict && !call.is_python() {
            call.definition(variables)?.check_options(OPTIONS)?;
        }
        calls.push(call);
    }
    let specs = calls
        .into_iter()
        .map(|call| call.spec(source, variables, faults));
    specs.collect()
}

/// The files of an action; a Python action has none that concern us.
fn files(
    source: Source<'_>,
    name: &str,
    origin: &Origin,
    faults: &mut Vec<Diagnostic>,
) -> Result<Rc<Merged>, Diagnostic> {
    if name.ends_with(".py") {
        return Ok(Rc::default());
    }
    layers::read(source, &format!("action.d/{name}"), faults).ok_or_else(|| {
        let message = format!("there is no readable action.d/{name}.conf");
        fault(&message, origin, Some(name))
            .with_help("correct the name, or create the file")
            .with_stops(Stops::Jail(format!(
                "Unable to read action {}",
                literal(name)
            )))
    })
}

/// An action that a jail calls, before its options are looked at.
struct Called {
    call: Call,
    origin: Origin,
    actname: String,
    arguments: Vars,
    merged: Rc<Merged>,
}

impl Called {
    fn new(
        source: Source<'_>,
        jail: &str,
        call: Call,
        origin: Origin,
        faults: &mut Vec<Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        let given = |wanted: &str| {
            let mut options = call.options.iter();
            let found = options.find(|(key, _)| key == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let name = given("name").unwrap_or(jail);
        let file = call.name.as_str();
        let python = file.strip_suffix(".py");
        let actname = match (given("actname"), python, name.strip_prefix(jail)) {
            (Some(actname), ..) => actname.to_owned(),
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
        Ok(Self {
            merged: files(source, file, &origin, faults)?,
            call,
            origin,
            actname,
            arguments,
        })
    }

    fn is_python(&self) -> bool {
        self.call.name.ends_with(".py")
    }

    fn definition(&self, variables: &Vars) -> Result<Definition<'_>, Diagnostic> {
        Definition::of_action(&self.merged, &self.arguments, variables.clone(), RUN_TIME)
    }

    fn spec(
        self,
        source: Source<'_>,
        variables: &Vars,
        faults: &mut Vec<Diagnostic>,
    ) -> Result<ActionSpec, Diagnostic> {
        let mut action = ActionSpec {
            name: self.call.name.clone(),
            actname: self.actname.clone(),
            params: BTreeMap::new(),
            stock: None,
            origin: self.origin.clone(),
        };
        if self.is_python() {
            // Its arguments are its own; only what it is called is ours.
            let own = self.call.options.into_iter();
            action.params = own.filter(|(key, _)| key != "actname").collect();
            return Ok(action);
        }
        let definition = self.definition(variables)?;
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
        let names = self.call.options.iter().map(|(key, _)| key.as_str());
        action.stock = stock::of(&action, &self.merged, names, &definition, faults)?;
        Ok(action)
    }
}
