//! Reads a tree: the options of all, then jail by jail, none at another's cost.

use crate::Files;
use crate::globals;
use crate::jail;
use crate::layers::{self, Cache, Merged};
use crate::spec::{Config, Enabled, JailSpec};
use crate::text::Text;
use crate::tree::{Source, Tree};
use base::{Diagnostic, JailName, Origin, Severity};
use std::collections::BTreeSet;

/// Which jails are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// Those that are to run.
    Enabled,
    /// These, whatever `enabled` says; one that does not exist is broken.
    Named(&'a [JailName]),
    /// All, whatever `enabled` says.
    All,
}

/// Reads the configuration. Never fails whole: what is broken is named, all else is given.
pub fn load(files: &dyn Files, tree: &Tree, choice: Choice<'_>) -> (Config, Vec<Diagnostic>) {
    let cache = Cache::default();
    let source = Source {
        files,
        tree,
        cache: &cache,
        strict: false,
    };
    let mut faults = Vec::new();
    let mut config = Config {
        globals: globals::read(source, &mut faults),
        jails: Vec::new(),
        broken: Vec::new(),
    };
    match jails(source, &mut faults) {
        Ok(merged) => {
            for (name, _, origin) in &merged.sections {
                let jail = JailName::new(name);
                if name == "INCLUDES" || !is_wanted(choice, &jail) {
                    continue;
                }
                match one(source, &merged, name, origin, choice, &mut faults) {
                    Ok(spec) => config.jails.extend(spec),
                    Err(fault) => {
                        let message = format!("{}; the jail is left out", fault.message);
                        let told = Diagnostic { message, ..fault }.with_jail(&jail);
                        config.broken.push((jail, told));
                    }
                }
            }
            if let Choice::Named(names) = choice {
                config.broken.extend(unknown(names, &merged));
            }
        }
        Err(fault) => faults.push(fault),
    }
    (config, each_once(faults))
}

/// All layers of `jail`, with what fail2ban adds to the defaults.
pub(crate) fn jails(
    source: Source<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Result<Merged, Diagnostic> {
    let dir = match &source.tree.dir {
        Some(dir) => dir.display().to_string(),
        None => crate::embedded::ROOT.to_owned(),
    };
    if source.tree.missing {
        let message = format!("there is no readable configuration directory {dir}; no jail runs");
        let help = "name another directory with -c, or create this one";
        return Err(Diagnostic::new(Severity::Error, message).with_help(help));
    }
    let Some(merged) = layers::read(source, "jail", faults) else {
        let message = format!("there is no jail.conf and no jail.local in {dir}; no jail runs");
        let help = "write jail.local with a section for each jail";
        return Err(Diagnostic::new(Severity::Error, message).with_help(help));
    };
    let mut merged = Merged::clone(&merged);
    let here = Origin {
        file: "built-in".into(),
        line: 0,
        text: "".into(),
    };
    for (key, text) in [
        ("fail2ban_version", "1.1.1"),
        ("fail2ban_confpath", dir.as_str()),
    ] {
        let values = merged.defaults.entry(key.into()).or_default();
        values.push(Text::new(text, &here));
    }
    Ok(merged)
}

fn is_wanted(choice: Choice<'_>, jail: &JailName) -> bool {
    match choice {
        Choice::Named(names) => names.contains(jail),
        Choice::Enabled | Choice::All => true,
    }
}

fn one(
    source: Source<'_>,
    merged: &Merged,
    name: &str,
    origin: &Origin,
    choice: Choice<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Result<Option<JailSpec>, Diagnostic> {
    let enabled = jail::enabled(merged, name, source.tree.embedded, faults)?;
    if enabled == Enabled::No && matches!(choice, Choice::Enabled) {
        return Ok(None);
    }
    jail::read(source, merged, name, enabled, origin, faults).map(Some)
}

/// Wanted jails of which the files say nothing.
fn unknown(names: &[JailName], merged: &Merged) -> Vec<(JailName, Diagnostic)> {
    let sections = merged.sections.iter().map(|(name, ..)| name.as_str());
    let known: Vec<&str> = sections.filter(|name| *name != "INCLUDES").collect();
    let unknown = names.iter().filter(|name| !known.contains(&name.as_str()));
    let told = unknown.map(|name| {
        let message = format!("there is no section [{name}] in the configuration");
        let found = Diagnostic::new(Severity::Error, message).with_jail(name);
        let help = match known.as_slice() {
            [] => "write one into jail.local".to_owned(),
            known => format!("the jails are {}", known.join(", ")),
        };
        (name.clone(), found.with_help(help))
    });
    told.collect()
}

/// An include of several filters can be at fault for each of them; that is told once.
pub(crate) fn each_once(faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut told = BTreeSet::new();
    let key = |fault: &Diagnostic| {
        let place = fault.origin.as_ref().map(|at| (at.file.clone(), at.line));
        (fault.message.clone(), place, fault.jail.clone())
    };
    let mut faults = faults;
    faults.retain(|fault| told.insert(key(fault)));
    faults
}
