//! Names that nobody reads: options, arguments and sections that look like a slip of the pen.
//!
//! In fail2ban's dialect every option may be a variable of one's own, so an unknown name is a mistake only if nothing
//! refers to it. Told are names close to one that means something, and, of the files of jails and of the daemon, names
//! that nothing reads at all. Nothing here changes what is loaded.

mod near;
mod refs;

use crate::action::OPTIONS as ACTION;
use crate::files::Files;
use crate::interp::{Scope, fault};
use crate::jail;
use crate::layers::{self, Cache, Merged, Slots};
use crate::load;
use crate::options::{FILTER, GLOBAL, JAIL};
use crate::params;
use crate::spec::{Config, Enabled, JailSpec};
use crate::tree::{Source, Tree};
use base::{Diagnostic, JailName, Origin, Severity};
use near::nearest;
use refs::References;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Sections of filters and actions.
const PARTS: &[&str] = &["Definition", "Init", "INCLUDES"];
/// Sections of fail2ban.conf and stockade.conf.
const DAEMON: &[&str] = &["Definition", "Thread", "INCLUDES"];
/// What every action may be given, whether it uses it or not.
const GIVEN: &[&str] = &[
    "name", "actname", "timeout", "bantime", "port", "protocol", "chain",
];

/// Where lines may come from.
const BACKENDS: &[&str] = &["auto", "polling", "pyinotify", "systemd"];

/// The jails that the tree names, in the order of the files; `None` if it has none to read.
pub fn jail_names(files: &dyn Files, tree: &Tree) -> Option<Vec<JailName>> {
    let cache = Cache::default();
    let source = Source {
        files,
        tree,
        cache: &cache,
        strict: false,
    };
    let merged = load::jails(source, &mut Vec::new()).ok()?;
    let names = merged.sections.iter().map(|(name, ..)| name.as_str());
    let jails = names.filter(|name| *name != "INCLUDES");
    Some(jails.map(JailName::new).collect())
}

/// Unknown names in the files of the jails, of the daemon, and of the filters and actions of these jails.
pub fn unknown_names(files: &dyn Files, tree: &Tree, config: &Config) -> Vec<Diagnostic> {
    let cache = Cache::default();
    let source = Source {
        files,
        tree,
        cache: &cache,
        strict: false,
    };
    // What is wrong with the files themselves was told when they were loaded.
    let mut told = Vec::new();
    let jails = load::jails(source, &mut told).unwrap_or_default();
    let read = |name: String| layers::read(source, &name, &mut Vec::new()).map(|one| (name, one));
    let filters = config.jails.iter().map(|jail| &jail.filter.name);
    let filters: BTreeSet<&String> = filters.filter(|name| !name.is_empty()).collect();
    let filters: Vec<Part> = filters
        .into_iter()
        .filter_map(|name| read(format!("filter.d/{name}")))
        .collect();
    let actions = config.jails.iter().flat_map(|jail| &jail.actions);
    let actions: BTreeSet<&String> = actions.map(|action| &action.name).collect();
    let actions: Vec<Part> = actions
        .into_iter()
        .filter_map(|name| read(format!("action.d/{name}")))
        .collect();
    let daemon = ["fail2ban", "stockade"].map(|name| read(name.to_owned()));
    let daemon: Vec<Part> = daemon.into_iter().flatten().collect();

    let mut all = References::default();
    let parts = filters.iter().chain(&actions).chain(&daemon);
    parts.for_each(|(_, merged)| all.read(merged));
    all.read(&jails);
    let lint = Lint { all };

    let mut found = Vec::new();
    for (_, merged) in &daemon {
        lint.sections(merged, DAEMON, &mut found);
        lint.options(merged, GLOBAL, Strictness::All, &mut found);
    }
    lint.jails(source, &jails, &mut found);
    for (_, merged) in &filters {
        lint.sections(merged, PARTS, &mut found);
        lint.options(merged, FILTER, Strictness::Near, &mut found);
    }
    for (_, merged) in &actions {
        lint.sections(merged, PARTS, &mut found);
        lint.options(merged, ACTION, Strictness::Near, &mut found);
    }
    for jail in &config.jails {
        let scope = Scope::new(&jails, jail.name.as_str());
        lint.arguments(&scope, &jail.name, "filter", &filters, &mut found);
        lint.arguments(&scope, &jail.name, "action", &actions, &mut found);
        found.extend(unknown_backend(&scope, jail));
    }
    load::each_once(found)
}

/// A configuration name and its layers.
type Part = (String, Rc<Merged>);

/// Which unknown names are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// Those like a known one.
    Near,
    /// All.
    All,
}

struct Lint {
    /// Whatever any file refers to.
    all: References,
}

impl Lint {
    /// Options of all sections.
    fn options(
        &self,
        merged: &Merged,
        known: &[&str],
        strictness: Strictness,
        found: &mut Vec<Diagnostic>,
    ) {
        self.slots("DEFAULT", &merged.defaults, known, strictness, found);
        for (name, slots, _) in &merged.sections {
            if name != "INCLUDES" {
                self.slots(name, slots, known, strictness, found);
            }
        }
    }

    fn slots(
        &self,
        section: &str,
        slots: &Slots,
        known: &[&str],
        strictness: Strictness,
        found: &mut Vec<Diagnostic>,
    ) {
        for (key, values) in slots {
            let name = key.split('?').next().unwrap_or(key);
            if known.contains(&name) || self.all.holds(name) || is_lent(name) {
                continue;
            }
            let meant = nearest(name, known.iter().copied().chain(self.all.names()));
            let Some(origin) = values.last().map(|text| text.lines.first()) else {
                continue;
            };
            let Some(origin) = origin.map(|line| &line.origin) else {
                continue;
            };
            match meant {
                Some(meant) => found.push(slip(
                    format!("unknown option '{name}' in [{section}]; it is not read"),
                    origin,
                    name,
                    meant,
                )),
                None if strictness == Strictness::All => {
                    let message = format!(
                        "option '{name}' in [{section}] is unknown, and nothing refers to it"
                    );
                    let notice = fault(&message, origin, Some(name));
                    found.push(Diagnostic {
                        severity: Severity::Notice,
                        ..notice
                    });
                }
                None => {}
            }
        }
    }

    /// Sections that are like a known one and that nothing refers to.
    fn sections(&self, merged: &Merged, known: &[&str], found: &mut Vec<Diagnostic>) {
        for (name, _, origin) in &merged.sections {
            let plain = name.split('?').next().unwrap_or(name);
            if known.contains(&plain) || self.all.holds_section(plain) {
                continue;
            }
            if let Some(meant) = nearest(plain, known.iter().copied()) {
                let message = format!("unknown section [{plain}]; nothing in it is read");
                found.push(slip(message, origin, plain, &format!("[{meant}]")));
            }
        }
    }

    fn jails(&self, source: Source<'_>, merged: &Merged, found: &mut Vec<Diagnostic>) {
        let known: Vec<&str> = JAIL.iter().map(|option| option.name).collect();
        self.options(merged, &known, Strictness::All, found);
        let names = || merged.sections.iter().map(|(name, ..)| name.as_str());
        for (name, slots, origin) in &merged.sections {
            if name == "INCLUDES" || self.all.holds_section(name) {
                continue;
            }
            let is_option = |key: &String| known.contains(&key.as_str()) || self.all.holds(key);
            if !slots.is_empty() && !slots.keys().any(is_option) {
                let message = format!("section [{name}] has no option of a jail; it is not used");
                let meant = nearest(name, names().filter(|other| other != name));
                found.push(match meant {
                    Some(meant) => slip(message, origin, name, &format!("[{meant}]")),
                    None => Diagnostic {
                        severity: Severity::Warning,
                        ..fault(&message, origin, Some(name))
                    },
                });
                continue;
            }
            let enabled = jail::enabled(merged, name, source.tree.embedded, &mut Vec::new());
            let file = format!("filter.d/{name}");
            if enabled.is_ok_and(|enabled| enabled == Enabled::Yes)
                || slots.contains_key("filter")
                || layers::read(source, &file, &mut Vec::new()).is_some()
            {
                continue;
            }
            if let Some(meant) = nearest(name, names().filter(|other| other != name)) {
                let message = format!(
                    "section [{name}] is no enabled jail and there is no filter of its name; what it sets is not used"
                );
                found.push(slip(message, origin, name, &format!("[{meant}]")));
            }
        }
    }

    /// Arguments that a jail gives to its filter or its actions, and that these have under a like name only.
    fn arguments(
        &self,
        scope: &Scope<'_>,
        jail: &JailName,
        key: &str,
        parts: &[Part],
        found: &mut Vec<Diagnostic>,
    ) {
        let Ok(Some(list)) = scope.get(key) else {
            return;
        };
        let plain = list.plain();
        for (at, entry) in params::split(&plain) {
            let line = plain[..at].matches('\n').count();
            let origin = list
                .lines
                .get(line)
                .map_or_else(|| list.origin(), |line| line.origin.clone());
            let Ok(call) = params::parse(entry) else {
                continue;
            };
            let file = format!("{key}.d/{}", call.name);
            let Some((_, merged)) = parts.iter().find(|(name, _)| *name == file) else {
                continue;
            };
            let mut own = References::default();
            own.read(merged);
            let keys: BTreeSet<&str> = (merged.sections.iter())
                .flat_map(|(_, slots, _)| slots.keys())
                .map(|key| key.split('?').next().unwrap_or(key))
                .chain(
                    if key == "filter" { FILTER } else { ACTION }
                        .iter()
                        .copied(),
                )
                .chain(GIVEN.iter().copied())
                .collect();
            for (argument, _) in &call.options {
                let argument = argument.split('?').next().unwrap_or(argument);
                if keys.contains(argument) || own.holds(argument) || self.all.holds(argument) {
                    continue;
                }
                if let Some(meant) = nearest(argument, keys.iter().copied()) {
                    let message = format!(
                        "{file} has no option '{argument}'; what the jail gives it is not read"
                    );
                    found.push(slip(message, &origin, argument, meant).with_jail(jail));
                }
            }
        }
    }
}

/// A backend that means nothing is read as `auto`.
fn unknown_backend(scope: &Scope<'_>, jail: &JailSpec) -> Option<Diagnostic> {
    let text = scope.get("backend").ok()??;
    let plain = text.plain();
    let name = plain.split('[').next().unwrap_or_default().trim();
    if name.is_empty() || BACKENDS.contains(&name.to_ascii_lowercase().as_str()) {
        return None;
    }
    let message = format!("unknown backend '{name}'; auto is taken instead");
    let meant = nearest(name, BACKENDS.iter().copied());
    let meant = meant.map_or_else(|| BACKENDS.join(", "), str::to_owned);
    Some(slip(message, &text.origin(), name, &meant).with_jail(&jail.name))
}

/// Ready-made lists of actions, of which a jail names one or none, and what every tree is given.
fn is_lent(name: &str) -> bool {
    name.starts_with("action_") || matches!(name, "fail2ban_version" | "fail2ban_confpath")
}

/// A name in place of another one.
fn slip(message: String, origin: &Origin, name: &str, meant: &str) -> Diagnostic {
    let found = fault(&message, origin, None);
    // fail2ban reads names without regard to case.
    let at = origin
        .text
        .to_ascii_lowercase()
        .find(&name.to_ascii_lowercase());
    let found = Diagnostic {
        severity: Severity::Warning,
        ..found
    };
    let found = match at.and_then(|at| origin.text.get(..at)) {
        Some(before) => found.with_span(before.chars().count(), name.chars().count()),
        None => found,
    };
    found.with_help(format!("did you mean {meant}?"))
}

#[cfg(test)]
mod tests;
