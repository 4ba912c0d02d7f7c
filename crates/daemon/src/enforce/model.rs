//! A firewall of the mind, as strict as the kernel's, that fails on demand.

use super::EnforceJail;
use super::backend::{Backend, Fault, Holdings, Seen, Write};
use super::ledger::Hold;
use base::{JailName, Prefix, Timestamp};
use os::netlink::nft::SetKind;
use os::netlink::sock_diag::{Outcome, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// What the firewall holds and how it misbehaves.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) sets: BTreeMap<JailName, BTreeMap<Prefix, Hold>>,
    /// Somebody took everything away.
    pub(super) lost: bool,
    /// Nothing works.
    pub(super) unavailable: bool,
    /// Transactions that put one of these are refused.
    pub(super) poison: BTreeSet<Prefix>,
    /// Somebody changed something.
    pub(super) foreign: bool,
    /// How many transactions were carried out.
    pub(super) transactions: usize,
    /// Whose connections were cut.
    pub(super) cut: BTreeSet<Prefix>,
}

/// The firewall; a clone shows the same state.
#[derive(Clone, Debug)]
pub(super) struct Model {
    state: Arc<Mutex<State>>,
    moves_networks: bool,
    /// From how many changes on everything is built anew.
    pub(super) bulk: usize,
}

impl Model {
    pub(super) fn new(moves_networks: bool) -> Self {
        Self {
            state: Arc::default(),
            moves_networks,
            bulk: usize::MAX,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What a jail holds at this time.
    pub(super) fn held(&self, jail: &JailName, now: Timestamp) -> BTreeMap<Prefix, Hold> {
        let state = self.state();
        let set = state.sets.get(jail).cloned().unwrap_or_default();
        set.into_iter().filter(|(_, h)| h.is_live(now)).collect()
    }
}

impl State {
    fn check(&self) -> Result<(), Fault> {
        if self.unavailable {
            return Err(Fault::Unavailable("out of order".to_owned()));
        }
        if self.lost {
            return Err(Fault::Lost("the table".to_owned()));
        }
        Ok(())
    }

    fn put(
        &mut self,
        jail: &JailName,
        prefix: Prefix,
        hold: Hold,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if self.poison.contains(&prefix) {
            return Err(Fault::Refused(format!("{prefix} is poison")));
        }
        let set = self.sets.entry(jail.clone()).or_default();
        set.retain(|_, h| h.is_live(now));
        let kind = SetKind::of(&prefix);
        let overlap = |p: &Prefix| {
            *p != prefix && SetKind::of(p) == kind && (p.contains(&prefix) || prefix.contains(p))
        };
        if kind.is_interval() && set.keys().any(overlap) {
            return Err(Fault::Refused(format!("{prefix} overlaps")));
        }
        if hold.is_live(now) {
            set.insert(prefix, hold);
        }
        Ok(())
    }
}

impl Backend for Model {
    fn name(&self) -> &'static str {
        "model"
    }

    fn is_owner(&self) -> bool {
        false
    }

    fn moves_networks(&self) -> bool {
        self.moves_networks
    }

    fn bulk(&self) -> usize {
        self.bulk
    }

    fn adopt(&mut self, jails: &[EnforceJail], now: Timestamp) -> Result<Holdings, Fault> {
        self.state().check()?;
        self.change_jails(jails)?;
        let held = jails
            .iter()
            .map(|j| self.held(&j.name, now).into_iter().collect());
        Ok(held.collect())
    }

    fn change_jails(&mut self, jails: &[EnforceJail]) -> Result<(), Fault> {
        let mut state = self.state();
        state.check()?;
        state
            .sets
            .retain(|name, _| jails.iter().any(|j| j.name == *name));
        Ok(())
    }

    fn rebuild(
        &mut self,
        jails: &[EnforceJail],
        holdings: &Holdings,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut state = self.state();
        let mut fresh = State {
            sets: BTreeMap::new(),
            lost: false,
            ..state.clone()
        };
        fresh.check()?;
        for (jail, held) in jails.iter().zip(holdings) {
            for (prefix, hold) in held {
                fresh.put(&jail.name, *prefix, *hold, now)?;
            }
        }
        *state = fresh;
        Ok(())
    }

    fn apply(
        &mut self,
        jails: &[EnforceJail],
        writes: &[Write],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut state = self.state();
        state.check()?;
        let mut next = state.clone();
        for write in writes {
            let (Write::Put { jail, prefix, .. } | Write::Remove { jail, prefix }) = write else {
                continue;
            };
            next.sets
                .entry(jails[*jail].name.clone())
                .or_default()
                .remove(prefix);
        }
        for write in writes {
            match write {
                Write::Put { jail, prefix, hold } => {
                    next.put(&jails[*jail].name, *prefix, *hold, now)?
                }
                Write::Remove { .. } => {}
                Write::Replace {
                    jail,
                    kind,
                    members,
                } => {
                    let name = &jails[*jail].name;
                    let set = next.sets.entry(name.clone()).or_default();
                    set.retain(|p, _| SetKind::of(p) != *kind);
                    for (prefix, hold) in members {
                        next.put(name, *prefix, *hold, now)?;
                    }
                }
            }
        }
        next.transactions += 1;
        *state = next;
        Ok(())
    }

    fn look(&mut self, jails: &[EnforceJail], samples: &[Vec<Prefix>]) -> Result<Seen, Fault> {
        let mut state = self.state();
        match state.check() {
            Err(Fault::Lost(what)) => return Ok(Seen::Lost(what)),
            result => result?,
        }
        if !std::mem::take(&mut state.foreign) {
            return Ok(Seen::Quiet);
        }
        for (jail, samples) in jails.iter().zip(samples) {
            let set = state.sets.get(&jail.name);
            let held = |p: &Prefix| set.is_some_and(|s| s.contains_key(p));
            if !samples.is_empty() && !samples.iter().any(held) {
                return Ok(Seen::Lost(format!("the bans of {}", jail.name)));
            }
        }
        Ok(Seen::Foreign)
    }

    fn holdings(
        &mut self,
        jails: &[EnforceJail],
        now: Timestamp,
    ) -> Result<Option<Holdings>, Fault> {
        self.state().check()?;
        let held = jails
            .iter()
            .map(|j| self.held(&j.name, now).into_iter().collect());
        Ok(Some(held.collect()))
    }

    fn holds(&mut self, jail: &EnforceJail, prefix: &Prefix) -> Result<Option<bool>, Fault> {
        let state = self.state();
        let set = state.sets.get(&jail.name);
        Ok(Some(set.is_some_and(|set| set.contains_key(prefix))))
    }

    fn ports_of(&mut self, _: &Prefix) -> Vec<u16> {
        Vec::new()
    }

    fn destroy(&mut self, targets: &[Target]) -> Result<Outcome, String> {
        let mut state = self.state();
        let peers: Vec<Prefix> = targets
            .iter()
            .flat_map(|t| t.peers.iter().copied())
            .collect();
        let outcome = Outcome {
            destroyed: peers.len(),
            unsupported: false,
        };
        state.cut.extend(peers);
        Ok(outcome)
    }

    fn remove(&mut self) -> Result<(), Fault> {
        let mut state = self.state();
        state.check()?;
        state.sets.clear();
        Ok(())
    }
}
