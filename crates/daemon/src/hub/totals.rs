//! Counters that go on over restarts: what the store had at the start, and what came since.
//!
//! The store is told once a second what is new, so that a crash costs the counters a second at most.

use super::Hub;
use crate::keep::Order;
use base::{JailName, Span, Timestamp};
use engine::{JailId, JailStatus};
use std::collections::BTreeMap;
use store::{Totals as Numbers, Write};

/// How often the store is told.
const EVERY: Span = Span::from_secs(1);

/// What was before this start, and what the store knows of this one.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    before: BTreeMap<String, Numbers>,
    told: BTreeMap<JailName, Numbers>,
    told_at: Option<Timestamp>,
}

impl Totals {
    pub(crate) fn new(before: BTreeMap<String, Numbers>) -> Self {
        Self {
            before,
            ..Self::default()
        }
    }

    /// The totals of a jail, all told.
    pub(super) fn ever(&self, jail: &JailStatus) -> Numbers {
        let before = self
            .before
            .get(jail.name.as_str())
            .copied()
            .unwrap_or_default();
        let now = since_start(jail);
        Numbers {
            failures: before.failures + now.failures,
            bans: before.bans + now.bans,
        }
    }

    /// A jail goes, and its counters with it: what it counted belongs to the time before from now on.
    fn leave(&mut self, jail: &str) {
        let told = self.told.remove(&JailName::new(jail)).unwrap_or_default();
        let before = self.before.entry(jail.to_owned()).or_default();
        before.failures += told.failures;
        before.bans += told.bans;
    }

    /// What the store does not know yet.
    fn news(&mut self, jails: &[JailStatus]) -> Vec<Write> {
        let news = jails.iter().filter_map(|jail| {
            let now = since_start(jail);
            let told = self.told.entry(jail.name.clone()).or_default();
            let more = Numbers {
                failures: now.failures.saturating_sub(told.failures),
                bans: now.bans.saturating_sub(told.bans),
            };
            *told = now;
            (more != Numbers::default()).then(|| Write::Counted {
                jail: jail.name.to_string(),
                more,
            })
        });
        news.collect()
    }
}

fn since_start(jail: &JailStatus) -> Numbers {
    Numbers {
        failures: jail.failed_total,
        bans: jail.banned_total.saturating_sub(jail.restored_total),
    }
}

impl Hub {
    /// Tells the store all of jails that are about to go.
    pub(super) fn settle_totals(&mut self, now: Timestamp, jails: &[JailId]) {
        self.keep_totals(now, true);
        for jail in jails {
            let name = self.name_of(*jail).to_string();
            self.totals.leave(&name);
        }
    }

    /// Tells the store what was counted, if it is time, or `at_once`.
    pub(super) fn keep_totals(&mut self, now: Timestamp, at_once: bool) {
        let last = self.totals.told_at;
        let is_due = last.is_none_or(|last| now < last || now.since(last) >= EVERY);
        if !is_due && !at_once {
            return;
        }
        self.totals.told_at = Some(now);
        for write in self.totals.news(&self.engine.status()) {
            self.keeper.send(Order::Write(write, None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jail(failures: u64, bans: u64, restored: u64) -> JailStatus {
        JailStatus {
            jail: JailId(0),
            name: JailName::new("sshd"),
            failing: 0,
            failed_total: failures,
            banned: 0,
            banned_total: bans,
            restored_total: restored,
            evicted: 0,
            lost_lines: 0,
            ineffective: 0,
            malformed: 0,
            not_enforceable: 0,
        }
    }

    fn numbers(failures: u64, bans: u64) -> Numbers {
        Numbers { failures, bans }
    }

    #[test]
    fn a_jail_that_comes_back_goes_on_from_where_it_was() {
        let mut totals = Totals::new(BTreeMap::from([("sshd".to_owned(), numbers(100, 10))]));
        let told = |totals: &mut Totals, status: &JailStatus| {
            let news = totals.news(std::slice::from_ref(status));
            let more = news.into_iter().map(|write| match write {
                Write::Counted { more, .. } => more,
                other => panic!("{other:?}"),
            });
            more.collect::<Vec<_>>()
        };
        assert_eq!(told(&mut totals, &jail(7, 3, 2)), [numbers(7, 1)]);
        assert_eq!(totals.ever(&jail(7, 3, 2)), numbers(107, 11));
        assert!(told(&mut totals, &jail(7, 3, 2)).is_empty());
        totals.leave("sshd");
        assert_eq!(totals.ever(&jail(0, 0, 0)), numbers(107, 11));
        assert!(told(&mut totals, &jail(0, 0, 0)).is_empty());
        assert_eq!(told(&mut totals, &jail(2, 1, 1)), [numbers(2, 0)]);
        assert_eq!(totals.ever(&jail(2, 1, 1)), numbers(109, 11));
    }
}
