//! All actions of all jails, as the hub sees them: who waits, who works, who failed.
//!
//! Each action has a queue of its own and at most one thread, which is made when there is something to do and ends with
//! the queue: a notifier that sleeps for a minute holds up nobody but itself. The worker, with all that it remembers,
//! goes into the thread by value and comes back by value.

use super::Planned;
use super::definition::{Command, Definition};
use super::hands::{Hurry, Tools};
use super::queue::{Job, Queue};
use super::ticket::Ticket;
use super::worker::Worker;
use crate::log::Level;
use base::FailureId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

mod finish;
mod reload;
mod thread;

use thread::{Return, set_out};

/// Threads at a time; what is beyond waits for its turn.
const MOST_THREADS: usize = 64;

/// Wakes whoever owns the crew: somebody came back.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// One action of a jail.
struct Seat {
    /// Its number, for as long as the daemon runs.
    id: u64,
    name: String,
    /// Away while it works.
    worker: Option<Worker>,
    /// When it went to work last.
    set_out: Option<Instant>,
    /// What its worker does; it can be given new scripts.
    plan: Planned,
    queue: Queue,
    /// Its worker's.
    hurry: Hurry,
    errors: u64,
    last_error: Option<String>,
    /// The last job failed.
    is_failing: bool,
    /// Its worker is lost: there is nobody to do anything.
    is_dead: bool,
}

impl Seat {
    /// It has not begun yet.
    fn is_new(&self) -> bool {
        matches!(self.queue.next(), Some(Job::Start))
    }

    /// It tells of bans and undoes none: what it makes is no rule or list that others could have a part in.
    fn only_tells(&self) -> bool {
        self.action().is_none_or(|action| {
            let [bans, unbans, flushes] =
                [Command::Ban, Command::Unban, Command::Flush].map(|command| action.has(command));
            bans && !unbans && !flushes
        })
    }

    /// Its scripts, if it has such.
    fn action(&self) -> Option<&Definition> {
        match &self.plan {
            Planned::Scripts(action) => Some(action),
            Planned::Mail(_) => None,
        }
    }

    fn is_away(&self) -> bool {
        self.worker.is_none() && !self.is_dead
    }

    /// It is at work for so long that nobody is held up by it any more.
    fn is_overdue(&self, turn: Option<Duration>) -> bool {
        let long = |turn| {
            self.set_out
                .is_some_and(|set_out| set_out.elapsed() >= turn)
        };
        self.is_away() && turn.is_some_and(long)
    }
}

/// The actions of one jail.
struct Troop {
    jail: String,
    seats: Vec<Seat>,
    /// Those that are no longer configured and have their last jobs to do.
    leaving: Vec<Seat>,
    /// The bans that stand, as the actions are told of them.
    live: BTreeMap<FailureId, Arc<Ticket>>,
}

impl Troop {
    fn new(jail: String) -> Self {
        Self {
            jail,
            seats: Vec::new(),
            leaving: Vec::new(),
            live: BTreeMap::new(),
        }
    }

    /// Those that may work now. Actions of a jail share names: all of fail2ban's for iptables have one chain, so that
    /// the end of one would undo what another just began. So whoever keeps bans leaves in its turn, and whoever is new
    /// begins when all of those are gone. A notifier shares nothing, and may take a minute for its farewell: nobody waits
    /// for it but a successor of its own name.
    fn free(&mut self, turn: Option<Duration>) -> impl Iterator<Item = &mut Seat> {
        let before = self.leaving.iter();
        let before: Vec<_> = before
            .map(|seat| (seat.name.clone(), seat.only_tells()))
            .collect();
        let waits_for = move |seat: &Seat| {
            let mut before = before.iter();
            before
                .any(|(name, only_tells)| *name == seat.name || !(*only_tells || seat.only_tells()))
        };
        let seats = self.seats.iter_mut();
        let seats = seats.filter(move |seat| !(seat.is_new() && waits_for(seat)));
        let mut is_held_up = false;
        let leaving = self.leaving.iter_mut().filter(move |seat| {
            let may = seat.only_tells() || !is_held_up;
            is_held_up |= !(seat.only_tells() || seat.is_overdue(turn));
            may
        });
        seats.chain(leaving)
    }
}

/// How an action does, for the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) errors: u64,
    pub(crate) last_error: Option<String>,
    /// The last thing that it did failed.
    pub(crate) is_failing: bool,
    /// Jobs that wait.
    pub(crate) waiting: usize,
    /// Bans that were put off because too much waited.
    pub(crate) put_off: u64,
}

/// The crew.
pub(crate) struct Crew {
    troops: Vec<Troop>,
    tools: Arc<Tools>,
    wake: Wake,
    back: Sender<Return>,
    returns: Receiver<Return>,
    away: usize,
    next_seat: u64,
    /// The jail that is looked at first.
    first: usize,
    /// For how long who leaves holds up the next: as long as it takes, but not where all ends.
    turn: Option<Duration>,
    /// The system would make no thread, and that was said.
    short_of_threads: bool,
}

impl Crew {
    /// The names and the workers of the jails, each at its place; each worker gets its start as first job.
    pub(crate) fn new(jails: Vec<(String, Vec<Worker>)>, tools: Arc<Tools>, wake: Wake) -> Self {
        let (back, returns) = channel();
        let mut crew = Self {
            troops: Vec::new(),
            tools,
            wake,
            back,
            returns,
            away: 0,
            next_seat: 0,
            first: 0,
            turn: None,
            short_of_threads: false,
        };
        for (jail, workers) in jails {
            let mut troop = Troop::new(jail);
            let seats = workers.into_iter().map(|worker| crew.seat(worker));
            troop.seats = seats.collect();
            crew.troops.push(troop);
        }
        crew
    }

    /// A seat for an action that begins.
    fn seat(&mut self, worker: Worker) -> Seat {
        self.next_seat += 1;
        let mut queue = Queue::default();
        queue.push(Job::Start);
        Seat {
            id: self.next_seat,
            name: worker.name.clone(),
            plan: worker.act.plan(),
            hurry: worker.hurry.clone(),
            worker: Some(worker),
            set_out: None,
            queue,
            errors: 0,
            last_error: None,
            is_failing: false,
            is_dead: false,
        }
    }

    /// True if the jail has an action for us.
    pub(crate) fn serves(&self, jail: usize) -> bool {
        self.troops
            .get(jail)
            .is_some_and(|troop| !troop.seats.is_empty())
    }

    /// The ban as it was told to the actions.
    pub(crate) fn standing(&self, jail: usize, id: &FailureId) -> Option<&Arc<Ticket>> {
        self.troops.get(jail)?.live.get(id)
    }

    /// All bans that the actions of a jail know of.
    pub(crate) fn all_standing(&self, jail: usize) -> Vec<FailureId> {
        let troop = self.troops.get(jail);
        troop.map_or_else(Vec::new, |troop| troop.live.keys().cloned().collect())
    }

    /// A ban that was acknowledged. `kept` is what later commands are told of it, the lines left out where none asks.
    pub(crate) fn ban(&mut self, jail: usize, job: Job, kept: Arc<Ticket>) {
        if let Some(troop) = self.troops.get_mut(jail) {
            troop.live.insert(kept.id.clone(), kept);
            self.give(jail, &job);
        }
    }

    /// A change of a ban that stands.
    pub(crate) fn change(&mut self, jail: usize, ticket: Ticket, job: impl Fn(Arc<Ticket>) -> Job) {
        let ticket = Arc::new(ticket);
        if let Some(troop) = self.troops.get_mut(jail) {
            troop.live.insert(ticket.id.clone(), Arc::clone(&ticket));
            self.give(jail, &job(ticket));
        }
    }

    /// The end of a ban; one that no action was told of is none.
    pub(crate) fn unban(&mut self, jail: usize, id: &FailureId) {
        let ended = self
            .troops
            .get_mut(jail)
            .and_then(|troop| troop.live.remove(id));
        if let Some(ticket) = ended {
            self.give(jail, &Job::Unban(ticket));
        }
    }

    /// The end of all bans of a jail.
    pub(crate) fn flush(&mut self, jail: usize) {
        let Some(troop) = self.troops.get_mut(jail) else {
            return;
        };
        let live: Vec<Arc<Ticket>> = std::mem::take(&mut troop.live).into_values().collect();
        self.give(jail, &Job::Flush(live));
    }

    /// How the actions of a jail do.
    pub(crate) fn reports(&self, jail: usize) -> Vec<Report> {
        let seats = self
            .troops
            .get(jail)
            .into_iter()
            .flat_map(|troop| &troop.seats);
        let reports = seats.map(|seat| Report {
            name: seat.name.clone(),
            errors: seat.errors,
            last_error: seat.last_error.clone(),
            is_failing: seat.is_failing,
            waiting: seat.queue.len(),
            put_off: seat.queue.put_off(),
        });
        reports.collect()
    }

    /// Takes back who is done, and sends out who has something to do.
    pub(crate) fn turn(&mut self) {
        while let Ok(back) = self.returns.try_recv() {
            self.take_back(back);
        }
        self.set_to_work();
    }

    fn give(&mut self, jail: usize, job: &Job) {
        let Some(troop) = self.troops.get_mut(jail) else {
            return;
        };
        let wants = |seat: &&mut Seat| !seat.is_dead && job.concerns(seat.action());
        for seat in troop.seats.iter_mut().filter(wants) {
            if seat.queue.push(job.clone()) {
                let text = format!(
                    "[{}] action '{}' is slower than the bans come: those beyond a thousand are put off and told to it later, if they still stand",
                    troop.jail, seat.name
                );
                self.tools.tell(Level::Warning, "actions", &text);
            }
        }
        self.set_to_work();
    }

    fn take_back(&mut self, back: Return) {
        self.away -= 1;
        let has = |troop: &&mut Troop| {
            let mut seats = troop.seats.iter().chain(&troop.leaving);
            seats.any(|seat| seat.id == back.seat)
        };
        let mut troops = self.troops.iter_mut();
        let Some(troop) = troops.find(has) else {
            return;
        };
        let mut seats = troop.seats.iter_mut().chain(&mut troop.leaving);
        let Some(seat) = seats.find(|seat| seat.id == back.seat) else {
            return;
        };
        seat.errors += back.errors.len() as u64;
        if let Some(last) = back.errors.into_iter().next_back() {
            seat.last_error = Some(last);
        }
        seat.is_failing = back.is_failing;
        seat.worker = back.worker;
        seat.hurry.set(false);
        seat.queue.put_back(back.left);
        if seat.worker.is_none() {
            let why = "it died (it panicked) and does nothing until the next start";
            seat.is_dead = true;
            seat.is_failing = true;
            seat.queue = Queue::default();
            seat.last_error = Some(why.to_owned());
            let text = format!("[{}] action '{}': {why}", troop.jail, seat.name);
            self.tools.tell(Level::Critical, "actions", &text);
        }
        for (id, is_older) in seat.queue.due() {
            if let Some(ticket) = troop.live.get(&id) {
                let ticket = match is_older {
                    true => ticket.as_older(),
                    false => Arc::clone(ticket),
                };
                seat.queue.push(Job::Ban(ticket, Default::default()));
            }
        }
        troop
            .leaving
            .retain(|seat| !seat.is_dead && (!seat.queue.is_empty() || seat.worker.is_none()));
    }

    fn set_to_work(&mut self) {
        let jails = self.troops.len();
        for step in 0..jails {
            // Each time another jail is first, so that none waits for ever behind those that are always busy.
            let jail = (self.first + step) % jails;
            let Some(troop) = self.troops.get_mut(jail) else {
                return;
            };
            for seat in troop.free(self.turn) {
                if seat.queue.is_empty() || seat.worker.is_none() {
                    continue;
                }
                if self.away >= MOST_THREADS {
                    self.first = jail;
                    return;
                }
                match set_out(seat, &self.tools, &self.wake, &self.back) {
                    Ok(()) => {
                        self.away += 1;
                        self.short_of_threads = false;
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut self.short_of_threads, true) {
                            let text =
                                format!("no thread for actions can be had: {error}; they wait");
                            self.tools.tell(Level::Error, "actions", &text);
                        }
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
