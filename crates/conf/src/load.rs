//! Reads a tree: the options of all, then jail by jail, none at another's cost.

use crate::Files;
use crate::interp::Scope;
use crate::jail;
use crate::layers::{self, Merged};
use crate::options::is_true;
use crate::spec::{Config, Enabled, Globals};
use crate::text::Text;
use crate::tree::{Source, Tree};
use base::{Diagnostic, JailName, Origin, Severity, Span, parse_duration};

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
    let globals = globals(source, &mut faults);
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

fn globals(source: Source<'_>, faults: &mut Vec<Diagnostic>) -> Globals {
    let trees: Vec<Merged> = ["stockade", "fail2ban"]
        .iter()
        .filter_map(|name| layers::read(source, name, faults))
        .collect();
    let mut get = |key: &str| {
        let mut found = None;
        for merged in &trees {
            match Scope::new(merged, "Definition").get(key) {
                Ok(Some(text)) => found = Some(text.value()),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        found
    };
    let mut text = |key: &str| get(key).filter(|value| !value.text.is_empty());
    let purge = text("dbpurgeage");
    let matches = text("dbmaxmatches");
    let text = |key: &str, get: &mut dyn FnMut(&str) -> Option<crate::Value>| {
        get(key).map(|value| value.text)
    };
    let globals = Globals {
        loglevel: text("loglevel", &mut get).unwrap_or_else(|| "INFO".into()),
        logtarget: text("logtarget", &mut get),
        allowipv6: text("allowipv6", &mut get).unwrap_or_else(|| "auto".into()),
        dbpurgeage: purge
            .as_ref()
            .and_then(|v| parse_duration(&v.text).ok())
            .map_or(Span::from_secs(86_400), Span::from_secs_f64),
        dbmaxmatches: matches
            .as_ref()
            .and_then(|v| v.text.parse().ok())
            .unwrap_or(10),
        dbfile: text("dbfile", &mut get),
        socket: text("socket", &mut get),
        table_owner: text("table_owner", &mut get).is_none_or(|text| is_true(&text)),
        banaction_native: text("banaction_native", &mut get).is_none_or(|text| is_true(&text)),
        embedded: source.tree.embedded,
    };
    let bad = [
        (
            "dbpurgeage",
            purge.filter(|v| parse_duration(&v.text).is_err()),
        ),
        (
            "dbmaxmatches",
            matches.filter(|v| v.text.parse::<u32>().is_err()),
        ),
    ];
    for (key, value) in bad
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_ref()?)))
    {
        let message = format!(
            "{key} = '{}' cannot be used; the default is taken instead",
            value.text
        );
        faults.push(Diagnostic::new(Severity::Warning, message).with_origin(Some(&value.origin)));
    }
    globals
}
