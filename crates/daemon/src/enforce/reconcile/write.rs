//! Writing what differs, in as few transactions as it takes.

use super::super::backend::{Backend, Fault, Holdings, Write};
use super::super::ledger::Hold;
use super::super::{Report, Standing};
use super::{Books, Reconciler};
use base::{Prefix, Timestamp};
use os::netlink::nft::SetKind;
use std::collections::{BTreeMap, BTreeSet};

/// After so many single refusals the rest of a batch is not tried one by one.
const REFUSALS: usize = 64;
/// A piece of work that is done as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    One(usize, Prefix),
    Whole(usize, SetKind),
}

impl<B: Backend> Reconciler<B> {
    /// Writes what differs. Returns what could not be written and why.
    pub(super) fn reconcile(
        &mut self,
        now: Timestamp,
        out: &mut Vec<Report>,
    ) -> BTreeMap<(usize, Prefix), String> {
        let mut failures = BTreeMap::new();
        let mut trouble = None;
        self.expire(now);
        if self.lost.is_none() {
            let units = self.due_units();
            if !self.write_anew(units.len(), now) {
                self.commit(&units, now, &mut failures, out);
            }
            trouble = failures.values().next().cloned();
        }
        if let Some(what) = self.lost.clone() {
            trouble = self.rebuild(what, now, out);
            if trouble.is_none() {
                failures.clear();
            }
        }
        match trouble {
            Some(error) => self.tell_failing(error, out),
            None if self.failing.take().is_some() => out.push(Report::Recovered),
            None => {}
        }
        self.answer_late(now, out);
        failures
    }

    /// What is over is wanted no more.
    fn expire(&mut self, now: Timestamp) {
        for books in &mut self.books {
            for (prefix, hold) in books.networks.expire(now) {
                books.ledger.want(prefix, hold);
            }
            books.ledger.expire_due(now);
        }
    }

    fn due_units(&self) -> Vec<Unit> {
        let singly = self.backend.moves_networks();
        let mut units = Vec::new();
        let mut whole = BTreeSet::new();
        for (jail, books) in self.books.iter().enumerate() {
            for (prefix, _) in books.ledger.due() {
                let kind = SetKind::of(&prefix);
                if kind.is_interval() && !singly {
                    whole.insert(Unit::Whole(jail, kind));
                } else {
                    units.push(Unit::One(jail, prefix));
                }
            }
        }
        units.extend(whole);
        units
    }

    /// Carries units out in one transaction; where that is refused, in ever smaller ones.
    fn commit(
        &mut self,
        units: &[Unit],
        now: Timestamp,
        failures: &mut BTreeMap<(usize, Prefix), String>,
        out: &mut Vec<Report>,
    ) {
        if units.is_empty() || self.lost.is_some() {
            return;
        }
        let writes: Vec<Write> = units.iter().map(|unit| self.write(*unit, now)).collect();
        match self.backend.apply(&self.jails, &writes, now) {
            Ok(()) => self.done(&writes, out),
            Err(Fault::Lost(what)) => self.lost = Some(what),
            Err(Fault::Unavailable(text)) => self.fail(units, &text, failures),
            Err(Fault::Refused(text)) => match units {
                [Unit::One(jail, prefix)] if SetKind::of(prefix).is_interval() => {
                    // Something overlaps that we know nothing of.
                    let whole = [Unit::Whole(*jail, SetKind::of(prefix))];
                    self.commit(&whole, now, failures, out);
                }
                [_] => self.fail(units, &text, failures),
                _ if failures.len() >= REFUSALS => self.fail(units, &text, failures),
                _ => {
                    let (first, second) = units.split_at(units.len() / 2);
                    self.commit(first, now, failures, out);
                    self.commit(second, now, failures, out);
                }
            },
        }
    }

    fn write(&self, unit: Unit, now: Timestamp) -> Write {
        match unit {
            Unit::One(jail, prefix) => match self.wanted(jail, &prefix) {
                Hold::NONE => Write::Remove { jail, prefix },
                hold => Write::Put { jail, prefix, hold },
            },
            Unit::Whole(jail, kind) => {
                let live = self
                    .books
                    .get(jail)
                    .into_iter()
                    .flat_map(|b| b.ledger.live(now));
                Write::Replace {
                    jail,
                    kind,
                    members: live.filter(|(p, _)| SetKind::of(p) == kind).collect(),
                }
            }
        }
    }

    fn wanted(&self, jail: usize, prefix: &Prefix) -> Hold {
        self.books
            .get(jail)
            .map_or(Hold::NONE, |b| b.ledger.wanted(prefix))
    }

    fn done(&mut self, writes: &[Write], out: &mut Vec<Report>) {
        let tell = self.backend.only_tells();
        for write in writes {
            let (jail, changes) = match write {
                Write::Put { jail, prefix, hold } => (*jail, vec![(*prefix, *hold)]),
                Write::Remove { jail, prefix } => (*jail, vec![(*prefix, Hold::NONE)]),
                Write::Replace {
                    jail,
                    kind,
                    members,
                } => (*jail, self.replaced(*jail, *kind, members)),
            };
            let (Some(books), Some(spec)) = (self.books.get_mut(jail), self.jails.get(jail)) else {
                continue;
            };
            for (prefix, hold) in changes {
                books.ledger.applied(prefix, hold);
                if tell {
                    out.push(Report::Would {
                        ban: hold != Hold::NONE,
                        what: Standing {
                            jail: spec.name.clone(),
                            prefix,
                            until: hold.end().filter(|_| hold != Hold::NONE),
                        },
                    });
                }
            }
        }
    }

    /// What the kernel holds of all it may have held of one kind.
    fn replaced(
        &self,
        jail: usize,
        kind: SetKind,
        members: &[(Prefix, Hold)],
    ) -> Vec<(Prefix, Hold)> {
        let known = self
            .books
            .get(jail)
            .into_iter()
            .flat_map(|b| b.ledger.prefixes());
        let gone = known
            .filter(|p| SetKind::of(p) == kind)
            .map(|p| (p, Hold::NONE));
        let mut all: BTreeMap<Prefix, Hold> = gone.collect();
        all.extend(members.iter().copied());
        all.into_iter().collect()
    }

    fn fail(&self, units: &[Unit], text: &str, failures: &mut BTreeMap<(usize, Prefix), String>) {
        for unit in units {
            match unit {
                Unit::One(jail, prefix) => {
                    failures.insert((*jail, *prefix), text.to_owned());
                }
                Unit::Whole(jail, kind) => {
                    let due = self
                        .books
                        .get(*jail)
                        .into_iter()
                        .flat_map(|b| b.ledger.due());
                    for (prefix, _) in due.filter(|(p, _)| SetKind::of(p) == *kind) {
                        failures.insert((*jail, prefix), text.to_owned());
                    }
                }
            }
        }
    }

    /// Builds everything that is lost anew. Returns what went wrong.
    fn rebuild(&mut self, what: String, now: Timestamp, out: &mut Vec<Report>) -> Option<String> {
        match self.build(now) {
            Ok(missing) => {
                self.lost = None;
                out.push(Report::Healed { what, missing });
                None
            }
            Err(fault) => Some(format!("{what} is gone and cannot be put back: {fault}")),
        }
    }

    /// Where most must be written, making everything anew is cheaper: nothing has to be deleted before it is added.
    /// True if that was done.
    fn write_anew(&mut self, due: usize, now: Timestamp) -> bool {
        if due < self.backend.bulk() {
            return false;
        }
        let live: usize = self.books.iter().map(|b| b.ledger.live(now).count()).sum();
        due >= live / 2 && self.build(now).is_ok()
    }

    /// Makes the firewall hold exactly what is wanted. Returns how many bans that are.
    fn build(&mut self, now: Timestamp) -> Result<usize, Fault> {
        let live = |books: &Books| books.ledger.live(now).collect();
        let holdings: Holdings = self.books.iter().map(live).collect();
        self.backend.rebuild(&self.jails, &holdings, now)?;
        for books in &mut self.books {
            books.ledger.rebuilt(now);
        }
        Ok(holdings.iter().map(Vec::len).sum())
    }
}
