//! The actions of a jail led through a life step by step, for the comparison with fail2ban: the same definitions, the
//! same worker, the same hands as in the daemon, without its threads and its time.

use super::hands::Tools;
use super::queue::Job;
use super::ticket::Ticket;
use super::values::{Counters, NoHistory};
use super::worker::Worker;
use crate::log::{Level, Log, Setup, Target};
use crate::plan::{Surroundings, compile};
use base::{FailureId, NamedTexts, Span, Timestamp};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `start`, `ban`, `again`, `prolong`, `unban` or `stop`, maybe with more words.
    pub what: String,
    /// Whom it is about; nobody at the start and the stop.
    pub ban: Option<Rehearsed>,
}

/// The ban of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsed {
    /// Who.
    pub id: FailureId,
    /// The last failure.
    pub time: Timestamp,
    /// How long; `None` for ever.
    pub length: Option<Span>,
    /// Failures.
    pub failures: u32,
    /// The lines.
    pub matches: Vec<String>,
    /// What was captured.
    pub captures: Vec<(String, String)>,
}

/// Leads all shell actions of the only jail of a configuration through these steps. The name of each step is added to
/// the file `record` before it is done.
///
/// # Errors
/// The configuration has no such jail, or the record cannot be written. What the actions themselves fail at is the
/// answer.
pub fn rehearse(config: &Path, record: &Path, steps: &[Step]) -> Result<Vec<String>, String> {
    let files = crate::DiskFiles;
    let tree = conf::Tree::find(&files, Some(config), conf::Manner::Stockade);
    let (config, _) = conf::load(&files, &tree, conf::Choice::Enabled);
    let around = Surroundings::of_this_machine(crate::clock::now());
    let plan = compile(config, &around, &mut Vec::new());
    let jail = plan
        .jails
        .first()
        .ok_or_else(|| match plan.broken.first() {
            Some((_, why)) => why.message.clone(),
            None => "it has no jail".to_owned(),
        })?;
    let told = |error: std::io::Error| error.to_string();
    let log = Log::open(Setup::new(Target::stderr(), Level::Critical, TimeZone::UTC))?;
    let tools = Tools::new(Arc::new(log), Box::new(NoHistory), false);
    let mut workers: Vec<Worker> = jail.actions.iter().map(|action| action.worker()).collect();
    let mut live: BTreeMap<FailureId, Arc<Ticket>> = BTreeMap::new();
    let mut errors = jail.action_notes.clone();
    let mut all = |workers: &mut [Worker], job: &Job| {
        for worker in workers {
            errors.extend(worker.perform(job, &tools));
        }
    };
    for step in steps {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(record)
            .map_err(told)?;
        writeln!(file, "== {}", step.what).map_err(told)?;
        let word = step.what.split(' ').next().unwrap_or_default();
        let ticket = step.ban.as_ref().map(ticket);
        match (word, ticket) {
            ("start", _) => all(&mut workers, &Job::Start),
            ("ban", Some(ticket)) => {
                live.insert(ticket.id.clone(), Arc::clone(&ticket));
                all(&mut workers, &Job::Ban(ticket, Counters::default()));
            }
            ("again", Some(ticket)) => all(&mut workers, &Job::Again(ticket)),
            ("prolong", Some(ticket)) => all(&mut workers, &Job::Prolong(ticket)),
            ("unban", Some(ticket)) => {
                let ended = live.remove(&ticket.id).unwrap_or(ticket);
                all(&mut workers, &Job::Unban(ended));
            }
            ("stop", _) => {
                let live: Vec<Arc<Ticket>> = std::mem::take(&mut live).into_values().collect();
                all(&mut workers, &Job::Flush(live));
                workers.reverse();
                all(&mut workers, &Job::Stop);
            }
            _ => return Err(format!("no step '{}'", step.what)),
        }
    }
    Ok(errors)
}

fn ticket(of: &Rehearsed) -> Arc<Ticket> {
    let captures = of.captures.iter();
    let users = captures.clone().filter(|(name, _)| name == "user");
    let pairs = captures.map(|(name, value)| (name.as_str(), value.as_str()));
    Arc::new(Ticket {
        length: of.length,
        failures: of.failures,
        users: users.map(|(_, name)| name.clone()).collect(),
        matches: of.matches.clone(),
        captures: pairs.collect::<NamedTexts>(),
        ..Ticket::bare(of.id.clone(), of.time)
    })
}
