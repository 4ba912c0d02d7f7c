//! What concerns no single jail: fail2ban.conf and the command line over it.

use super::remark::{self, Remark};
use super::{Command, Item, Refused, number, stops_all};
use crate::interp::{Scope, fault};
use crate::layers::{self, Merged};
use crate::tree::Source;
use base::{Diagnostic, Severity};

/// Options of fail2ban.conf in the order of their commands, and the texts that stand for absent ones.
const OPTIONS: [(&str, Option<&str>); 7] = [
    ("syslogsocket", Some("auto")),
    ("loglevel", Some("INFO")),
    ("logtarget", Some("/var/log/fail2ban.log")),
    ("allowipv6", Some("auto")),
    ("dbfile", Some("/var/lib/fail2ban/fail2ban.sqlite3")),
    ("dbmaxmatches", None),
    ("dbpurgeage", Some("1d")),
];

/// What is read before anything else: the client needs it for itself.
const EARLY: [&str; 5] = ["socket", "pidfile", "loglevel", "logtarget", "syslogsocket"];

/// Names of levels, in any case; numbers are levels as well.
const LEVELS: [&str; 12] = [
    "CRITICAL",
    "FATAL",
    "ERROR",
    "WARNING",
    "WARN",
    "NOTICE",
    "INFO",
    "DEBUG",
    "NOTSET",
    "MSG",
    "TRACEDEBUG",
    "HEAVYDEBUG",
];

/// Reads them; `given` are those of the command line.
pub(super) fn read(
    source: Source<'_>,
    given: &[(&str, String)],
    faults: &mut Vec<Diagnostic>,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<Command>, Refused> {
    let merged = layers::read(source, "fail2ban", faults);
    if let Some(fault) = faults.iter().find(|fault| stops_all(fault)) {
        return Err(Refused::AtOnce(fault.clone()));
    }
    let merged = merged.ok_or_else(|| {
        let found = Diagnostic::new(Severity::Error, "Read fail2ban configuration failed.");
        Refused::Configuration(found.with_help("there must be a readable fail2ban.conf"))
    })?;
    let is_defined = merged.section("Definition").is_some();
    if !is_defined {
        let words = "No section: 'Definition'".to_owned();
        remarks.push(remark::error("configreader", words, None));
    }
    let given = |key: &str| given.iter().find(|(known, _)| *known == key);
    let scope = Scope::new(&merged, "Definition");
    for key in EARLY {
        if given(key).is_none() && is_defined {
            let text = scope.get(key).map_err(Refused::AtOnce)?;
            if let Some(text) = text.filter(|_| key == "loglevel") {
                let origin = text.origin();
                level(&text.plain(), |message| fault(message, &origin, None))?;
            }
        }
    }
    if let Some((_, text)) = given("loglevel") {
        level(text, |message| Diagnostic::new(Severity::Error, message))?;
    }
    let mut commands = Vec::new();
    if let Some(size) = stack_size(&merged)? {
        let size = number("stacksize", "Thread", &size, remarks);
        let size = Item::Map(vec![("stacksize".into(), size)]);
        commands.push(vec!["set".into(), "thread".into(), size]);
    }
    for (key, instead) in OPTIONS {
        let found = match is_defined {
            true => scope.get(key).map_err(Refused::Configuration)?,
            false => None,
        };
        let value = match (given(key), found, instead) {
            (Some((_, text)), ..) => text.as_str().into(),
            (None, Some(text), None) => number(key, "Definition", &text, remarks),
            (None, Some(text), Some(_)) => Item::Text(text.plain()),
            (None, None, Some(instead)) => instead.into(),
            (None, None, None) if is_defined => continue,
            (None, None, None) => Item::None,
        };
        commands.push(vec!["set".into(), key.into(), value]);
    }
    Ok(commands)
}

fn stack_size(merged: &Merged) -> Result<Option<crate::text::Text>, Refused> {
    if merged.section("Thread").is_none() {
        return Ok(None);
    }
    let scope = Scope::new(merged, "Thread");
    scope.get("stacksize").map_err(Refused::Configuration)
}

fn level(text: &str, found: impl Fn(&str) -> Diagnostic) -> Result<(), Refused> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || LEVELS.contains(&text.to_uppercase().as_str()) {
        return Ok(());
    }
    let found = found(&format!("Invalid log level '{text}'"));
    let help = "take CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG";
    Err(Refused::AtOnce(found.with_help(help)))
}
