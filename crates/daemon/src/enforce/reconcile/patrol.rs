//! Single bans that are missing from the kernel: found by asking for a few at a time, never by listing a set.
//!
//! What a look at the table shows is its shape and a few samples; whoever takes out one element changes neither. So the
//! bans are asked for one after the other, some at each look, round and round: each ban of a hundred thousand within
//! minutes, of a hundred at once.

use super::super::backend::Backend;
use super::super::{Held, Inspection, Report};
use super::{Hold, Reconciler};
use base::{JailName, Prefix, Span, Timestamp};
use std::ops::Bound;

/// Bans that are asked for at each look; each takes microseconds.
const AT_A_LOOK: usize = 64;
/// What ends so soon may be gone when the kernel is asked.
const SOON: Span = Span::from_secs(5);

/// Where the round is.
#[derive(Debug, Default)]
pub(super) struct Round {
    jail: usize,
    /// The last one that was asked for in this jail.
    after: Option<Prefix>,
}

impl<B: Backend> Reconciler<B> {
    /// Asks for the next few bans, and lets what is missing be written again.
    pub(super) fn patrol(&mut self, now: Timestamp, out: &mut Vec<Report>) {
        // What is lost or failing as a whole is put right as a whole.
        if self.lost.is_some() || self.failing.is_some() {
            return;
        }
        let mut left = AT_A_LOOK;
        for _ in 0..=self.books.len() {
            let jail = self.round.jail;
            let next = self.next_of_round(now, left);
            left -= next.len();
            self.round.after = next.last().copied().or(self.round.after);
            let is_done = left > 0;
            self.ask_for(jail, &next, out);
            if !is_done {
                return;
            }
            self.round = Round {
                jail: (jail + 1) % self.books.len().max(1),
                after: None,
            };
        }
    }

    fn next_of_round(&self, now: Timestamp, most: usize) -> Vec<Prefix> {
        let Some(books) = self.books.get(self.round.jail) else {
            return Vec::new();
        };
        let from = self.round.after.map_or(Bound::Unbounded, Bound::Excluded);
        let held = |p: &Prefix| books.ledger.is_applied(p).is_live(now + SOON);
        books
            .ledger
            .prefixes_from(from)
            .filter(held)
            .take(most)
            .collect()
    }

    fn ask_for(&mut self, jail: usize, prefixes: &[Prefix], out: &mut Vec<Report>) {
        let mut missing = 0;
        for prefix in prefixes {
            missing += usize::from(self.is_missing(jail, prefix) == Some(true));
        }
        if missing > 0 {
            let name = self.jails.get(jail).map(|jail| jail.name.to_string());
            let what = format!("single bans of jail {}", name.unwrap_or_default());
            out.push(Report::Healed { what, missing });
        }
    }

    /// True if the kernel has lost this one, which is due to be written then. `None` if it cannot say.
    fn is_missing(&mut self, jail: usize, prefix: &Prefix) -> Option<bool> {
        let (known, books) = (self.jails.get(jail)?, self.books.get_mut(jail)?);
        // A fault shows at the next look as what it is.
        let held = self.backend.holds(known, prefix).ok()??;
        if !held {
            books.ledger.applied(*prefix, Hold::NONE);
        }
        Some(!held)
    }

    /// What the kernel says of one ban, which is put right if need be.
    pub(super) fn inspect(
        &mut self,
        jail: &JailName,
        prefix: Prefix,
        after: Span,
        now: Timestamp,
        out: &mut Vec<Report>,
    ) {
        let index = self.index(jail);
        let wanted = |this: &Self| {
            let books = index.and_then(|index| this.books.get(index));
            books.is_some_and(|books| books.ledger.wanted(&prefix).is_live(now))
        };
        let mut held = Held::Unknown;
        if let (Some(index), true) = (index, wanted(self)) {
            let missing = self.is_missing(index, &prefix);
            let failures = self.reconcile(now, out);
            held = match (
                missing,
                failures.get(&(index, prefix)).or(self.failing.as_ref()),
            ) {
                (_, Some(error)) => Held::Failing(error.clone()),
                (Some(true), None) => Held::PutBack,
                (Some(false), None) => Held::Yes,
                (None, None) => Held::Unknown,
            };
        }
        let ports = self.backend.ports_of(&prefix);
        let asked = index.filter(|_| after == Inspection::ON_DEMAND);
        let dropped = asked
            .and_then(|index| self.jails.get(index))
            .and_then(|jail| self.backend.dropped(jail));
        out.push(Report::Inspected(Inspection {
            jail: jail.clone(),
            prefix,
            after,
            held,
            ports,
            dropped,
        }));
    }
}
