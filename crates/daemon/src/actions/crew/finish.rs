//! The end of all actions, in bounded time.

use super::Crew;
use crate::actions::queue::Job;
use crate::log::Level;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What is queued may take so long when the daemon ends; then it is given up, for the flush and the stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// The flush and the stop of all actions may take so long.
const LAST_PATIENCE: Duration = Duration::from_secs(40);

impl Crew {
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
