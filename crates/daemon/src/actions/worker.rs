//! One action at work: it does its jobs one after the other and says what failed.
//!
//! A worker belongs to whoever holds it, the hub or the thread that works off its queue, and is handed to and fro: no
//! lock is needed, and no thread while there is nothing to do.

use super::hands::{Names, RealHands, Tools};
use super::life::{Done, Life};
use super::mail::Mailer;
use super::queue::Job;
use super::ticket::Ticket;
use super::values::Counters;
use crate::log::Level;
use conf::literal;

/// What carries an action out.
#[derive(Debug)]
pub(crate) enum Act {
    /// Scripts.
    Scripts(Life),
    /// Letters, as fail2ban's `smtp.py` writes them.
    Mail(Mailer),
}

/// One action with what it remembers.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) jail: String,
    pub(crate) name: String,
    pub(crate) act: Act,
    pub(crate) norestored: bool,
    pub(crate) names: Names,
}

impl Worker {
    /// Does one job. Gives what went wrong, which is told already.
    pub(crate) fn perform(&mut self, job: &Job, tools: &Tools) -> Vec<String> {
        let mut errors = Vec::new();
        let skips = |ticket: &Ticket| ticket.restored && self.norestored;
        match job {
            Job::Start => errors.extend(self.whole(tools, "start", Counters::default(), job)),
            Job::Stop => errors.extend(self.whole(tools, "stop", Counters::default(), job)),
            Job::Reload(_) => errors.extend(self.whole(tools, "reload", Counters::default(), job)),
            Job::Ban(ticket, counters) if !skips(ticket) => {
                errors.extend(self.one(tools, "ban", *counters, job, ticket));
            }
            Job::Again(ticket) if !skips(ticket) => {
                errors.extend(self.one(tools, "reban", Counters::default(), job, ticket));
            }
            Job::Prolong(ticket) if !skips(ticket) => {
                errors.extend(self.one(tools, "prolong", Counters::default(), job, ticket));
            }
            Job::Unban(ticket) if !skips(ticket) => {
                errors.extend(self.one(tools, "unban", Counters::default(), job, ticket));
            }
            Job::Ban(..) | Job::Again(_) | Job::Prolong(_) | Job::Unban(_) => {}
            Job::Flush(tickets) => self.flush(tools, tickets, &mut errors),
        }
        errors
    }

    fn flush(
        &mut self,
        tools: &Tools,
        tickets: &[std::sync::Arc<Ticket>],
        errors: &mut Vec<String>,
    ) {
        let hands = &mut RealHands {
            tools,
            names: &self.names,
            counters: Counters::default(),
        };
        let flushed = match &mut self.act {
            Act::Scripts(life) => life.flush(hands),
            Act::Mail(_) => Ok(true),
        };
        match flushed {
            Ok(true) => {}
            Ok(false) => {
                for ticket in tickets {
                    if tools.is_in_hurry() {
                        return;
                    }
                    errors.extend(self.perform(&Job::Unban(ticket.clone()), tools));
                }
            }
            Err(error) => {
                let text = format!(
                    "Failed to flush bans in jail '{}' action '{}': {error}",
                    self.jail, self.name
                );
                tools.tell(Level::Error, "actions", &text);
                errors.push(error);
            }
        }
    }

    /// A job that concerns the action as a whole.
    fn whole(
        &mut self,
        tools: &Tools,
        what: &str,
        counters: Counters,
        job: &Job,
    ) -> Option<String> {
        let error = self.carry_out(tools, counters, job).err()?;
        let text = format!(
            "Failed to {what} jail '{}' action '{}': {error}",
            self.jail, self.name
        );
        tools.tell(Level::Error, "actions", &text);
        Some(error)
    }

    /// A job that concerns one ban.
    fn one(
        &mut self,
        tools: &Tools,
        what: &str,
        counters: Counters,
        job: &Job,
        ticket: &Ticket,
    ) -> Option<String> {
        let error = self.carry_out(tools, counters, job).err()?;
        let ip = literal(&ticket.prefix.to_string());
        let family = super::definition::family_word(ticket.family());
        let text = format!(
            "Failed to execute {what} jail '{}' action '{}' info 'ActionInfo({{'ip': {ip}, 'family': '{family}'}})': {error}",
            self.jail, self.name
        );
        tools.tell(Level::Error, "actions", &text);
        Some(error)
    }

    fn carry_out(&mut self, tools: &Tools, counters: Counters, job: &Job) -> Done {
        let hands = &mut RealHands {
            tools,
            names: &self.names,
            counters,
        };
        let life = match &mut self.act {
            Act::Scripts(life) => life,
            Act::Mail(mailer) => return mailer.perform(job, tools),
        };
        match job {
            Job::Start => life.start(hands),
            Job::Ban(ticket, _) => life.ban(hands, ticket),
            Job::Again(ticket) => life.again(hands, ticket),
            Job::Prolong(ticket) => life.prolong(hands, ticket),
            Job::Unban(ticket) => life.unban(hands, ticket),
            Job::Flush(_) => life.flush(hands).map(drop),
            Job::Reload(action) => life.reload(hands, action.clone()),
            Job::Stop => life.stop(hands),
        }
    }
}

#[cfg(test)]
mod tests;
