//! Reads a tree: the options of all, then jail by jail, none at another's cost.

use crate::Files;
use crate::globals;
use crate::jail;
use crate::layers;
use crate::spec::{Config, Enabled};
use crate::text::Text;
use crate::tree::{Source, Tree};
use base::{Diagnostic, JailName, Origin, Severity};

/// Which jails are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// Those that are to run.
    Enabled,
    /// These, whatever `enabled` says.
    Named(&'a [JailName]),
    /// All, whatever `enabled` says.
    All,
}

/// Reads the configuration. Never fails whole: what is broken is named, all else is given.
pub fn load(files: &dyn Files, tree: &Tree, choice: Choice<'_>) -> (Config, Vec<Diagnostic>) {
    let source = Source { files, tree };
    let mut faults = Vec::new();
    let globals = globals::read(source, &mut faults);
    let mut config = Config {
        globals,
        jails: Vec::new(),
        broken: Vec::new(),
    };
    if tree.missing
        && let Some(dir) = &tree.dir
    {
        let message = format!(
            "there is no readable configuration directory {}",
            dir.display()
        );
        faults.push(
            Diagnostic::new(Severity::Error, message).with_help("name another directory with -c"),
        );
        return (config, faults);
    }
    let mut merged = layers::read(source, "jail", &mut faults).unwrap_or_default();
    let here = Origin {
        file: "built-in".into(),
        line: 0,
        text: "".into(),
    };
    let dir = tree.dir.as_ref().map_or_else(
        || crate::embedded::ROOT.to_owned(),
        |dir| dir.display().to_string(),
    );
    for (key, text) in [
        ("fail2ban_version", "1.1.1"),
        ("fail2ban_confpath", dir.as_str()),
    ] {
        merged
            .defaults
            .entry(key.into())
            .or_default()
            .push(Text::new(text, &here));
    }
    for (name, _, origin) in merged
        .sections
        .iter()
        .filter(|(name, ..)| name != "INCLUDES")
    {
        let jail = JailName::new(name);
        if matches!(choice, Choice::Named(names) if !names.contains(&jail)) {
            continue;
        }
        let read = jail::enabled(&merged, name, tree.embedded).and_then(|enabled| {
            if enabled == Enabled::No && matches!(choice, Choice::Enabled) {
                return Ok(None);
            }
            jail::read(source, &merged, name, enabled, origin, &mut faults).map(Some)
        });
        match read {
            Ok(spec) => config.jails.extend(spec),
            Err(fault) => config.broken.push((jail.clone(), fault.with_jail(&jail))),
        }
    }
    // A filter or action of several jails is read for each of them, its faults are told once.
    let mut told: Vec<Diagnostic> = Vec::new();
    for fault in faults {
        if !told.contains(&fault) {
            told.push(fault);
        }
    }
    (config, told)
}
