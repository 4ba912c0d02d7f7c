//! One action at work: it does its jobs one after the other and says what failed.
//!
//! A worker belongs to whoever holds it, the hub or the thread that works off its queue, and is handed to and fro: no
//! lock is needed, and no thread while there is nothing to do.

use super::Planned;
use super::hands::{Hurry, Names, RealHands, Tools};
use super::life::{Done, Life};
use super::mail::Mailer;
use super::queue::Job;
use super::ticket::Ticket;
use super::values::Counters;
use crate::log::Level;
use base::FailureId;
use conf::literal;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What carries an action out.
#[derive(Debug)]
pub(crate) enum Act {
    /// Scripts.
    Scripts(Life),
    /// Letters, as fail2ban's `smtp.py` writes them.
    Mail(Mailer),
}

impl Act {
    /// What is carried out.
    pub(crate) fn plan(&self) -> Planned {
        match self {
            Self::Scripts(life) => Planned::Scripts(Arc::clone(life.action())),
            Self::Mail(mailer) => Planned::Mail(Arc::clone(mailer.letters())),
        }
    }
}

/// One action with what it remembers.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) jail: String,
    pub(crate) name: String,
    pub(crate) act: Act,
    pub(crate) norestored: bool,
    /// Bans that it was not told of, as they were there before it.
    pub(crate) untold: BTreeSet<FailureId>,
    pub(crate) names: Names,
    pub(crate) hurry: Hurry,
}

impl Worker {
    /// Does one job. Gives what went wrong, which is told already.
    pub(crate) fn perform(&mut self, job: &Job, tools: &Tools) -> Vec<String> {
        let (what, ticket) = match job {
            Job::Flush(tickets) => return self.flush(tools, tickets),
            Job::Start => ("start", None),
            Job::Stop => ("stop", None),
            Job::Reload(_) => ("reload", None),
            Job::Ban(ticket, _) => ("ban", Some(ticket)),
            Job::Again(ticket) => ("reban", Some(ticket)),
            Job::Prolong(ticket) => ("prolong", Some(ticket)),
            Job::Unban(ticket) => ("unban", Some(ticket)),
        };
        if self.leaves_out(job) {
            return Vec::new();
        }
        let Err(error) = self.carry_out(tools, job) else {
            return Vec::new();
        };
        let (jail, name) = (&self.jail, &self.name);
        let text = match ticket {
            None => format!("Failed to {what} jail '{jail}' action '{name}': {error}"),
            Some(ticket) => {
                let ip = literal(&ticket.ip().to_string());
                let family = ticket.family().word();
                format!(
                    "Failed to execute {what} jail '{jail}' action '{name}' info 'ActionInfo({{'ip': {ip}, 'family': '{family}'}})': {error}"
                )
            }
        };
        tools.tell(Level::Error, "actions", &text);
        vec![error]
    }

    /// True if this is about a ban that an action is not to hear of: neither of its begin nor of what becomes of it.
    fn leaves_out(&mut self, job: &Job) -> bool {
        match job {
            Job::Ban(ticket, _) if ticket.restored && self.norestored => {
                self.untold.insert(ticket.id.clone());
                true
            }
            Job::Ban(ticket, _) => {
                self.untold.remove(&ticket.id);
                false
            }
            Job::Again(ticket) | Job::Prolong(ticket) => self.untold.contains(&ticket.id),
            Job::Unban(ticket) => self.untold.remove(&ticket.id),
            Job::Start | Job::Flush(_) | Job::Reload(_) | Job::Stop => false,
        }
    }

    /// Ends all bans at once, or, where the action cannot do that, one after the other.
    fn flush(&mut self, tools: &Tools, tickets: &[Arc<Ticket>]) -> Vec<String> {
        let flushed = match &mut self.act {
            Act::Scripts(life) => life.flush(&mut RealHands {
                tools,
                names: &self.names,
                hurry: &self.hurry,
                counters: Counters::default(),
            }),
            Act::Mail(_) => Ok(true),
        };
        match flushed {
            Ok(true) => Vec::new(),
            Ok(false) => {
                let hurry = self.hurry.clone();
                let left = tickets.iter().take_while(|_| !hurry.is_on());
                let ended =
                    left.flat_map(|ticket| self.perform(&Job::Unban(Arc::clone(ticket)), tools));
                ended.collect()
            }
            Err(error) => {
                let (jail, name) = (&self.jail, &self.name);
                let text =
                    format!("Failed to flush bans in jail '{jail}' action '{name}': {error}");
                tools.tell(Level::Error, "actions", &text);
                vec![error]
            }
        }
    }

    fn carry_out(&mut self, tools: &Tools, job: &Job) -> Done {
        let life = match &mut self.act {
            Act::Scripts(life) => life,
            Act::Mail(mailer) => return mailer.perform(job, tools),
        };
        let counters = match job {
            Job::Ban(_, counters) => *counters,
            _ => Counters::default(),
        };
        let hands = &mut RealHands {
            tools,
            names: &self.names,
            hurry: &self.hurry,
            counters,
        };
        match job {
            Job::Start => life.start(hands),
            Job::Ban(ticket, _) => life.ban(hands, ticket),
            Job::Again(ticket) => life.again(hands, ticket),
            Job::Prolong(ticket) => life.prolong(hands, ticket),
            Job::Unban(ticket) => life.unban(hands, ticket),
            Job::Flush(_) => life.flush(hands).map(drop),
            Job::Reload(action) => {
                self.norestored = action.norestored;
                life.reload(hands, Arc::clone(action))
            }
            Job::Stop => life.stop(hands),
        }
    }
}

#[cfg(test)]
mod tests;
