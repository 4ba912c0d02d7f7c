//! Another configuration (behaviour §5.3): actions that stay get their new properties and a reload, new ones start and
//! are told of the bans that stand, those that are gone undo their bans and stop, the last one of a jail first.
//!
//! fail2ban loses an action that is new in the configuration; here it is told of all bans as soon as those that it
//! follows have undone theirs. For that moment the bans keep nobody out: with both at once the end of the one would take
//! away what the other has just made, for good.

use super::{Crew, Seat, Troop};
use crate::actions::Planned;
use crate::actions::queue::Job;
use crate::actions::ticket::Ticket;
use crate::actions::worker::Worker;
use std::sync::Arc;

impl Crew {
    /// One more jail, at the next place.
    pub(crate) fn add(&mut self, jail: String, workers: Vec<Worker>) {
        let mut troop = Troop::new(jail);
        self.reload_troop(&mut troop, workers);
        self.troops.push(troop);
        self.set_to_work();
    }

    /// The actions that the configuration has for a jail now, and the bans of it that stand.
    pub(crate) fn reload(
        &mut self,
        jail: usize,
        workers: Vec<Worker>,
        standing: impl Iterator<Item = Ticket>,
    ) {
        let Some(known) = self.troops.get_mut(jail) else {
            return;
        };
        let nobody = Troop::new(known.jail.clone());
        let mut troop = std::mem::replace(known, nobody);
        for ticket in standing {
            troop
                .live
                .entry(ticket.id.clone())
                .or_insert_with(|| Arc::new(ticket));
        }
        self.reload_troop(&mut troop, workers);
        if let Some(place) = self.troops.get_mut(jail) {
            *place = troop;
        }
        self.set_to_work();
    }

    /// The jail is no more; its place stays empty.
    pub(crate) fn leave(&mut self, jail: usize) {
        self.reload(jail, Vec::new(), std::iter::empty());
    }

    fn reload_troop(&mut self, troop: &mut Troop, workers: Vec<Worker>) {
        let live: Vec<Arc<Ticket>> = troop.live.values().cloned().collect();
        let mut before = std::mem::take(&mut troop.seats);
        before.retain(|seat| !seat.is_dead);
        for worker in workers {
            let plan = worker.act.plan();
            let is_same = |seat: &Seat| seat.name == worker.name && goes_on_as(&seat.plan, &plan);
            let seat = match before.iter().position(is_same) {
                Some(place) => {
                    let mut seat = before.remove(place);
                    if let Planned::Scripts(action) = &plan {
                        seat.queue.push(Job::Reload(Arc::clone(action)));
                    }
                    seat.plan = plan;
                    seat
                }
                None => {
                    let mut seat = self.seat(worker);
                    for ticket in &live {
                        let job = Job::Ban(ticket.as_older(), Default::default());
                        seat.queue.push(job);
                    }
                    seat
                }
            };
            troop.seats.push(seat);
        }
        before.reverse();
        for mut seat in before {
            seat.queue.push(Job::Flush(live.clone()));
            seat.queue.push(Job::Stop);
            troop.leaving.push(seat);
        }
        if troop.seats.is_empty() {
            // Nobody is left who would be told of their ends.
            troop.live.clear();
        }
    }
}

/// True if whoever does the one can go on with the other: scripts change under way, letters have no word for that.
fn goes_on_as(before: &Planned, now: &Planned) -> bool {
    match (before, now) {
        (Planned::Scripts(_), Planned::Scripts(_)) => true,
        (before, now) => before == now,
    }
}
