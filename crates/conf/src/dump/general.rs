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

/// What is read before anything else, because the client needs it for itself, and the texts that stand for absent ones.
const EARLY: [(&str, &str); 5] = [
    ("socket", "/var/run/fail2ban/fail2ban.sock"),
    ("pidfile", "/var/run/fail2ban/fail2ban.pid"),
    ("loglevel", "INFO"),
    ("logtarget", "/var/log/fail2ban.log"),
    ("syslogsocket", "auto"),
];

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

/// What a client needs to know before it can ask its server or start one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The server's socket.
    pub socket: String,
    /// The file for the server's process number.
    pub pidfile: String,
    /// How much the server logs.
    pub loglevel: String,
    /// Where it logs to.
    pub logtarget: String,
    /// The socket of the system's log.
    pub syslogsocket: String,
}

/// Reads it; `given` is what the command line says. Without a fail2ban.conf the built-in texts hold, and that is said.
pub(super) fn own(
    source: Source<'_>,
    given: &[(&str, String)],
    faults: &mut Vec<Diagnostic>,
    remarks: &mut Vec<Remark>,
) -> Result<Own, Diagnostic> {
    let given = |key: &str| given.iter().find(|(known, _)| *known == key);
    let is_needed = EARLY.iter().any(|(key, _)| given(key).is_none());
    let merged = match is_needed {
        true => layers::read(source, "fail2ban", faults),
        false => None,
    };
    if let Some(fault) = faults.iter().find(|fault| stops_all(fault)) {
        return Err(fault.clone());
    }
    if is_needed && merged.is_none() {
        let dir = source.tree.dir.clone().unwrap_or_default();
        let dir = dir.display();
        let words = format!("Found no accessible config files for 'fail2ban' under {dir}");
        remarks.push(remark::error("configreader", words, None));
    }
    let scope = merged.as_deref().and_then(|merged| {
        merged.section("Definition")?;
        Some(Scope::new(merged, "Definition"))
    });
    if merged.is_some() && scope.is_none() {
        remarks.push(no_definition());
    }
    let mut texts = Vec::with_capacity(EARLY.len());
    for (key, instead) in EARLY {
        let found = match &scope {
            Some(scope) => scope.get(key)?,
            None => None,
        };
        let is_level = key == "loglevel" && given(key).is_none();
        if let Some(text) = found.as_ref().filter(|_| is_level) {
            let origin = text.origin();
            level(&text.plain(), |message| fault(message, &origin, None))?;
        }
        texts.push(match (given(key), found) {
            (Some((_, text)), _) => text.clone(),
            (None, Some(text)) => text.plain(),
            (None, None) => instead.to_owned(),
        });
    }
    if let Some((_, text)) = given("loglevel") {
        level(text, |message| Diagnostic::new(Severity::Error, message))?;
    }
    let mut next = texts.into_iter();
    let mut next = || next.next().unwrap_or_default();
    Ok(Own {
        socket: next(),
        pidfile: next(),
        loglevel: next(),
        logtarget: next(),
        syslogsocket: next(),
    })
}

fn no_definition() -> Remark {
    remark::error("configreader", "No section: 'Definition'".to_owned(), None)
}

/// Reads them; `given` are those of the command line.
pub(super) fn read(
    source: Source<'_>,
    given: &[(&str, String)],
    faults: &mut Vec<Diagnostic>,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<Command>, Refused> {
    // The client does so before it asks for anything else.
    own(source, given, &mut Vec::new(), &mut Vec::new()).map_err(Refused::AtOnce)?;
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
        remarks.push(no_definition());
    }
    let given = |key: &str| given.iter().find(|(known, _)| *known == key);
    let scope = Scope::new(&merged, "Definition");
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

fn level(text: &str, found: impl Fn(&str) -> Diagnostic) -> Result<(), Diagnostic> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || LEVELS.contains(&text.to_uppercase().as_str()) {
        return Ok(());
    }
    let found = found(&format!("Invalid log level '{text}'"));
    let help = "take CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG";
    Err(found.with_help(help))
}
