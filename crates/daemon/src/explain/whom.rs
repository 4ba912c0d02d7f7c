//! Whom the line is about, and whether that one is ignored.

use super::Way;
use super::chain::step;
use crate::ignore::{self, Entry};
use base::{FailureId, Prefix};
use detect::Explained;
use engine::{IgnoreReason, IgnoreSource};
use std::net::IpAddr;
use wire::explain::{Outcome, Stage, Step};

pub(super) fn step_of(way: &Way<'_>, said: &Explained, line: &str) -> Step {
    if let Some(name) = &said.hostname {
        let other = addresses_in(line).into_iter().next();
        let mut step = step(
            Stage::Whom,
            Outcome::Unknown,
            format!("it is about the host {name}, whose addresses are not looked up here"),
        );
        if let Some(address) = other {
            step.outcome = Outcome::Doubt;
            step.text = format!(
                "it is counted for the host name '{name}', not for the address {address} that stands in the line"
            );
            step.help = Some(
                "bind the expression to what stands before the address, and write <ADDR> instead of <HOST> where only \
                 addresses can stand"
                    .into(),
            );
        }
        return step;
    }
    match &said.id {
        None => step(
            Stage::Whom,
            Outcome::Stop,
            "it matches, and nothing in it says whom it is about",
        ),
        Some(id @ FailureId::Raw(text)) if id.is_malformed_address() => step(
            Stage::Whom,
            Outcome::Stop,
            format!("'{text}' looks like an address and is none"),
        ),
        Some(FailureId::Raw(text)) => step(
            Stage::Whom,
            Outcome::Ok,
            format!("'{text}', which is no address"),
        ),
        Some(FailureId::Prefix(prefix)) => {
            let subject = way.jail.policy.network(prefix);
            let text = match subject == *prefix {
                true => prefix.to_string(),
                false => format!("{prefix}, counted and banned as {subject}"),
            };
            step(Stage::Whom, Outcome::Ok, text)
        }
    }
}

/// What stands in the line as an address, whatever the expressions make of it.
fn addresses_in(line: &str) -> Vec<IpAddr> {
    let parts = line.split(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':');
    parts
        .filter(|part| part.len() > 2)
        .filter_map(|part| part.trim_matches([':', '.']).parse().ok())
        .collect()
}

/// `ignoreself`, `ignoreip` and `ignorecommand`, as far as they can be told without asking anybody.
pub(super) fn ignore_of(way: &Way<'_>, said: &Explained, subject: &FailureId) -> Step {
    let jail = way.jail;
    let id = said.id.as_ref().unwrap_or(subject);
    if let FailureId::Prefix(prefix) = id
        && jail.policy.ignoreself
        && is_own(prefix)
    {
        return ignored(&jail.ignore, id, &IgnoreReason::OwnAddress);
    }
    let (list, _) = ignore::offline(&jail.ignore);
    if let Some(source) = list.find(id) {
        return ignored(&jail.ignore, id, &IgnoreReason::Listed(source.clone()));
    }
    let names: Vec<&str> = (jail.ignore.iter())
        .filter_map(|entry| match entry {
            Entry::Name(name) => Some(&**name),
            Entry::Id(_) | Entry::File(_) => None,
        })
        .collect();
    let mut open = Vec::new();
    if !names.is_empty() {
        open.push(format!(
            "its names are not looked up here ({})",
            names.join(", ")
        ));
    }
    if jail.ignore_command.is_some() {
        open.push("its ignorecommand is not run here".to_owned());
    }
    match open.is_empty() {
        true => step(Stage::Ignore, Outcome::Ok, "nothing ignores it"),
        false => step(
            Stage::Ignore,
            Outcome::Unknown,
            format!(
                "no address or network of ignoreip holds it; {}",
                open.join("; ")
            ),
        ),
    }
}

pub(super) fn is_own(prefix: &Prefix) -> bool {
    let mut own = os::own_addresses().into_iter();
    prefix.address().is_loopback() || own.any(|address| prefix.covers(address))
}

/// Somebody is ignored, and by what.
pub(crate) fn ignored(entries: &[Entry], id: &FailureId, why: &IgnoreReason) -> Step {
    let by_id = || {
        entries.iter().find_map(|entry| match (entry, id) {
            (Entry::Id(FailureId::Prefix(around)), FailureId::Prefix(prefix)) => {
                around.contains(prefix).then(|| around.to_string())
            }
            (Entry::Id(FailureId::Raw(text)), FailureId::Raw(raw)) => {
                (text == raw).then(|| text.to_string())
            }
            (Entry::Name(text), FailureId::Raw(raw)) => (**text == **raw).then(|| text.to_string()),
            _ => None,
        })
    };
    let (text, help) = match why {
        IgnoreReason::OwnAddress => (
            format!("{id} is ignored: it is an address of this machine (ignoreself)"),
            "set ignoreself = false to count it; it is never banned all the same",
        ),
        IgnoreReason::Listed(source) => {
            let entry = match source {
                IgnoreSource::Ip => by_id().unwrap_or_else(|| id.to_string()),
                IgnoreSource::Dns(name) => format!("{name} (a host name)"),
                IgnoreSource::File(path) => format!("file:{path}"),
            };
            (
                format!("{id} is ignored: ignoreip of the jail has {entry}"),
                "take the entry out of ignoreip to have it counted",
            )
        }
        IgnoreReason::Command => (
            format!("{id} is ignored: ignorecommand says so"),
            "look at what the command goes by",
        ),
    };
    let mut stop = step(Stage::Ignore, Outcome::Stop, text);
    stop.help = Some(help.into());
    stop
}
