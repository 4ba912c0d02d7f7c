//! What a configuration would do on this machine, without doing it: facts for `stockade check`.
//!
//! The same reading, compiling and choosing as [`run`](crate::run()), jail by jail, and what a person who switches
//! should know besides: who is ignored, how each expression is searched, which of them an attacker may turn against others, which
//! names nobody reads. Nothing is written, no socket opened, no name resolved; what cannot be told costs only itself.

pub(crate) mod action;
mod rules;
pub(crate) mod source;

use crate::ignore;
use crate::plan::{self, Jail, Surroundings};
use base::{Diagnostic, JailName, Severity};
use conf::{Choice, Config, Enabled, JailSpec, Manner, Tree};
use engine::Enforceable;
use std::path::PathBuf;

pub use action::{CheckedAction, Enforcement};
pub use rules::CheckedRegex;
pub use source::CheckedSource;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// The configuration directory, if not the usual ones.
    pub config: Option<PathBuf>,
    /// These jails, whatever `enabled` says; those that are to run if empty.
    pub jails: Vec<JailName>,
    /// All jails, whatever `enabled` says.
    pub all: bool,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// The configuration, for people.
    pub tree: String,
    /// There is a configuration at all.
    pub is_there: bool,
    /// It is that of an installed fail2ban.
    pub is_fail2bans: bool,
    /// Findings about the files, and what costs a jail.
    pub diagnostics: Vec<Diagnostic>,
    /// The jails, in the order of the files.
    pub jails: Vec<CheckedJail>,
    /// What is asked for and not done, one sentence each.
    pub notes: Vec<String>,
    /// Jails that the files name and that were not looked at.
    pub left_out: usize,
}

/// How a jail would stand if it were started now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would run.
    Ok,
    /// It would wait for its source.
    Waiting,
    /// It would not guard.
    Error,
}

/// One jail.
#[derive(Clone, Debug)]
pub struct CheckedJail {
    /// Its name.
    pub name: JailName,
    /// What `enabled` says; `None` where that is not known.
    pub enabled: Option<Enabled>,
    /// How it would stand.
    pub verdict: Verdict,
    /// Why it would not run.
    pub reason: Option<String>,
    /// Its filter; empty if it has none.
    pub filter: String,
    /// What it would read.
    pub sources: Vec<CheckedSource>,
    /// Why these.
    pub why: String,
    /// What a ban does.
    pub actions: Vec<CheckedAction>,
    /// Its expressions.
    pub regexes: Vec<CheckedRegex>,
    /// Its own date patterns with a back-reference, which no automaton decides.
    pub special_dates: Vec<String>,
    /// Alternatives of its `journalmatch` that every local user can satisfy, where nothing says whose entries count.
    pub forgeable: Vec<String>,
    /// Whom it ignores beside the addresses of the machine, one entry of the configuration each.
    pub ignored: Vec<String>,
    /// What else an admin should know, one sentence each.
    pub notes: Vec<String>,
}

impl CheckReport {
    /// True if something is wrong that keeps a jail, or a part of the configuration, from guarding.
    pub fn has_errors(&self) -> bool {
        let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
        self.diagnostics.iter().any(is_error)
            || self.jails.iter().any(|jail| jail.verdict == Verdict::Error)
    }
}

/// Looks at a configuration. Never fails whole.
pub fn check(check: &Check) -> CheckReport {
    let files = crate::DiskFiles;
    let tree = Tree::find(&files, check.config.as_deref(), Manner::Stockade);
    let choice = match (check.jails.as_slice(), check.all) {
        ([], false) => Choice::Enabled,
        ([], true) => Choice::All,
        (names, _) => Choice::Named(names),
    };
    let (config, mut diagnostics) = conf::load(&files, &tree, choice);
    let names = conf::jail_names(&files, &tree);
    diagnostics.extend(conf::unknown_names(&files, &tree, &config));
    let around = Surroundings::of_this_machine(crate::clock::now());
    let plan = plan::compile(config.clone(), &around, &mut diagnostics);
    let mut jails: Vec<CheckedJail> = plan
        .broken
        .iter()
        .map(|(name, diagnostic)| broken(name, diagnostic, &config, around.start_year))
        .collect();
    diagnostics.extend(plan.broken.into_iter().map(|(_, diagnostic)| diagnostic));
    let spec = |jail: &Jail| config.jails.iter().find(|spec| spec.name == jail.name);
    let sound = plan
        .jails
        .iter()
        .filter_map(|jail| Some((jail, spec(jail)?)));
    jails.extend(sound.map(|(jail, spec)| sound_jail(jail, spec, &config)));
    let is_there = names.is_some();
    let names = names.unwrap_or_default();
    jails.sort_by_key(|jail| names.iter().position(|name| *name == jail.name));
    CheckReport {
        tree: tree.describe(),
        notes: notes(&config.globals),
        is_there,
        is_fail2bans: tree.is_fail2bans(),
        left_out: names.len().saturating_sub(jails.len()),
        diagnostics,
        jails,
    }
}

/// Options of the whole that `stockade run` does not look at.
fn notes(globals: &conf::Globals) -> Vec<String> {
    let asked = [
        ("logtarget", &globals.logtarget, "--log"),
        ("dbfile", &globals.dbfile, "--db"),
        ("socket", &globals.socket, "--socket"),
    ];
    let asked = asked.iter().filter(|(_, value, _)| value.is_some());
    let (names, instead): (Vec<&str>, Vec<&str>) =
        asked.map(|(name, _, option)| (*name, *option)).unzip();
    let note = format!(
        "stockade run does not use {} of fail2ban.conf; its own options are {}",
        names.join(", "),
        instead.join(", ")
    );
    (!names.is_empty()).then_some(note).into_iter().collect()
}

/// A jail that would be left out.
fn broken(
    name: &JailName,
    diagnostic: &Diagnostic,
    config: &Config,
    start_year: i32,
) -> CheckedJail {
    let spec = config.jails.iter().find(|spec| spec.name == *name);
    let place = diagnostic.origin.as_ref();
    let place = place.map(|at| format!(" ({}:{})", at.file, at.line));
    let message = diagnostic
        .message
        .trim_end_matches("; the jail is left out");
    CheckedJail {
        name: name.clone(),
        enabled: spec.map(|spec| spec.enabled),
        verdict: Verdict::Error,
        reason: Some(format!("{message}{}", place.unwrap_or_default())),
        filter: spec.map_or_else(String::new, |spec| spec.filter.name.clone()),
        sources: Vec::new(),
        why: String::new(),
        actions: spec.map_or_else(Vec::new, |spec| action::of(spec, &config.globals)),
        // Its rules may be sound all the same.
        regexes: spec
            .and_then(|spec| Some((plan::compile_rule(spec, start_year).ok()?, spec)))
            .map_or_else(Vec::new, |(rule, spec)| rules::of(&rule, &spec.filter)),
        special_dates: Vec::new(),
        forgeable: Vec::new(),
        ignored: Vec::new(),
        notes: Vec::new(),
    }
}

fn sound_jail(jail: &Jail, spec: &JailSpec, config: &Config) -> CheckedJail {
    let looked = source::of(jail);
    let (verdict, reason) = match looked.fault {
        Some((verdict, reason)) => (verdict, Some(reason)),
        None => (Verdict::Ok, None),
    };
    // What becomes of each action is told with it.
    let mut notes = jail.notes.clone();
    notes.extend(ignore::offline(&jail.ignore).1);
    notes.extend(looked.notes);
    if jail.policy.enforceable == Enforceable::Nobody && !spec.actions.is_empty() {
        notes.push("none of its actions bans anybody: it only detects".into());
    }
    CheckedJail {
        name: jail.name.clone(),
        enabled: Some(spec.enabled),
        verdict,
        reason,
        filter: spec.filter.name.clone(),
        sources: looked.sources,
        why: looked.why,
        actions: action::of(spec, &config.globals),
        regexes: rules::of(&jail.rule, &spec.filter),
        special_dates: jail.rule.backtracking_dates(),
        forgeable: looked.forgeable,
        ignored: ignore::described(&jail.ignore),
        notes,
    }
}

#[cfg(test)]
mod tests;
