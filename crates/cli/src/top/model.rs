//! What the screen shows, from one answer of the daemon after the other: numbers, and rates from their differences.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use wire::{Ban, JailStatus, Status};

/// The time over which rates are taken.
const WINDOW: Duration = Duration::from_secs(60);

/// Everything that was heard.
#[derive(Default)]
pub(super) struct Model {
    pub(super) status: Option<Status>,
    /// The bans that began last, newest first.
    pub(super) bans: Vec<Ban>,
    /// Seconds since 1970 of the last answer.
    pub(super) now: i64,
    /// Why there is no newer answer.
    pub(super) trouble: Option<String>,
    /// The totals of the last minute, oldest first.
    samples: VecDeque<Sample>,
}

struct Sample {
    at: Instant,
    /// Failures and bans since the start, by jail.
    totals: BTreeMap<String, (u64, u64)>,
}

/// Per minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) failures: f64,
    pub(super) bans: f64,
}

impl Model {
    /// Takes an answer.
    pub(super) fn take(&mut self, at: Instant, now: i64, status: Status, mut bans: Vec<Ban>) {
        let restarted = self
            .status
            .as_ref()
            .is_some_and(|before| before.started != status.started);
        if restarted {
            self.samples.clear();
        }
        let total = |jail: &JailStatus| (jail.name.clone(), (jail.failed_total, jail.banned_total));
        let totals = status.jails.iter().map(total).collect();
        self.samples.push_back(Sample { at, totals });
        // One sample older than the window is its beginning.
        while self
            .samples
            .get(1)
            .is_some_and(|second| at.duration_since(second.at) >= WINDOW)
        {
            self.samples.pop_front();
        }
        bans.sort_by_key(|ban| std::cmp::Reverse(ban.time));
        (self.status, self.bans, self.now, self.trouble) = (Some(status), bans, now, None);
    }

    /// The daemon does not answer; what it said last stays on the screen.
    pub(super) fn lost(&mut self, why: String) {
        self.trouble = Some(why);
    }

    /// The rates of a jail over the last minute.
    pub(super) fn rates(&self, jail: &str) -> Rates {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return Rates::default();
        };
        let minutes = last.at.duration_since(first.at).as_secs_f64() / 60.0;
        let (Some(before), Some(now)) = (first.totals.get(jail), last.totals.get(jail)) else {
            return Rates::default();
        };
        if minutes <= 0.0 {
            return Rates::default();
        }
        let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / minutes;
        Rates {
            failures: rate(before.0, now.0),
            bans: rate(before.1, now.1),
        }
    }

    /// The rates of all jails together.
    pub(super) fn all_rates(&self) -> Rates {
        let jails = self.status.iter().flat_map(|status| &status.jails);
        jails.fold(Rates::default(), |sum, jail| {
            let one = self.rates(&jail.name);
            Rates {
                failures: sum.failures + one.failures,
                bans: sum.bans + one.bans,
            }
        })
    }

    /// The banned who tried most, first.
    pub(super) fn attackers(&self) -> Vec<&Ban> {
        let mut bans: Vec<&Ban> = self.bans.iter().collect();
        bans.sort_by_key(|ban| std::cmp::Reverse(ban.failures));
        bans
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ban, jail, status};
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_minute() {
        let mut model = Model::default();
        let start = Instant::now();
        let mut take = |after: u64, failed: u64| {
            let at = start + Duration::from_secs(after);
            model.take(
                at,
                0,
                status(vec![jail("sshd", failed, failed / 10)]),
                Vec::new(),
            );
            (model.rates("sshd").failures, model.rates("sshd").bans)
        };
        assert_eq!(take(0, 100), (0.0, 0.0));
        assert_eq!(take(30, 150), (100.0, 10.0));
        assert_eq!(take(60, 200), (100.0, 10.0));
        // What was before the minute does not count any more.
        assert_eq!(take(90, 200), (50.0, 5.0));
        assert_eq!(take(200, 200), (0.0, 0.0));
        assert_eq!(model.rates("none"), Rates::default());
    }

    #[test]
    fn a_restart_begins_anew() {
        let mut model = Model::default();
        let start = Instant::now();
        model.take(start, 0, status(vec![jail("sshd", 100, 1)]), Vec::new());
        let mut later = status(vec![jail("sshd", 3, 0)]);
        later.started += 5;
        model.take(start + Duration::from_secs(6), 0, later, Vec::new());
        assert_eq!(model.all_rates(), Rates::default());
    }

    #[test]
    fn attackers_are_those_who_tried_most() {
        let mut model = Model::default();
        let bans = vec![
            ban("192.0.2.1", 5, 3),
            ban("192.0.2.2", 9, 1),
            ban("192.0.2.3", 7, 8),
        ];
        model.take(Instant::now(), 0, status(Vec::new()), bans);
        let texts = |bans: &[&Ban]| {
            bans.iter()
                .map(|ban| ban.ip.clone())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(texts(&model.attackers()), "192.0.2.3 192.0.2.1 192.0.2.2");
        assert_eq!(
            texts(&model.bans.iter().collect::<Vec<_>>()),
            "192.0.2.2 192.0.2.3 192.0.2.1"
        );
    }
}
