//! The end of all actions, in bounded time.

use super::Crew;
use crate::actions::queue::{Job, Queue};
use crate::log::Level;
use std::time::{Duration, Instant};

/// How long what may take when the daemon ends.
pub(super) struct Patience {
    /// What is queued.
    pub(super) queued: Duration,
    /// What undoes the bans.
    pub(super) flushes: Duration,
    /// The stops.
    pub(super) stops: Duration,
    /// Who leaves before others holds them up for so long at most.
    pub(super) turn: Duration,
}

/// Together less than the minute and a half that a service manager waits.
const USUAL: Patience = Patience {
    queued: Duration::from_secs(20),
    flushes: Duration::from_secs(25),
    stops: Duration::from_secs(15),
    turn: Duration::from_secs(3),
};

/// How often one looks whether somebody's turn is over, and says that one lives.
const GLANCE: Duration = Duration::from_millis(100);

impl Crew {
    /// The daemon ends: every action does what is queued, undoes its bans and stops, the last one of a jail first.
    /// `beat` is called often meanwhile. What takes too long is given up, and said.
    pub(crate) fn finish(self, beat: &dyn Fn()) {
        self.finish_within(&USUAL, beat);
    }

    pub(super) fn finish_within(mut self, patience: &Patience, beat: &dyn Fn()) {
        self.turn = Some(patience.turn);
        if !self.drain(patience.queued, beat) {
            self.give_up("what was queued for them", Queue::drop_bans);
        }
        for jail in 0..self.troops.len() {
            self.flush(jail);
        }
        if !self.drain(patience.flushes, beat) {
            self.give_up("to undo their bans", Queue::drop_all);
        }
        for troop in &mut self.troops {
            // Who keeps bans leaves in its turn; another jail's do not wait for them.
            for mut seat in troop.seats.drain(..).rev().filter(|seat| !seat.is_dead) {
                seat.queue.push(Job::Stop);
                troop.leaving.push(seat);
            }
        }
        if !self.drain(patience.stops, beat) {
            self.give_up("to stop them", Queue::drop_all);
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
            if let Ok(back) = self.returns.recv_timeout(left.min(GLANCE)) {
                self.take_back(back);
            }
            self.set_to_work();
        }
        true
    }

    /// Ends what runs and drops what waits, for lack of time. Who does not come back at once is in a hurry until it
    /// does: then it is free for what comes next.
    fn give_up(&mut self, what: &str, drop: fn(&mut Queue) -> usize) {
        let mut late = Vec::new();
        for troop in &mut self.troops {
            for seat in troop.seats.iter_mut().chain(&mut troop.leaving) {
                let is_away = seat.is_away();
                seat.hurry.set(is_away);
                if drop(&mut seat.queue) > 0 || is_away {
                    late.push(format!("'{}'", seat.name));
                }
            }
        }
        let text = format!(
            "{what} takes too long and is given up; actions {}",
            late.join(", ")
        );
        self.tools.tell(Level::Error, "actions", &text);
        let limit = Instant::now() + Duration::from_secs(2);
        while self.away > 0 {
            let left = limit.saturating_duration_since(Instant::now());
            match self.returns.recv_timeout(left) {
                Ok(back) => self.take_back(back),
                Err(_) => break,
            }
        }
    }
}
