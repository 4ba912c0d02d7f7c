//! What waits for one action: in order, bounded.
//!
//! A notifier that sleeps must not fill the memory, and a firewall's action must not lose a ban. So where the queue is
//! full a ban is only owed: who it is about stays, and it is told once there is room, if it still stands then. A ban
//! and its end that both wait behind a full queue need not be told at all.

use super::definition::{Command, Definition};
use super::ticket::Ticket;
use super::values::Counters;
use base::FailureId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Bans that wait for one action; more are owed.
const MOST_WAITING: usize = 1_000;

/// One thing for an action to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Job {
    /// The jail begins.
    Start,
    /// A ban, with what the jail counted then.
    Ban(Arc<Ticket>, Counters),
    /// Somebody who is banned was seen again.
    Again(Arc<Ticket>),
    /// A ban was made longer.
    Prolong(Arc<Ticket>),
    /// A ban is over.
    Unban(Arc<Ticket>),
    /// These are over, all that there were.
    Flush(Vec<Arc<Ticket>>),
    /// The configuration says this now.
    Reload(Arc<Definition>),
    /// The jail ends.
    Stop,
}

impl Job {
    /// True if there is something to do for an action with these scripts, or for letters: what comes as often as
    /// failures do must wake nobody for nothing.
    pub(crate) fn concerns(&self, action: Option<&Definition>) -> bool {
        let has_one = |commands: &[Command]| {
            action.is_some_and(|action| commands.iter().any(|command| action.has(*command)))
        };
        match self {
            Self::Start | Self::Ban(..) | Self::Reload(_) | Self::Stop => true,
            // An action that checks keeps account of its bans.
            Self::Again(_) => has_one(&[Command::Check]),
            Self::Prolong(_) => has_one(&[Command::Prolong, Command::Check]),
            Self::Unban(_) => has_one(&[Command::Unban, Command::Check]),
            Self::Flush(_) => has_one(&[Command::Flush, Command::Unban, Command::Check]),
        }
    }

    /// True if it says that a ban stands, which need not be told where everything ends.
    fn tells_a_ban(&self) -> bool {
        matches!(self, Self::Ban(..) | Self::Again(_) | Self::Prolong(_))
    }
}

/// The queue of one action.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    jobs: VecDeque<Job>,
    /// Bans among `jobs`.
    bans: usize,
    /// Bans that there was no room for, and whether they are told as older than the action.
    owed: BTreeMap<FailureId, bool>,
    /// How many were ever put off.
    put_off: u64,
}

impl Queue {
    /// Lines up a job. True if this was the first ban put off since the queue had room.
    pub(crate) fn push(&mut self, job: Job) -> bool {
        match &job {
            Job::Ban(ticket, _) if self.bans >= MOST_WAITING => {
                self.put_off += 1;
                let first = self.owed.is_empty();
                self.owed.insert(ticket.id.clone(), ticket.restored);
                return first;
            }
            Job::Ban(ticket, _) => {
                self.bans += 1;
                // It may be owed still, as ends are not told to who does nothing at them.
                self.owed.remove(&ticket.id);
            }
            Job::Again(ticket) | Job::Prolong(ticket) if self.owed.contains_key(&ticket.id) => {
                return false;
            }
            // The last word about how long it is counts.
            Job::Prolong(ticket) => {
                if let Some(last @ Job::Prolong(_)) = self.last_about(&ticket.id) {
                    *last = job;
                    return false;
                }
            }
            // Nobody needs to know that somebody is still there while so much waits.
            Job::Again(_) if self.jobs.len() >= MOST_WAITING => return false,
            Job::Unban(ticket) if self.owed.remove(&ticket.id).is_some() => return false,
            Job::Unban(ticket) if self.bans >= MOST_WAITING && self.cancel(&ticket.id) => {
                return false;
            }
            Job::Flush(_) => self.owed.clear(),
            _ => {}
        }
        self.jobs.push_back(job);
        false
    }

    /// The last that waits about this one.
    fn last_about(&mut self, id: &FailureId) -> Option<&mut Job> {
        let mut jobs = self.jobs.iter_mut().rev();
        jobs.find(|job| match job {
            Job::Ban(ticket, _)
            | Job::Again(ticket)
            | Job::Prolong(ticket)
            | Job::Unban(ticket) => ticket.id == *id,
            Job::Start | Job::Flush(_) | Job::Reload(_) | Job::Stop => false,
        })
    }

    /// Takes the ban of this one back, with all that waits about it. False if none waits.
    fn cancel(&mut self, id: &FailureId) -> bool {
        let concerns = |job: &Job| match job {
            Job::Ban(ticket, _) | Job::Again(ticket) | Job::Prolong(ticket) => ticket.id == *id,
            _ => false,
        };
        let is_ban = |job: &Job| matches!(job, Job::Ban(..)) && concerns(job);
        let before = self.jobs.iter().filter(|job| is_ban(job)).count();
        // With an end between two bans the pairs are not plain to see; they are told in order then.
        let ends = |job: &Job| matches!(job, Job::Unban(ticket) if ticket.id == *id);
        if before != 1 || self.jobs.iter().any(ends) {
            return false;
        }
        self.jobs.retain(|job| !concerns(job));
        self.bans -= 1;
        true
    }

    /// The next jobs, at most so many.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Job> {
        let count = most.min(self.jobs.len());
        let taken: Vec<Job> = self.jobs.drain(..count).collect();
        let bans = taken
            .iter()
            .filter(|job| matches!(job, Job::Ban(..)))
            .count();
        self.bans -= bans;
        taken
    }

    /// Takes back what nobody had time for: it is next again. Of what is dropped where everything ends only that which
    /// undoes something is left.
    pub(crate) fn put_back(&mut self, jobs: Vec<Job>) {
        for job in jobs.into_iter().rev().filter(|job| !job.tells_a_ban()) {
            self.jobs.push_front(job);
        }
    }

    /// The bans that are owed and for which there is room now; true with those that are older than the action.
    pub(crate) fn due(&mut self) -> Vec<(FailureId, bool)> {
        let room = MOST_WAITING.saturating_sub(self.bans);
        let due = self.owed.iter().take(room);
        let due: Vec<(FailureId, bool)> =
            due.map(|(id, is_older)| (id.clone(), *is_older)).collect();
        for (id, _) in &due {
            self.owed.remove(id);
        }
        due
    }

    /// Drops what need not be told where everything ends: bans, and what is about them.
    pub(crate) fn drop_bans(&mut self) -> usize {
        let before = self.jobs.len() + self.owed.len();
        self.owed.clear();
        self.bans = 0;
        self.jobs.retain(|job| !job.tells_a_ban());
        before - self.jobs.len()
    }

    /// Drops everything.
    pub(crate) fn drop_all(&mut self) -> usize {
        let before = self.len();
        self.jobs.clear();
        self.owed.clear();
        self.bans = 0;
        before
    }

    /// What is next.
    pub(crate) fn next(&self) -> Option<&Job> {
        self.jobs.front()
    }

    /// How much waits.
    pub(crate) fn len(&self) -> usize {
        self.jobs.len() + self.owed.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.owed.is_empty()
    }

    /// How many bans were ever put off.
    pub(crate) fn put_off(&self) -> u64 {
        self.put_off
    }
}

#[cfg(test)]
mod tests;
