//! Bans go on to the shell actions of their jail, once they are acknowledged.
//!
//! A jail without native enforcement has nothing in the kernel that could answer, nor has a ban of an id that is no
//! address: the hub answers for it, so that it is acknowledged when the store has it.

use super::{Hub, Message};
use crate::actions::{Counters, Crew, Job, NoHistory, Planned, Remembered, Report, Ticket, Tools};
use crate::clock;
use crate::heartbeat::Pulse;
use crate::log::{Kind, Level, Log};
use crate::plan::Jail;
use base::{Prefix, Span, Timestamp};
use engine::{BanKey, BanRecord, BanView, Event, JailId, StoreWrite};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// From the begin of a ban to a failure that makes one wonder whether it works.
const SUSPICIOUS: Span = Span::from_secs(3);

/// The actions, and what the hub must know to tell them of bans.
pub(crate) struct Acting {
    crew: Crew,
    jails: Vec<Facts>,
    /// What is known of bans that are not yet acknowledged.
    awaited: HashMap<BanKey, Ticket>,
}

struct Facts {
    is_native: bool,
    /// Some later command asks for the lines of a ban.
    keeps_lines: bool,
    /// Some command asks for the counters of the jail.
    counts: bool,
}

impl Facts {
    fn of(jail: &Jail) -> Self {
        Self {
            is_native: jail.enforce.is_some(),
            keeps_lines: jail.actions.iter().any(Planned::keeps_lines),
            counts: jail.actions.iter().any(Planned::counts),
        }
    }
}

impl Acting {
    /// The actions of all jails, each with its start to do. `history`, if there is one, tells them of earlier bans; `hub`
    /// is told when a worker is back.
    pub(crate) fn new(
        jails: &[Jail],
        log: &Arc<Log>,
        history: Option<store::History>,
        is_dry_run: bool,
        hub: Sender<Message>,
    ) -> Self {
        let tools = match history {
            Some(history) => Tools::new(
                Arc::clone(log),
                Box::new(Remembered::new(history)),
                is_dry_run,
            ),
            None => Tools::new(Arc::clone(log), Box::new(NoHistory), is_dry_run),
        };
        // Where the hub is gone nobody waits for workers.
        let wake = Arc::new(move || drop(hub.send(Message::Acted)));
        let workers = jails.iter().map(|jail| {
            let workers = jail.actions.iter().map(Planned::worker);
            (jail.name.to_string(), workers.collect())
        });
        let facts = jails.iter().map(Facts::of);
        Self {
            crew: Crew::new(workers.collect(), Arc::new(tools), wake),
            jails: facts.collect(),
            awaited: HashMap::new(),
        }
    }

    /// A jail that was there before has another form now.
    pub(super) fn learn(&mut self, jail: &Jail) {
        if let Some(before) = self.jails.get_mut(place(jail.id)) {
            *before = Facts::of(jail);
        }
    }

    /// The jail is new, has other actions now, or its actions want to hear of every reload. `standing` are its bans:
    /// of those that no action was told of yet, as the kernel alone held them, the new ones are.
    pub(super) fn change<'a>(&mut self, jail: &Jail, standing: impl Iterator<Item = BanView<'a>>) {
        let workers = jail.actions.iter().map(Planned::worker).collect();
        match place(jail.id) < self.jails.len() {
            true => {
                let standing = standing.filter(|ban| ban.acknowledged);
                self.crew.reload(
                    place(jail.id),
                    workers,
                    standing.map(|ban| standing_ticket(&ban)),
                );
            }
            false => {
                self.jails.push(Facts::of(jail));
                self.crew.add(jail.name.to_string(), workers);
            }
        }
    }

    /// The jail is no more: its actions undo what they did, and stop.
    pub(super) fn leave(&mut self, jail: JailId) {
        self.crew.leave(place(jail));
    }

    /// What the kernel holds for a ban and answers for: nothing where its jail has other actions alone, or where it is
    /// of no address.
    pub(super) fn for_kernel(&self, key: &BanKey) -> Option<Prefix> {
        let facts = self.jails.get(place(key.jail));
        let is_native = facts.is_some_and(|facts| facts.is_native);
        key.id.prefix().filter(|_| is_native)
    }

    /// Keeps what a ban tells of itself until it is acknowledged.
    pub(super) fn expect(&mut self, jail: JailId, record: &BanRecord, restored: bool) {
        if self.crew.serves(place(jail)) {
            let key = BanKey {
                jail,
                id: record.id.clone(),
            };
            self.awaited.insert(key, Ticket::of(record, restored));
        }
    }

    /// The same of what the store is to write.
    pub(super) fn note(&mut self, write: &StoreWrite) {
        if let StoreWrite::Ban { jail, record, .. } = write {
            self.expect(*jail, record, false);
        }
    }

    /// The ban will not be acknowledged.
    pub(super) fn forget(&mut self, key: &BanKey) {
        self.awaited.remove(key);
    }

    /// Only these are still awaited.
    pub(super) fn keep(&mut self, is_awaited: impl Fn(&BanKey) -> bool) {
        self.awaited.retain(|key, _| is_awaited(key));
    }

    /// No ban is awaited.
    #[cfg(test)]
    pub(super) fn awaits_nothing(&self) -> bool {
        self.awaited.is_empty()
    }

    /// All bans of all jails are about to be lifted: an action that can do so at once does.
    pub(super) fn flush_all(&mut self) {
        for jail in 0..self.jails.len() {
            self.crew.flush(jail);
        }
    }

    /// Somebody came back from work.
    pub(super) fn turn(&mut self) {
        self.crew.turn();
    }

    /// How the actions of a jail do.
    pub(super) fn reports(&self, jail: JailId) -> Vec<Report> {
        self.crew.reports(place(jail))
    }

    /// The daemon ends: fail2ban's life cycle for the actions, while what is in the kernel stands.
    pub(super) fn finish(self, jails: &[Jail], log: &Log, pulse: &Pulse) {
        for jail in jails.iter().filter(|jail| jail.enforce.is_none()) {
            for id in self.crew.all_standing(place(jail.id)) {
                let text = format!("[{}] Repeal Ban {id}", jail.name);
                log.write(clock::now(), Level::Notice, Kind::PerBan, "actions", &text);
            }
        }
        self.crew.finish(&|| pulse.beat());
    }

    fn banned(&mut self, key: BanKey, counters: Counters, begun: Begun<'_>) {
        let jail = place(key.jail);
        if !self.crew.serves(jail) {
            return;
        }
        let known = self.awaited.remove(&key);
        let mut ticket = known.unwrap_or_else(|| Ticket::bare(key.id, begun.time));
        ticket.time = begun.time;
        ticket.length = begun.until.map(|until| until.since(begun.time));
        ticket.count = begun.count;
        ticket.failures = begun.failures;
        ticket.users = begun.users.iter().map(|(name, _)| name.clone()).collect();
        ticket.restored = begun.restored;
        let ticket = Arc::new(ticket);
        let keeps_lines = self.jails.get(jail).is_some_and(|facts| facts.keeps_lines);
        let kept = match keeps_lines || ticket.matches.is_empty() {
            true => Arc::clone(&ticket),
            false => Arc::new(Ticket {
                matches: Vec::new(),
                ..(*ticket).clone()
            }),
        };
        self.crew.ban(jail, Job::Ban(ticket, counters), kept);
    }

    /// Somebody who is banned was seen again: a longer ban is told as such, and otherwise one wonders.
    fn banned_already(&mut self, key: BanKey, after: Span, until: Option<Timestamp>, longer: bool) {
        let jail = place(key.jail);
        let Some(standing) = self.crew.standing(jail, &key.id) else {
            return;
        };
        let mut ticket = (**standing).clone();
        if longer {
            ticket.length = until.map(|until| until.since(ticket.time));
            self.crew.change(jail, ticket.clone(), Job::Prolong);
        }
        if after >= SUSPICIOUS {
            self.crew.change(jail, ticket, Job::Again);
        }
    }
}

/// A ban that stands, without what only its beginning could tell. It is older than any action that is told of it.
fn standing_ticket(ban: &BanView<'_>) -> Ticket {
    Ticket {
        length: ban.until.map(|until| until.since(ban.time)),
        count: ban.count,
        failures: ban.failures,
        users: ban.users.iter().map(|(name, _)| name.clone()).collect(),
        restored: true,
        ..Ticket::bare(ban.id.clone(), ban.time)
    }
}

/// What an acknowledgement says of a ban.
struct Begun<'a> {
    time: Timestamp,
    until: Option<Timestamp>,
    count: u32,
    failures: u32,
    users: &'a [(String, u32)],
    restored: bool,
}

fn place(jail: JailId) -> usize {
    jail.0 as usize
}

impl Hub {
    /// Tells the actions what the engine tells the world.
    pub(super) fn act_on(&mut self, event: &Event) {
        match event {
            Event::Banned {
                jail,
                id,
                time,
                until,
                failures,
                users,
                count,
                restored,
                ..
            } => {
                let begun = Begun {
                    time: *time,
                    until: *until,
                    count: *count,
                    failures: *failures,
                    users,
                    restored: *restored,
                };
                let key = BanKey {
                    jail: *jail,
                    id: id.clone(),
                };
                let counters = self.counters(*jail);
                self.acting.banned(key, counters, begun);
            }
            Event::Unbanned { jail, id, .. } => {
                self.acting.crew.unban(place(*jail), id);
            }
            Event::AlreadyBanned {
                jail,
                id,
                after,
                until,
                longer,
            } => {
                let key = BanKey {
                    jail: *jail,
                    id: id.clone(),
                };
                self.acting.banned_already(key, *after, *until, *longer);
            }
            _ => {}
        }
    }

    /// What the jail counted, if one of its actions asks.
    fn counters(&self, jail: JailId) -> Counters {
        let counts = self
            .acting
            .jails
            .get(place(jail))
            .is_some_and(|facts| facts.counts);
        if !counts {
            return Counters::default();
        }
        let status = self.engine.status().into_iter().nth(place(jail));
        status.map_or_else(Counters::default, |status| Counters {
            banned: status.banned as u64,
            banned_total: status.banned_total,
            found: status.failing as u64,
            found_total: status.failed_total,
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
