//! Why a line, or an address, leads to a ban or to none: the whole chain in each jail, and the first cause that ends it.
//!
//! Offline from the configuration and the logs, by the code that guards: the same reading and compiling as
//! [`run`](crate::run()), the same detector. Nothing is written, no name is resolved, no command is run. What a running
//! daemon knows besides (`hub/explain`) has the same form and takes the place of what was only supposed here.

mod ban;
mod chain;
mod count;
mod date;
mod expressions;
mod logs;
mod whom;

pub(crate) use ban::protected;
pub use chain::join;
pub(crate) use chain::{conclude, step};
pub(crate) use count::{after, enough};
pub(crate) use date::ago;
pub(crate) use whom::ignored;

use crate::check::source;
use crate::plan::{self, Backend, Jail, Surroundings};
use base::{Diagnostic, FailureId, JailName, Prefix, Severity, Timestamp};
use conf::{Choice, Config, Enabled, Globals, JailSpec, Manner, Tree};
use expressions::Seen;
use jiff::tz::TimeZone;
use logs::{Log, Logs};
use std::path::PathBuf;
use wire::explain::{Chain, ExplainAnswer, Outcome, Stage, Step};

/// Lines before the one in question that are read with it, for sessions and expressions over several lines.
const CONTEXT: usize = 100;

/// What to explain.
#[derive(Clone, Debug)]
pub struct Explain {
    /// About whom or what.
    pub about: About,
    /// The configuration directory, if not the usual ones.
    pub config: Option<PathBuf>,
    /// These jails, whatever `enabled` says; those that are to run if empty.
    pub jails: Vec<JailName>,
    /// The present, if not now.
    pub now: Option<Timestamp>,
    /// The answer may hold lines of logs that the asker did not give.
    pub lines: bool,
}

/// What is asked about.
#[derive(Clone, Debug)]
pub enum About {
    /// The last one of these lines; those before it came before it in the log.
    Lines(Vec<String>),
    /// The last line of each jail's logs that is about this address.
    Address(Prefix),
}

/// What the explanation found wrong in the configuration on the way, and the answer.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The configuration, for people.
    pub tree: String,
    /// The answer.
    pub answer: ExplainAnswer,
    /// What is wrong with files that no jail's chain tells.
    pub diagnostics: Vec<Diagnostic>,
}

/// Explains from the configuration and the logs alone.
pub fn explain(ask: &Explain) -> Explained {
    let files = crate::DiskFiles;
    let tree = Tree::find(&files, ask.config.as_deref(), Manner::Stockade);
    let choice = match ask.jails.as_slice() {
        [] => Choice::Enabled,
        names => Choice::Named(names),
    };
    let now = ask.now.unwrap_or_else(crate::clock::now);
    let (config, mut diagnostics) = conf::load(&files, &tree, choice);
    let around = Surroundings::of_this_machine(now);
    let compiled = plan::compile(config.clone(), &around, &mut diagnostics);
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    let mut answer = ExplainAnswer {
        v: wire::VERSION,
        now: now.as_secs(),
        ..ExplainAnswer::default()
    };
    match &ask.about {
        About::Lines(lines) => answer.line = lines.last().cloned(),
        About::Address(prefix) => answer.ip = Some(prefix.to_string()),
    }
    let zone = crate::clock::zone();
    let mut logs = Logs::default();
    let mut chains: Vec<Chain> = compiled
        .broken
        .iter()
        .map(|(name, diagnostic)| broken(name, diagnostic))
        .collect();
    for jail in &compiled.jails {
        let spec = config.jails.iter().find(|spec| spec.name == jail.name);
        chains.extend(spec.map(|spec| {
            let way = Way {
                jail,
                spec,
                globals: &config.globals,
                now,
                zone: &zone,
                lines: ask.lines,
            };
            way.chain(&ask.about, &mut logs)
        }));
    }
    let place = |chain: &Chain| place_of(&config, &ask.jails, &chain.jail);
    chains.sort_by_key(place);
    answer.jails = chains;
    Explained {
        tree: tree.describe(),
        answer,
        diagnostics,
    }
}

/// In the order that was asked for, else in that of the files.
fn place_of(config: &Config, asked: &[JailName], name: &str) -> usize {
    let named = asked.iter().position(|jail| jail.as_str() == name);
    let mut jails = config.jails.iter();
    let place = named.or_else(|| jails.position(|spec| spec.name.as_str() == name));
    place.unwrap_or(usize::MAX)
}

/// A jail that cannot run.
fn broken(name: &JailName, diagnostic: &Diagnostic) -> Chain {
    let message = diagnostic
        .message
        .trim_end_matches("; the jail is left out");
    let mut stop = step(
        Stage::Jail,
        Outcome::Stop,
        match &diagnostic.origin {
            Some(origin) => format!("it cannot run: {message} ({}:{})", origin.file, origin.line),
            None => format!("it cannot run: {message}"),
        },
    );
    stop.help = diagnostic.help.as_deref().map(str::to_owned);
    stop.facts.file = diagnostic
        .origin
        .as_ref()
        .map(|origin| origin.file.to_string());
    stop.facts.file_line = diagnostic.origin.as_ref().map(|origin| origin.line);
    let mut chain = Chain {
        jail: name.to_string(),
        steps: vec![stop],
        ..Chain::default()
    };
    conclude(&mut chain);
    chain
}

/// No line is about this address: that ends it where logs were searched.
fn not_found(first: &mut Step, is_searched: bool, prefix: &Prefix) {
    if first.outcome == Outcome::Stop {
        return;
    }
    let (outcome, what, help) = match is_searched {
        true => (
            Outcome::Stop,
            format!("none of it is about {prefix}"),
            "if the service does log this address, it logs elsewhere: look where, and set logpath",
        ),
        false => (
            Outcome::Doubt,
            "it is not searched here".to_owned(),
            "look for a line about it, e.g. with journalctl, and explain that with --line",
        ),
    };
    first.outcome = outcome;
    first.text = format!("{}; {what}", first.text);
    first.help = Some(help.into());
}

/// One jail, and what it takes to go through its steps.
#[derive(Clone, Copy)]
struct Way<'a> {
    jail: &'a Jail,
    spec: &'a JailSpec,
    globals: &'a Globals,
    now: Timestamp,
    zone: &'a TimeZone,
    lines: bool,
}

impl Way<'_> {
    fn chain(&self, about: &About, logs: &mut Logs) -> Chain {
        let mut chain = Chain {
            jail: self.jail.name.to_string(),
            steps: vec![self.enabled()],
            ..Chain::default()
        };
        let looked = source::of(self.jail);
        let files = looked.sources.iter().filter(|source| source.kind == "file");
        let readable = files.filter(|source| source.state == "readable");
        let paths: Vec<PathBuf> = readable.map(|source| (&source.place).into()).collect();
        let read: Vec<&Log> = logs.of(&paths, self.jail.encoding);
        match about {
            About::Lines(lines) => {
                let (line, before) = lines
                    .split_last()
                    .map_or(("", &[][..]), |(line, before)| (line.as_str(), before));
                let before: Vec<&str> = before.iter().map(String::as_str).collect();
                let holder = read.iter().find(|log| log.holds(line));
                chain
                    .steps
                    .extend(self.source(&looked, &read, holder.copied()));
                self.follow(&before, line, &read, true, &mut chain);
            }
            About::Address(prefix) => {
                let id = FailureId::Prefix(*prefix);
                let found = count::last_about(self, &id, &read);
                let mut sources = self.source(&looked, &read, found.map(|(log, _)| log));
                let Some((log, at)) = found else {
                    if let Some(first) = sources.first_mut() {
                        not_found(first, !read.is_empty(), prefix);
                    }
                    chain.steps.extend(sources);
                    conclude(&mut chain);
                    return chain;
                };
                chain.steps.extend(sources);
                let before = &log.lines[at.saturating_sub(CONTEXT)..at];
                let before: Vec<&str> = before.iter().map(String::as_str).collect();
                self.follow(&before, &log.lines[at], &read, self.lines, &mut chain);
            }
        }
        chain.steps.sort_by_key(|step| step.step);
        conclude(&mut chain);
        chain
    }

    fn enabled(&self) -> Step {
        let name = &self.jail.name;
        match self.spec.enabled {
            Enabled::No => {
                let mut stop = step(Stage::Jail, Outcome::Stop, "the jail is not enabled");
                stop.help = Some(format!("write enabled = true under [{name}] in jail.local"));
                stop
            }
            Enabled::Yes | Enabled::Auto => {
                let filter = match self.spec.filter.name.as_str() {
                    "" => "no filter of a file".to_owned(),
                    name => format!("filter {name}"),
                };
                step(Stage::Jail, Outcome::Ok, format!("enabled, {filter}"))
            }
        }
    }

    /// Whether something would bring the line: the first step tells all, further ones what is besides.
    fn source(&self, looked: &source::Looked, read: &[&Log], holder: Option<&Log>) -> Vec<Step> {
        if self.jail.backend == Backend::Bans {
            return vec![step(
                Stage::Source,
                Outcome::Stop,
                "it reads no log: it hears of the bans of the other jails",
            )];
        }
        if let Some((_, why)) = &looked.fault
            && why.contains("permission denied")
        {
            let text = format!("it cannot be told what is read: {why}");
            return vec![step(Stage::Source, Outcome::Unknown, text)];
        }
        if let Some((_, why)) = &looked.fault {
            let mut stop = step(
                Stage::Source,
                Outcome::Stop,
                format!("nothing is read: {why}"),
            );
            stop.help = Some(
                "set logpath to where the service logs, or journalmatch to what it writes to the journal".into(),
            );
            return vec![stop];
        }
        let places = looked.sources.iter().map(|source| {
            let kind = if source.kind == "journal" {
                "the journal: "
            } else {
                ""
            };
            format!("{kind}{}", source.place)
        });
        let places: Vec<String> = places.collect();
        let (shown, more) = places.split_at(places.len().min(3));
        let more = match more.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let mut first = step(
            Stage::Source,
            Outcome::Ok,
            format!("it reads {}{more} ({})", shown.join(", "), looked.why),
        );
        match holder {
            Some(log) => {
                first.text = format!("the line stands in {}, which it reads", log.path.display());
                first.facts.file = Some(log.path.display().to_string());
            }
            // What a person types need not stand anywhere.
            None if !read.is_empty() => {
                first.outcome = Outcome::Unknown;
                first.text = format!(
                    "{}; this very line does not stand in the last MiB of {}",
                    first.text,
                    if read.len() == 1 { "it" } else { "them" }
                );
            }
            None => {}
        }
        vec![first]
    }

    /// The steps from the date of a line on.
    fn follow(
        &self,
        before: &[&str],
        line: &str,
        read: &[&Log],
        is_shown: bool,
        chain: &mut Chain,
    ) {
        if self.jail.backend == Backend::Bans {
            return;
        }
        let mut seen = Seen::of(self, before, line);
        chain.steps.push(date::step_of(self, &seen, line));
        chain.steps.extend(seen.steps(self, line, is_shown));
        let Some(said) = seen.said() else {
            return;
        };
        let whom = whom::step_of(self, said, line);
        let goes_on = whom.outcome != Outcome::Stop;
        chain.steps.push(whom);
        let Some(id) = said.id.as_ref().filter(|_| goes_on) else {
            return;
        };
        if said.hostname.is_some() {
            return;
        }
        let id = self.jail.policy.subject(id).into_owned();
        chain.id = Some(id.to_string());
        chain.steps.push(whom::ignore_of(self, said, &id));
        chain
            .steps
            .push(count::step_of(self, &id, line, seen.time(), read));
        chain.steps.push(ban::step_of(self, &id));
        chain.steps.push(step(
            Stage::Kernel,
            Outcome::Unknown,
            "not asked: no daemon has answered",
        ));
    }
}
