//! All actions of all jails, as the hub sees them: who waits, who works, who failed.
//!
//! Each action has a queue of its own and at most one thread, which is made when there is something to do and ends with
//! the queue: a notifier that sleeps for a minute holds up nobody but itself. The worker, with all that it remembers,
//! goes into the thread by value and comes back by value.

use super::hands::Tools;
use super::queue::{Job, Queue};
use super::ticket::Ticket;
use super::worker::{Act, Worker};
use crate::log::Level;
use base::Prefix;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Threads at a time; what is beyond waits for its turn.
const MOST_THREADS: usize = 64;

/// Jobs that a thread takes at once.
const BATCH: usize = 16;

/// What is queued may take so long when the daemon ends; then it is given up, for the flush and the stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// The flush and the stop of all actions may take so long.
const LAST_PATIENCE: Duration = Duration::from_secs(40);

/// Wakes whoever owns the crew: somebody came back.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// Somebody who comes back from work.
struct Return {
    seat: SeatId,
    /// Nothing if the thread panicked.
    worker: Option<Worker>,
    errors: Vec<String>,
    /// The last job failed.
    is_failing: bool,
}

/// The place of an action in its jail, for as long as the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SeatId {
    jail: usize,
    number: u64,
}

/// One action of a jail.
struct Seat {
    id: SeatId,
    name: String,
    /// Away while it works.
    worker: Option<Worker>,
    queue: Queue,
    errors: u64,
    last_error: Option<String>,
    /// The last job failed.
    is_failing: bool,
    /// Its worker is lost: there is nobody to do anything.
    is_dead: bool,
}

/// The actions of one jail.
struct Troop {
    jail: String,
    seats: Vec<Seat>,
    /// Those that are no longer configured and have their last jobs to do.
    leaving: Vec<Seat>,
    /// The bans that stand, as the actions are told of them.
    live: BTreeMap<Prefix, Arc<Ticket>>,
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
            short_of_threads: false,
        };
        for (jail, workers) in jails {
            crew.enlist(jail, workers);
        }
        crew
    }

    /// One more jail, at the next place.
    pub(crate) fn add(&mut self, jail: String, workers: Vec<Worker>) {
        self.enlist(jail, workers);
        self.set_to_work();
    }

    fn enlist(&mut self, jail: String, workers: Vec<Worker>) {
        let place = self.troops.len();
        let seats = workers.into_iter();
        let seats = seats.map(|worker| self.seat(place, worker)).collect();
        self.troops.push(Troop {
            jail,
            seats,
            leaving: Vec::new(),
            live: BTreeMap::new(),
        });
    }

    /// A seat for an action that begins.
    fn seat(&mut self, jail: usize, worker: Worker) -> Seat {
        self.next_seat += 1;
        let mut queue = Queue::default();
        queue.push(Job::Start);
        Seat {
            id: SeatId {
                jail,
                number: self.next_seat,
            },
            name: worker.name.clone(),
            worker: Some(worker),
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
    pub(crate) fn standing(&self, jail: usize, prefix: &Prefix) -> Option<&Arc<Ticket>> {
        self.troops.get(jail)?.live.get(prefix)
    }

    /// All bans that the actions of a jail know of.
    pub(crate) fn all_standing(&self, jail: usize) -> Vec<Prefix> {
        let troop = self.troops.get(jail);
        troop.map_or_else(Vec::new, |troop| troop.live.keys().copied().collect())
    }

    /// A ban that was acknowledged. `kept` is what later commands are told of it, the lines left out where none asks.
    pub(crate) fn ban(&mut self, jail: usize, job: Job, kept: Arc<Ticket>) {
        if let Some(troop) = self.troops.get_mut(jail) {
            troop.live.insert(kept.prefix, kept);
            self.give(jail, &job);
        }
    }

    /// A change of a ban that stands.
    pub(crate) fn change(&mut self, jail: usize, ticket: Ticket, job: impl Fn(Arc<Ticket>) -> Job) {
        let ticket = Arc::new(ticket);
        if let Some(troop) = self.troops.get_mut(jail) {
            troop.live.insert(ticket.prefix, Arc::clone(&ticket));
            self.give(jail, &job(ticket));
        }
    }

    /// The end of a ban; one that no action was told of is none.
    pub(crate) fn unban(&mut self, jail: usize, prefix: &Prefix) {
        let ended = self
            .troops
            .get_mut(jail)
            .and_then(|troop| troop.live.remove(prefix));
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

    /// The actions that the configuration has for a jail now. Those that stay get their new properties and a reload,
    /// new ones start and are told of the bans that stand, the others undo theirs and stop, the last one first.
    pub(crate) fn reload(&mut self, jail: usize, workers: Vec<Worker>) {
        let Some(troop) = self.troops.get_mut(jail) else {
            return;
        };
        let live: Vec<Arc<Ticket>> = troop.live.values().cloned().collect();
        let mut before = std::mem::take(&mut troop.seats);
        let mut seats = Vec::new();
        for worker in workers {
            let place = before.iter().position(|seat| seat.name == worker.name);
            let kept = place.filter(|_| matches!(worker.act, Act::Scripts(_)));
            match (kept.map(|place| before.remove(place)), worker.act) {
                (Some(mut seat), Act::Scripts(life)) => {
                    seat.queue.push(Job::Reload(Arc::clone(life.action())));
                    seats.push(seat);
                }
                (_, act) => {
                    let mut seat = self.seat(jail, Worker { act, ..worker });
                    for ticket in &live {
                        seat.queue
                            .push(Job::Ban(Arc::clone(ticket), Default::default()));
                    }
                    seats.push(seat);
                }
            }
        }
        for seat in &mut before {
            seat.queue.push(Job::Flush(live.clone()));
            seat.queue.push(Job::Stop);
        }
        before.reverse();
        if let Some(troop) = self.troops.get_mut(jail) {
            troop.seats = seats;
            troop.leaving.extend(before);
        }
        self.set_to_work();
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
        for seat in troop.seats.iter_mut().filter(|seat| !seat.is_dead) {
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
        let Some(troop) = self.troops.get_mut(back.seat.jail) else {
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
        if seat.worker.is_none() {
            let why = "it died (it panicked) and does nothing until the next start";
            seat.is_dead = true;
            seat.is_failing = true;
            seat.queue = Queue::default();
            seat.last_error = Some(why.to_owned());
            let text = format!("[{}] action '{}': {why}", troop.jail, seat.name);
            self.tools.tell(Level::Critical, "actions", &text);
        }
        for prefix in seat.queue.due() {
            if let Some(ticket) = troop.live.get(&prefix) {
                seat.queue
                    .push(Job::Ban(Arc::clone(ticket), Default::default()));
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
            // Whoever leaves does so one after the other, in its order.
            let leaving = troop.leaving.iter_mut().take(1);
            for seat in troop.seats.iter_mut().chain(leaving) {
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

    /// The daemon ends: every action does what is queued, undoes its bans and stops, the last one of a jail first.
    /// `beat` is called often meanwhile. What takes too long is given up, and said.
    pub(crate) fn finish(mut self, beat: &dyn Fn()) {
        if !self.drain(PATIENCE, beat) {
            self.give_up("what was queued for it");
        }
        for jail in 0..self.troops.len() {
            self.flush(jail);
        }
        let limit = Instant::now() + LAST_PATIENCE;
        let mut all = self.drain(LAST_PATIENCE, beat);
        // The stops of a jail come one after the other.
        let most = self
            .troops
            .iter()
            .map(|troop| troop.seats.len())
            .max()
            .unwrap_or(0);
        for back in 0..most {
            for troop in &mut self.troops {
                let last = troop.seats.iter_mut().rev().nth(back);
                if let Some(seat) = last.filter(|seat| !seat.is_dead) {
                    seat.queue.push(Job::Stop);
                }
            }
            self.set_to_work();
            all &= self.drain(limit.saturating_duration_since(Instant::now()), beat);
        }
        if !all {
            self.give_up("its end");
        }
    }

    /// Lets all work until nothing is left to do. False if that takes too long.
    fn drain(&mut self, patience: Duration, beat: &dyn Fn()) -> bool {
        let limit = Instant::now() + patience;
        self.set_to_work();
        while self.away > 0 {
            beat();
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            if let Ok(back) = self.returns.recv_timeout(left.min(Duration::from_secs(1))) {
                self.take_back(back);
                self.set_to_work();
            }
        }
        true
    }

    /// Ends what runs and drops what waits, for lack of time.
    fn give_up(&mut self, what: &str) {
        let mut late = Vec::new();
        for troop in &mut self.troops {
            for seat in troop.seats.iter_mut().chain(&mut troop.leaving) {
                let dropped = seat.queue.drop_bans();
                if (seat.worker.is_none() && !seat.is_dead) || dropped > 0 {
                    late.push(format!("'{}'", seat.name));
                }
            }
        }
        let text = format!(
            "there is no time left for actions {}: {what} is given up",
            late.join(", ")
        );
        self.tools.tell(Level::Error, "actions", &text);
        self.tools.hurry.store(true, Ordering::Relaxed);
        let limit = Instant::now() + Duration::from_secs(2);
        while self.away > 0 {
            let left = limit.saturating_duration_since(Instant::now());
            match self.returns.recv_timeout(left) {
                Ok(back) => self.take_back(back),
                Err(_) => break,
            }
        }
        self.tools.hurry.store(false, Ordering::Relaxed);
    }
}

/// Sends a worker out into a thread of its own with its next jobs.
fn set_out(
    seat: &mut Seat,
    tools: &Arc<Tools>,
    wake: &Wake,
    back: &Sender<Return>,
) -> std::io::Result<()> {
    let (hand_over, taken) = channel::<(Worker, Vec<Job>)>();
    let home = Home {
        seat: seat.id,
        worker: None,
        errors: Vec::new(),
        is_failing: false,
        back: back.clone(),
        wake: Arc::clone(wake),
    };
    let tools = Arc::clone(tools);
    // The worker follows through the channel: a thread that cannot be made must not take it along.
    thread::Builder::new()
        .name("action".into())
        .spawn(move || {
            if let Ok((worker, jobs)) = taken.recv() {
                work(worker, &jobs, &tools, home);
            }
        })?;
    if let Some(worker) = seat.worker.take() {
        let jobs = seat.queue.take(BATCH);
        // The thread waits for just this.
        drop(hand_over.send((worker, jobs)));
    }
    Ok(())
}

fn work(mut worker: Worker, jobs: &[Job], tools: &Tools, mut home: Home) {
    for job in jobs {
        if tools.is_in_hurry() {
            break;
        }
        let errors = worker.perform(job, tools);
        home.is_failing = !errors.is_empty();
        home.errors.extend(errors);
    }
    home.worker = Some(worker);
}

/// The way home; taken also by a thread that panics.
struct Home {
    seat: SeatId,
    worker: Option<Worker>,
    errors: Vec<String>,
    is_failing: bool,
    back: Sender<Return>,
    wake: Wake,
}

impl Drop for Home {
    fn drop(&mut self) {
        let back = Return {
            seat: self.seat,
            worker: self.worker.take(),
            errors: std::mem::take(&mut self.errors),
            is_failing: self.is_failing,
        };
        // Nobody waits any more where the crew is gone.
        drop(self.back.send(back));
        (self.wake)();
    }
}

#[cfg(test)]
mod tests;
