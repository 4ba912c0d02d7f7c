//! How everything stands: what the parts last said of themselves, and the health that follows from it.
//!
//! Health is derived when somebody asks; nothing is decided by it.

use crate::enforce::Report;
use crate::log::Level;
use crate::plan::{Backend, Jail};
use crate::source::{SourceState, Standing};
use base::{Diagnostic, FailureId, JailName, Timestamp};
use engine::JailId;
use std::collections::BTreeMap;

/// Bans that keep nobody out of which the cause is remembered.
const MOST_DOUBTS: usize = 100;

/// The board.
pub(crate) struct Board {
    pub(crate) started: Timestamp,
    pub(crate) config: String,
    pub(crate) broken: Vec<(JailName, Diagnostic)>,
    pub(crate) enforcement: wire::Enforcement,
    pub(crate) store: wire::Store,
    sources: BTreeMap<(JailId, String), Source>,
    enforcement_trouble: Option<String>,
    /// Jails that see nothing, and how that is known.
    blind: BTreeMap<JailId, String>,
    /// Bans that stand and keep nobody out, with the likely cause.
    doubts: BTreeMap<(JailId, FailureId), String>,
    last_failures: BTreeMap<JailId, Timestamp>,
    found: BTreeMap<JailId, u64>,
}

struct Source {
    kind: &'static str,
    standing: Standing,
}

impl Board {
    pub(crate) fn new(
        started: Timestamp,
        config: String,
        broken: Vec<(JailName, Diagnostic)>,
        store: wire::Store,
    ) -> Self {
        let enforcement = wire::Enforcement {
            backend: "none".into(),
            table: String::new(),
            owner: false,
            in_sync: false,
            elements: 0,
        };
        Self {
            started,
            config,
            broken,
            enforcement,
            store,
            sources: BTreeMap::new(),
            enforcement_trouble: None,
            doubts: BTreeMap::new(),
            blind: BTreeMap::new(),
            last_failures: BTreeMap::new(),
            found: BTreeMap::new(),
        }
    }

    /// A jail sees nothing of what it should; false if that is known.
    pub(crate) fn is_blind(&mut self, jail: JailId, text: String) -> bool {
        self.blind.insert(jail, text).is_none()
    }

    /// A jail sees something.
    pub(crate) fn sees(&mut self, jail: JailId) {
        self.blind.remove(&jail);
    }

    /// How far a jail has read, all its sources together.
    pub(crate) fn position_of(&self, jail: JailId) -> u64 {
        let sources = self.sources.range((jail, String::new())..);
        let sources = sources.take_while(|((id, _), _)| *id == jail);
        sources
            .map(|(_, source)| source.standing.position)
            .fold(0, u64::saturating_add)
    }

    /// A ban does not keep its owner out.
    pub(crate) fn doubted(&mut self, jail: JailId, id: FailureId, cause: String) {
        if self.doubts.len() < MOST_DOUBTS {
            self.doubts.insert((jail, id), cause);
        }
    }

    /// Why a ban does not keep its owner out.
    pub(crate) fn doubt_of(&self, jail: JailId, id: &FailureId) -> Option<&str> {
        self.doubts.get(&(jail, id.clone())).map(String::as_str)
    }

    /// A jail has found a failure of this time.
    pub(crate) fn failed(&mut self, jail: JailId, time: Timestamp) {
        self.last_failures.insert(jail, time);
        *self.found.entry(jail).or_default() += 1;
    }

    /// How many failures a jail's rules have found since the start, ignored ones among them.
    pub(crate) fn found_by(&self, jail: JailId) -> u64 {
        self.found.get(&jail).copied().unwrap_or_default()
    }

    /// Whether anything of a jail is known that it reads.
    pub(crate) fn reads(&self, jail: JailId) -> bool {
        self.sources_of(jail).next().is_some()
    }

    /// When the last failure was that a jail found since the start, by the time of the log.
    pub(crate) fn last_failure(&self, jail: JailId) -> Option<Timestamp> {
        self.last_failures.get(&jail).copied()
    }

    /// The sources of a jail, by their paths.
    pub(crate) fn sources_of(
        &self,
        jail: JailId,
    ) -> impl Iterator<Item = (&str, &'static str, &Standing)> {
        let from = (jail, String::new());
        let sources = self.sources.range(from..);
        sources
            .take_while(move |((id, _), _)| *id == jail)
            .map(|((_, path), source)| (path.as_str(), source.kind, &source.standing))
    }

    /// The ban is over.
    pub(crate) fn ban_ended(&mut self, jail: JailId, id: &FailureId) {
        self.doubts.remove(&(jail, id.clone()));
    }

    /// What is to be said of the bans of a jail that keep nobody out.
    fn doubts_of(&self, jail: &Jail, ineffective: usize) -> Option<String> {
        let from = (jail.id, FailureId::FIRST);
        let mut all = self.doubts.range(from..);
        let ((_, who), cause) = all.next().filter(|((id, _), _)| *id == jail.id)?;
        let more = match ineffective.saturating_sub(1) {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(format!(
            "jail {}: the ban of {who} keeps nobody out{more}: {cause}",
            jail.name
        ))
    }

    pub(crate) fn is_broken(&self, jail: &str) -> bool {
        self.broken.iter().any(|(name, _)| name.as_str() == jail)
    }

    /// Takes how a source stands now; gives what is worth a line in the log.
    pub(crate) fn source_says(
        &mut self,
        jail: JailId,
        path: String,
        kind: &'static str,
        standing: Standing,
    ) -> Vec<SourceNews> {
        let key = (jail, path);
        if standing.state == SourceState::Gone {
            let gone = self.sources.remove(&key).filter(|gone| gone.kind == "file");
            let line = format!("Removed logfile: '{}'", key.1);
            return gone.map(|_| SourceNews::Log(line)).into_iter().collect();
        }
        let before = self.sources.get(&key).map(|source| &source.standing);
        let emptied = before.map_or(0, |before| before.truncations) < standing.truncations;
        let text = format!(
            "'{}' was emptied; what was written to it just before, and is in no copy beside it, was not read",
            key.1
        );
        let emptied = emptied.then_some(SourceNews::Jail(Level::Notice, text));
        let changed = change(&key.1, kind, before.map(|before| &before.state), &standing);
        self.sources.insert(key, Source { kind, standing });
        emptied.into_iter().chain(changed).collect()
    }

    /// Every source by its jail and path.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (JailId, &str)> {
        let keys = self.sources.keys();
        keys.map(|(jail, path)| (*jail, path.as_str()))
    }

    /// Forgets the sources of a jail.
    pub(crate) fn jail_left(&mut self, jail: JailId) {
        self.sources.retain(|(id, _), _| *id != jail);
        self.blind.remove(&jail);
    }

    /// Forgets the sources of one kind of a jail.
    pub(crate) fn source_left(&mut self, jail: JailId, kind: &str) {
        self.sources
            .retain(|(id, _), source| *id != jail || source.kind != kind);
    }

    /// Takes what the enforcer says of itself; gives the lines that it is worth.
    pub(crate) fn enforcer_says(&mut self, report: Report) -> Vec<(Level, String)> {
        match report {
            Report::Status(status) => {
                self.enforcement = wire::Enforcement {
                    backend: status.backend.to_owned(),
                    table: format!("inet {}", status.table),
                    owner: status.owner,
                    in_sync: status.in_sync,
                    elements: status.elements as u64,
                };
                Vec::new()
            }
            Report::Failing { error, waiting } => {
                self.enforcement.in_sync = false;
                let text = format!(
                    "bans do not reach the kernel: {error}; {waiting} wait and are tried again"
                );
                self.enforcement_trouble = Some(error);
                vec![(Level::Critical, text)]
            }
            Report::Recovered => {
                self.enforcement_trouble = None;
                self.enforcement.in_sync = true;
                vec![(Level::Notice, "bans reach the kernel again".into())]
            }
            Report::Healed { what, missing } => {
                self.enforcement.in_sync = true;
                vec![(
                    Level::Warning,
                    format!("somebody took away {what}; it is back, with {missing} bans"),
                )]
            }
            Report::Destroyed { sockets } => {
                vec![(
                    Level::Info,
                    format!("cut {sockets} open connections of the banned"),
                )]
            }
            Report::CannotDestroy(why) => {
                vec![(
                    Level::Warning,
                    format!("open connections of the banned cannot be cut: {why}"),
                )]
            }
            Report::Would { ban, what } => {
                let until = what.until.map_or("for ever".into(), |until| {
                    format!("until {}", until.as_secs())
                });
                let text = match ban {
                    true => format!("[{}] dry run: would ban {} {until}", what.jail, what.prefix),
                    false => format!("[{}] dry run: would unban {}", what.jail, what.prefix),
                };
                vec![(Level::Notice, text)]
            }
            Report::Applied { .. }
            | Report::Inspected(_)
            | Report::Adopted(_)
            | Report::Restored { .. }
            | Report::ForeignChange
            | Report::Stopped { .. } => Vec::new(),
        }
    }

    /// The enforcer's thread is no more: nothing is enforced from now on but what stands.
    pub(crate) fn enforcer_is_gone(&mut self) -> Option<(Level, String)> {
        let why = "the enforcer has died; restart the daemon (bans that stand go on)";
        let is_new = self.enforcement_trouble.as_deref() != Some(why);
        self.enforcement_trouble = Some(why.into());
        self.enforcement.in_sync = false;
        is_new.then(|| {
            (
                Level::Critical,
                format!("bans do not reach the kernel: {why}"),
            )
        })
    }

    /// Takes the store's last failure or success; gives what is worth a line.
    pub(crate) fn store_says(&mut self, failure: Option<String>) -> Option<(Level, String)> {
        let was_ok = self.store.state == "ok";
        match failure {
            Some(error) => {
                let text = format!(
                    "the store {} cannot be written: {error}; guarding goes on and the rows wait in memory",
                    self.store.path
                );
                self.store.state = format!("cannot be written: {error}");
                was_ok.then_some((Level::Error, text))
            }
            None if self.store.path == "memory" => None,
            None => {
                self.store.state = "ok".into();
                (!was_ok).then(|| {
                    (
                        Level::Notice,
                        format!("the store {} is written again", self.store.path),
                    )
                })
            }
        }
    }

    /// The status of everything, as clients get it.
    pub(crate) fn status(&self, jails: &[Jail], counts: &[engine::JailStatus]) -> wire::Status {
        let mut problems = Vec::new();
        if let Some(error) = &self.enforcement_trouble {
            problems.push(format!("bans do not reach the kernel: {error}"));
        } else if !self.enforcement.in_sync {
            problems.push("the kernel's sets are being put right".into());
        }
        if self.store.state != "ok" {
            problems.push(format!("store {}: {}", self.store.path, self.store.state));
        }
        let mut all: Vec<wire::JailStatus> = Vec::new();
        for (jail, counts) in jails.iter().zip(counts) {
            if jail.is_removed {
                continue;
            }
            let status = self.jail_status(jail, counts);
            let counts_as_problem =
                status.state == "error" || (status.state == "waiting" && !jail.auto);
            if counts_as_problem {
                let reason = status.reason.clone().unwrap_or_default();
                problems.push(format!("jail {}: {}: {reason}", status.name, status.state));
            } else {
                // One file of several that cannot be read leaves a gap, also where the jail runs on the others.
                let unread = status
                    .sources
                    .iter()
                    .filter(|source| source.state.starts_with("error"));
                problems.extend(unread.map(|source| {
                    format!("jail {}: {}: {}", status.name, source.path, source.state)
                }));
            }
            problems.extend(self.doubts_of(jail, counts.ineffective));
            let blind = self.blind.get(&jail.id);
            problems.extend(blind.map(|text| format!("jail {}: {text}", status.name)));
            all.push(status);
        }
        for (name, diagnostic) in &self.broken {
            problems.push(format!("jail {name}: error: {}", one_line(diagnostic)));
            // After a reload it runs on in its former form.
            if all.iter().any(|jail| jail.name == name.as_str()) {
                continue;
            }
            all.push(wire::JailStatus {
                name: name.to_string(),
                state: "error".into(),
                reason: Some(one_line(diagnostic)),
                sources: Vec::new(),
                failing: 0,
                failed_total: 0,
                evicted: 0,
                lost_lines: 0,
                ineffective: 0,
                banned: 0,
                banned_total: 0,
                failed_ever: 0,
                banned_ever: 0,
                actions: Vec::new(),
                bans: Vec::new(),
            });
        }
        if !all.iter().any(|jail| jail.state == "running") {
            problems.push("no jail is running: nothing is guarded yet".into());
        }
        wire::Status {
            health: problems.first().cloned().unwrap_or_else(|| "ok".into()),
            problems,
            pid: std::process::id(),
            started: self.started.as_secs(),
            config: self.config.clone(),
            jails: all,
            // Networks inside networks stand for several bans: this is what is wanted, not what `nft` counts.
            enforcement: wire::Enforcement {
                elements: jails
                    .iter()
                    .zip(counts)
                    .filter(|(jail, _)| jail.enforce.is_some())
                    .map(|(_, counts)| counts.banned as u64)
                    .sum(),
                ..self.enforcement.clone()
            },
            store: self.store.clone(),
        }
    }

    fn jail_status(&self, jail: &Jail, counts: &engine::JailStatus) -> wire::JailStatus {
        let sources: Vec<(&String, &Source)> = self
            .sources
            .range((jail.id, String::new())..)
            .take_while(|((id, _), _)| *id == jail.id)
            .map(|((_, path), source)| (path, source))
            .collect();
        let (state, reason) = state_of(jail, &sources);
        let bans = wire::Source {
            kind: "bans".into(),
            path: "bans of the other jails".into(),
            state: SourceState::Following.to_string(),
            position: 0,
            errors: 0,
            truncations: 0,
        };
        // What the service as shipped does not log is said until a failure shows that it does.
        let needs = jail
            .needs
            .clone()
            .filter(|_| state == "running" && counts.failed_total == 0);
        let notes = jail.notes.iter().chain(&jail.action_notes).cloned();
        let reason = reason
            .into_iter()
            .chain(needs)
            .chain(notes)
            .reduce(|all, one| format!("{all}; {one}"));
        wire::JailStatus {
            name: jail.name.to_string(),
            state: state.into(),
            reason,
            sources: (jail.backend == Backend::Bans)
                .then_some(bans)
                .into_iter()
                .chain(sources.into_iter().map(|(path, source)| wire::Source {
                    kind: source.kind.into(),
                    path: path.clone(),
                    state: source.standing.state.to_string(),
                    position: source.standing.position,
                    errors: source.standing.errors,
                    truncations: source.standing.truncations,
                }))
                .collect(),
            failing: counts.failing as u64,
            failed_total: counts.failed_total,
            evicted: counts.evicted,
            lost_lines: counts.lost_lines,
            ineffective: counts.ineffective as u64,
            banned: counts.banned as u64,
            banned_total: counts.banned_total,
            // Whoever knows of earlier runs puts them in.
            failed_ever: 0,
            banned_ever: 0,
            actions: Vec::new(),
            bans: Vec::new(),
        }
    }
}

/// A line about a source.
pub(crate) enum SourceNews {
    /// fail2ban's, which tells of a log and names no jail.
    Log(String),
    /// Ours, about a source of one jail.
    Jail(Level, String),
}

/// What a new state of a source is worth in the log.
fn change(
    path: &str,
    kind: &str,
    before: Option<&SourceState>,
    now: &Standing,
) -> Option<SourceNews> {
    let added = || {
        let (position, hash) = (now.position, &now.first_line_hash);
        SourceNews::Log(format!(
            "Added logfile: '{path}' (pos = {position}, hash = {hash})"
        ))
    };
    match (before, &now.state) {
        (Some(before), now) if before == now => None,
        (_, SourceState::Following)
            if kind == "file" && before != Some(&SourceState::CatchingUp) =>
        {
            Some(added())
        }
        (_, SourceState::CatchingUp) if kind == "file" => Some(added()),
        (_, SourceState::Error(why)) => Some(SourceNews::Jail(
            Level::Error,
            format!("'{path}' cannot be read: {why}; it is tried again"),
        )),
        (Some(SourceState::Following), SourceState::Waiting) => Some(SourceNews::Jail(
            Level::Warning,
            format!("'{path}' is gone; waiting for it"),
        )),
        _ => None,
    }
}

/// A jail runs as soon as one of its sources does.
fn state_of(jail: &Jail, sources: &[(&String, &Source)]) -> (&'static str, Option<String>) {
    if jail.backend == Backend::Bans {
        return ("running", None);
    }
    let runs = |source: &Source| {
        matches!(
            source.standing.state,
            SourceState::Following | SourceState::CatchingUp
        )
    };
    if sources.iter().any(|(_, source)| runs(source)) {
        return ("running", None);
    }
    let error = sources
        .iter()
        .find_map(|(path, source)| match &source.standing.state {
            SourceState::Error(why) => Some(format!("{path}: {why}")),
            _ => None,
        });
    if error.is_some() {
        return ("error", error);
    }
    let awaited: Vec<&str> = match sources {
        [] => jail.logs.iter().map(|log| log.pattern.as_str()).collect(),
        sources => sources.iter().map(|(path, _)| path.as_str()).collect(),
    };
    let reason = match awaited.as_slice() {
        [] => "it has neither a log file nor a journal match".into(),
        awaited => format!("waiting for {}", awaited.join(" or ")),
    };
    ("waiting", Some(reason))
}

fn one_line(diagnostic: &Diagnostic) -> String {
    match &diagnostic.origin {
        Some(origin) => format!("{} ({}:{})", diagnostic.message, origin.file, origin.line),
        None => diagnostic.message.clone(),
    }
}
