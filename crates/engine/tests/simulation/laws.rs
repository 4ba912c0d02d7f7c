//! What must hold, checked with as little knowledge of the engine's inside as possible.

use crate::world::LISTED;
use base::{FailureId, Prefix, Span, Timestamp};
use engine::{
    Answer, BanKey, BanOutcome, BanRecord, Effect, Enforceable, Engine, Event, IgnoreList, JailId,
    Request, RequestId, StoreWrite,
};
use std::collections::{BTreeMap, BTreeSet};

type Kernel = BTreeMap<BanKey, Option<Timestamp>>;
type Store = BTreeMap<BanKey, BanRecord>;

#[derive(Default)]
pub(crate) struct Laws {
    pub(crate) own: Vec<Prefix>,
    pub(crate) protected: Vec<(Prefix, Option<Timestamp>)>,
    /// Whom each jail ignores now.
    pub(crate) lists: Vec<IgnoreList>,
    /// Whom each jail can keep out now.
    pub(crate) enforceable: Vec<Enforceable>,
    /// Bans by hand that override the protection.
    forced: BTreeSet<BanKey>,
    /// Told as banned and not as lifted: with the sooner of the end that was decided first and the one that was told: the other one need not be stored yet.
    acknowledged: BTreeMap<BanKey, Option<Timestamp>>,
    ends: BTreeMap<u64, Option<Timestamp>>,
    told: BTreeSet<u64>,
    /// Whom a write failed for, so that the store may differ.
    unstored: BTreeSet<BanKey>,
    all_unstored: bool,
    /// Ends that changed before their bans were told.
    cut: BTreeMap<BanKey, Option<Timestamp>>,
    /// Jails whose ban time changed: a start cuts longer rows to it, which stay as they are.
    other_bantime: BTreeSet<JailId>,
    /// Requests without a reply: in which jail they ban, and the moment they were asked.
    open: BTreeMap<RequestId, (Option<JailId>, u64)>,
    /// When a ban was last told or lifted.
    touched: BTreeMap<BanKey, u64>,
    /// Counts effects: a finer clock.
    moment: u64,
    found: Vec<u64>,
    /// Failures that may have counted twice, of whom was banned before.
    found_again: Vec<u64>,
    begun: Vec<u64>,
    wanted: BTreeSet<BanKey>,
}

fn covers(a: &FailureId, b: &FailureId) -> bool {
    a.contains(b) || b.contains(a)
}

/// The sooner one of two ends.
fn sooner(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn still(now: Timestamp, until: Option<Timestamp>) -> bool {
    until.is_none_or(|until| now <= until)
}

impl Laws {
    pub(crate) fn asked(&mut self, id: RequestId, request: &Request) {
        let jail = match request {
            Request::Ban { jail, .. } => Some(*jail),
            _ => None,
        };
        self.open.insert(id, (jail, self.moment));
        if let Request::Ban {
            jail,
            ids,
            force: true,
            ..
        } = request
        {
            let keys = ids.iter().map(|id| BanKey {
                jail: *jail,
                id: id.clone(),
            });
            self.forced.extend(keys);
        }
    }

    pub(crate) fn store_failed(&mut self, write: &StoreWrite) {
        match write {
            StoreWrite::Ban { jail, record, .. } | StoreWrite::Prolong { jail, record, .. } => {
                self.unstored.insert(BanKey {
                    jail: *jail,
                    id: record.id.clone(),
                });
            }
            StoreWrite::Length { jail, id, .. } | StoreWrite::Delete { jail, id, .. } => {
                self.unstored.insert(BanKey {
                    jail: *jail,
                    id: id.clone(),
                });
            }
            StoreWrite::DeleteAll { .. } => self.all_unstored = true,
        }
    }

    /// The ban time of a jail changes, and with it the ends of bans that have none of their own: those that end
    /// sooner from now on were promised longer.
    pub(crate) fn ends_changed(&mut self, engine: &Engine, jail: JailId, bantime: Option<Span>) {
        self.other_bantime.insert(jail);
        for ban in engine.bans().filter(|ban| ban.jail == jail) {
            let key = BanKey {
                jail,
                id: ban.id.clone(),
            };
            let end = bantime.map(|bantime| ban.time + bantime);
            match self.acknowledged.get_mut(&key) {
                Some(promised) => *promised = sooner(*promised, end),
                None => {
                    let cut = self.cut.entry(key).or_insert(end);
                    *cut = sooner(*cut, end);
                }
            }
        }
    }

    pub(crate) fn crashed(&mut self) {
        self.open.clear();
        self.ends.clear();
        self.told.clear();
        self.found.clear();
        self.found_again.clear();
        self.cut.clear();
        self.begun.clear();
        self.wanted.clear();
    }

    /// No acknowledged ban is lost by a crash.
    pub(crate) fn started(&mut self, now: Timestamp, engine: &Engine) -> Result<(), String> {
        let stands: BTreeMap<BanKey, Option<Timestamp>> = engine
            .bans()
            .map(|ban| {
                (
                    BanKey {
                        jail: ban.jail,
                        id: ban.id.clone(),
                    },
                    ban.until,
                )
            })
            .collect();
        self.acknowledged
            .retain(|_, until| until.is_none_or(|until| now < until));
        for (key, until) in self.acknowledged.clone() {
            let lost = key.id.prefix().is_none() && self.may_be_unstored(&key);
            if lost || self.forbidden(now, &key) {
                self.acknowledged.remove(&key);
                continue;
            }
            // It may be part of a network that is banned as a whole by now.
            let around = |(wanted, _): &(&BanKey, &Option<Timestamp>)| {
                wanted.jail == key.jail && wanted.id.contains(&key.id)
            };
            let around = stands.iter().find(around).map(|(_, until)| until);
            let Some(now_until) = stands.get(&key).or(around) else {
                return Err(format!("acknowledged {key:?} is lost by a crash"));
            };
            let shorter = match (now_until, until) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(a), Some(b)) => *a < b,
            };
            if shorter && !self.unstored.contains(&key) {
                return Err(format!(
                    "{key:?} until {until:?} is now until {now_until:?}"
                ));
            }
        }
        Ok(())
    }

    /// Whom no rule lets be banned.
    fn forbidden(&self, now: Timestamp, key: &BanKey) -> bool {
        let loopback = ["127.0.0.0/8", "::1"].map(|text| text.parse::<Prefix>().unwrap());
        let protected = |(prefix, until): &(Prefix, Option<Timestamp>)| {
            still(now, *until) && covers(&FailureId::of(*prefix), &key.id)
        };
        loopback
            .iter()
            .chain(&self.own)
            .any(|own| covers(&FailureId::of(*own), &key.id))
            || self.is_listed(key)
            || self.protected.iter().any(protected)
    }

    fn is_listed(&self, key: &BanKey) -> bool {
        let list = &self.lists[key.jail.0 as usize];
        list.overlaps(&key.id)
    }

    fn may_be_unstored(&self, key: &BanKey) -> bool {
        self.all_unstored || self.unstored.contains(key)
    }

    pub(crate) fn effect(
        &mut self,
        now: Timestamp,
        effect: &Effect,
        kernel: &Kernel,
        store: &Store,
    ) -> Result<(), String> {
        self.moment += 1;
        match effect {
            Effect::Ban { seq, key, until } => {
                if self.forbidden(now, key) && !self.forced.contains(key) {
                    return Err(format!("{key:?} is protected and banned"));
                }
                if !self.enforceable[key.jail.0 as usize].covers(&key.id) {
                    return Err(format!("{key:?} is banned and nothing can keep it out"));
                }
                if self.wanted.insert(key.clone()) {
                    count(&mut self.begun, key.jail);
                }
                self.ends.insert(*seq, *until);
            }
            Effect::Unban { key, expired, .. } => {
                if let (true, Some(until)) = (*expired, self.acknowledged.get(key))
                    && until.is_none_or(|until| now <= until)
                {
                    return Err(format!("{key:?} ends before its time"));
                }
                self.touched.insert(key.clone(), self.moment);
                self.acknowledged.remove(key);
                self.cut.remove(key);
                self.wanted.remove(key);
            }
            Effect::Notify(Event::Found { jail, .. } | Event::Attempted { jail, .. }) => {
                count(&mut self.found, *jail);
            }
            Effect::Notify(Event::FoundAgain { jail, .. }) => count(&mut self.found_again, *jail),
            Effect::Notify(Event::Banned {
                jail,
                id,
                seq,
                restored,
                until,
                ..
            }) => {
                let key = BanKey {
                    jail: *jail,
                    id: id.clone(),
                };
                self.banned(now, key, (*seq, *until), *restored, kernel, store)?;
            }
            Effect::Reply { id, answer } => {
                let Some((jail, asked)) = self.open.remove(id) else {
                    return Err(format!("{id:?} is replied to twice"));
                };
                if let (Some(jail), Answer::Ban(outcomes)) = (jail, answer) {
                    self.replied(jail, asked, outcomes)?;
                }
            }
            Effect::Notify(_) | Effect::Persist(_) => {}
        }
        Ok(())
    }

    /// A ban is told once, and only when kernel and store hold it.
    fn banned(
        &mut self,
        now: Timestamp,
        key: BanKey,
        (seq, told): (u64, Option<Timestamp>),
        restored: bool,
        kernel: &Kernel,
        store: &Store,
    ) -> Result<(), String> {
        if !self.told.insert(seq) {
            return Err(format!("{key:?} is acknowledged twice"));
        }
        let until = self.ends.get(&seq).copied().flatten();
        let over = until.is_some_and(|until| until < now);
        if !kernel.contains_key(&key) && !over {
            return Err(format!("{key:?} is acknowledged and not in the kernel"));
        }
        if !store.contains_key(&key) && !self.unstored.contains(&key) {
            return Err(format!("{key:?} is acknowledged and not in the store"));
        }
        self.touched.insert(key.clone(), self.moment);
        let cut = self.cut.remove(&key).flatten();
        let promised = sooner(sooner(until, told), cut);
        let before = self.acknowledged.insert(key.clone(), promised);
        if before.is_some() && !restored {
            return Err(format!("{key:?} is acknowledged again while it stands"));
        }
        Ok(())
    }

    /// Who is told "banned" was told as a ban since, or lifted since.
    fn replied(
        &self,
        jail: JailId,
        asked: u64,
        outcomes: &[(FailureId, BanOutcome)],
    ) -> Result<(), String> {
        for (id, outcome) in outcomes {
            let key = BanKey {
                jail,
                id: id.clone(),
            };
            let touched = self.touched.get(&key).is_some_and(|moment| *moment > asked);
            match outcome {
                BanOutcome::Waiting => return Err(format!("{key:?} is replied undecided")),
                BanOutcome::Banned if !touched => {
                    return Err(format!("{key:?} is replied before it is acknowledged"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What was counted is what was told.
    pub(crate) fn counters(&self, engine: &Engine) -> Result<(), String> {
        let standing = engine.bans().fold(vec![0; 4], |mut sums, ban| {
            sums[ban.jail.0 as usize] += 1;
            sums
        });
        for status in engine.status() {
            let place = status.jail.0 as usize;
            let at = |counts: &[u64]| counts.get(place).copied().unwrap_or(0);
            let good = status.banned == standing[place]
                && status.failed_total >= at(&self.found)
                && status.failed_total <= at(&self.found) + at(&self.found_again)
                && status.banned_total == at(&self.begun)
                && status.failing <= 6;
            if !good {
                return Err(format!("counters do not add up: {status:?}"));
            }
        }
        Ok(())
    }

    /// Desired, kernel and store are the same, and every request has its reply.
    pub(crate) fn at_rest(
        &self,
        now: Timestamp,
        engine: &Engine,
        kernel: &Kernel,
        store: &Store,
    ) -> Result<(), String> {
        let desired: Kernel = engine
            .bans()
            .map(|ban| {
                (
                    BanKey {
                        jail: ban.jail,
                        id: ban.id.clone(),
                    },
                    ban.until,
                )
            })
            .collect();
        // A start passes over what is in its last moment, as fail2ban does.
        let mut held = kernel.clone();
        held.retain(|key, until| *until != Some(now) || desired.contains_key(key));
        if desired != held {
            return Err(format!(
                "wanted {desired:?}\n but the kernel holds {held:?}"
            ));
        }
        let spared = |key: &&BanKey| self.is_listed(key) && !self.forced.contains(key);
        if let Some(key) = desired.keys().find(spared) {
            return Err(format!(
                "{key:?} is on the list of its jail and stays banned"
            ));
        }
        if let Some(ban) = engine.bans().find(|ban| !ban.acknowledged) {
            return Err(format!("{ban:?} is never acknowledged"));
        }
        if !self.open.is_empty() {
            return Err(format!("{:?} have no reply", self.open));
        }
        self.store_is(now, &desired, store)
    }

    fn store_is(&self, now: Timestamp, desired: &Kernel, store: &Store) -> Result<(), String> {
        let told = |key: &BanKey| self.may_be_unstored(key);
        for (key, until) in desired.iter().filter(|(key, _)| !told(key)) {
            match store.get(key) {
                Some(row) if row.until() == *until => {}
                Some(_) if self.other_bantime.contains(&key.jail) => {}
                row => return Err(format!("{key:?} until {until:?} is stored as {row:?}")),
            }
        }
        for (key, row) in store.iter().filter(|(key, _)| !told(key)) {
            let runs = row.until().is_none_or(|until| until > now);
            let around = |wanted: &BanKey| wanted.jail == key.jail && wanted.id.contains(&key.id);
            let stands = desired.keys().any(around);
            if runs && !stands && !self.may_be_left_out(now, key) {
                return Err(format!("{key:?} is stored and not wanted: {row:?}"));
            }
        }
        Ok(())
    }

    /// Rows of the protected stay when a start passes them over.
    fn may_be_left_out(&self, now: Timestamp, key: &BanKey) -> bool {
        self.forbidden(now, key)
            || self.was_protected(key)
            || self.other_bantime.contains(&key.jail)
            // The rows of a jail that lost its actions wait for others.
            || !self.enforceable[key.jail.0 as usize].covers(&key.id)
    }

    fn was_protected(&self, key: &BanKey) -> bool {
        ["10.0.0.2", "10.0.0.6", "2001:db8::2"]
            .iter()
            .chain(&LISTED)
            .any(|text| covers(&FailureId::from(*text), &key.id))
    }

    pub(crate) fn after_unban_all(
        &self,
        now: Timestamp,
        engine: &Engine,
        kernel: &Kernel,
        store: &Store,
    ) -> Result<(), String> {
        let held = kernel.values().any(|until| *until != Some(now));
        if engine.bans().next().is_some() || held || !store.is_empty() {
            return Err(format!("left after unban of all: {kernel:?} {store:?}"));
        }
        if !self.open.is_empty() {
            return Err(format!("{:?} have no reply", self.open));
        }
        Ok(())
    }
}

fn count(counts: &mut Vec<u64>, jail: JailId) {
    let place = jail.0 as usize;
    if counts.len() <= place {
        counts.resize(place + 1, 0);
    }
    counts[place] += 1;
}
