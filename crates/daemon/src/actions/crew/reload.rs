//! Another configuration (behaviour §5.3): actions that stay get their new properties and a reload, new ones start and
//! are told of the bans that stand, those that are gone undo their bans and stop, the last one of a jail first.
//!
//! fail2ban loses an action that is new in the configuration; here a jail whose ban action was changed is never without
//! one.

use super::{Crew, Seat, Troop};
use crate::actions::queue::Job;
use crate::actions::ticket::Ticket;
use crate::actions::worker::{Act, Worker};
use std::sync::Arc;

impl Crew {
    /// Takes the jails of the new configuration, each at its new place; jails and actions are the same by their names.
    /// What the engine said of the old places must be told before.
    pub(crate) fn reload(&mut self, jails: Vec<(String, Vec<Worker>)>) {
        let mut before = std::mem::take(&mut self.troops);
        for (jail, workers) in jails {
            let known = before.iter().position(|troop| troop.jail == jail);
            let mut troop = known.map_or_else(|| Troop::new(jail), |place| before.remove(place));
            self.reload_troop(&mut troop, workers);
            self.troops.push(troop);
        }
        for mut troop in before {
            self.reload_troop(&mut troop, Vec::new());
            troop.live.clear();
            self.gone.push(troop);
        }
        self.gone.retain(|troop| !troop.leaving.is_empty());
        self.first = 0;
        self.set_to_work();
    }

    fn reload_troop(&mut self, troop: &mut Troop, workers: Vec<Worker>) {
        let live: Vec<Arc<Ticket>> = troop.live.values().cloned().collect();
        let mut before = std::mem::take(&mut troop.seats);
        before.retain(|seat| !seat.is_dead);
        for worker in workers {
            let same = |seat: &Seat| seat.name == worker.name && seat.is_scripts;
            match (&worker.act, before.iter().position(same)) {
                (Act::Scripts(life), Some(place)) => {
                    let mut seat = before.remove(place);
                    seat.queue.push(Job::Reload(Arc::clone(life.action())));
                    troop.seats.push(seat);
                }
                _ => {
                    let mut seat = self.seat(worker);
                    for ticket in &live {
                        seat.queue
                            .push(Job::Ban(Arc::clone(ticket), Default::default()));
                    }
                    troop.seats.push(seat);
                }
            }
        }
        before.reverse();
        for mut seat in before {
            seat.queue.push(Job::Flush(live.clone()));
            seat.queue.push(Job::Stop);
            troop.leaving.push(seat);
        }
    }
}
