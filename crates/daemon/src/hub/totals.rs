//! Counters that go on over restarts: what the store had at the start, and what came since.
//!
//! The store is told once a second what is new, so that a crash costs the counters a second at most.

use super::Hub;
use crate::keep::Order;
use base::{JailName, Span, Timestamp};
use engine::JailStatus;
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

    /// What the store does not know yet.
    fn news(&mut self, jails: &[JailStatus]) -> Vec<Write> {
        let news = jails.iter().filter_map(|jail| {
            let now = since_start(jail);
            let told = self.told.entry(jail.name.clone()).or_default();
            let more = Numbers {
                failures: now.failures - told.failures,
                bans: now.bans - told.bans,
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
        bans: jail.banned_total - jail.restored_total,
    }
}

impl Hub {
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
