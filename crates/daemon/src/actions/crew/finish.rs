//! The end of all actions, in bounded time.

use super::Crew;
use crate::actions::queue::{Job, Queue};
use crate::log::Level;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What is queued may take so long when the daemon ends, then what undoes the bans, then the stops: together less than
/// the minute and a half that a service manager waits.
const QUEUED: Duration = Duration::from_secs(20);
const FLUSHES: Duration = Duration::from_secs(25);
const STOPS: Duration = Duration::from_secs(15);

impl Crew {
    /// The daemon ends: every action does what is queued, undoes its bans and stops, the last one of a jail first.
    /// `beat` is called often meanwhile. What takes too long is given up, and said.
    pub(crate) fn finish(mut self, beat: &dyn Fn()) {
        if !self.drain(QUEUED, beat) {
            self.give_up("what was queued for them", |queue| queue.drop_bans());
        }
        for jail in 0..self.troops.len() {
            self.flush(jail);
        }
        if !self.drain(FLUSHES, beat) {
            self.give_up("to undo their bans", Queue::drop_all);
        }
        for troop in &mut self.troops {
            // Who leaves does so one after the other; another jail's do not wait for them.
            for mut seat in troop.seats.drain(..).rev().filter(|seat| !seat.is_dead) {
                seat.queue.push(Job::Stop);
                troop.leaving.push(seat);
            }
        }
        if !self.drain(STOPS, beat) {
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
            if let Ok(back) = self.returns.recv_timeout(left.min(Duration::from_secs(1))) {
                self.take_back(back);
                self.set_to_work();
            }
        }
        true
    }

    /// Ends what runs and drops what waits, for lack of time.
    fn give_up(&mut self, what: &str, drop: fn(&mut Queue) -> usize) {
        let mut late = Vec::new();
        for troop in &mut self.troops {
            for seat in troop.seats.iter_mut().chain(&mut troop.leaving) {
                let dropped = drop(&mut seat.queue);
                if (seat.worker.is_none() && !seat.is_dead) || dropped > 0 {
                    late.push(format!("'{}'", seat.name));
                }
            }
        }
        let text = format!(
            "{what} takes too long and is given up; actions {}",
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
