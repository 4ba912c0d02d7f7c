//! A jail's rules change while it runs.
//!
//! A ban that lasts as long as the jail's bans do gets a new end with them. fail2ban looks for ended bans no earlier
//! than at the end that was the first one before the change, so that a shortened ban may stand for long after the end
//! that is listed; under its name we do the same.

use crate::bans::ends_later;
use crate::engine::Jail;
use crate::pending::Wait;
use crate::{BanKey, Effect, Enforceable, Engine, JailId, JailPolicy, LiftReason, StoreWrite};
use base::{FailureId, Span, Timestamp};

impl Engine {
    /// Takes new rules for a jail.
    pub(crate) fn change(
        &mut self,
        now: Timestamp,
        id: JailId,
        policy: JailPolicy,
        out: &mut Vec<Effect>,
    ) {
        let Some(jail) = self.jails.get_mut(id.0 as usize) else {
            return;
        };
        let before = std::mem::replace(&mut jail.policy, policy);
        let other_list = jail.policy.ignoreip != before.ignoreip;
        jail.maxretry_was_lowered |= jail.policy.maxretry < before.maxretry;
        let bantime = jail.policy.bantime;
        let enforceable = jail.policy.enforceable;
        if enforceable < before.enforceable {
            self.lift_those(
                id,
                LiftReason::Unenforceable,
                |id| !enforceable.covers(id),
                out,
            );
        }
        self.ask_again(id, out);
        if other_list {
            self.lift_ignored(id, out);
        }
        if bantime == before.bantime {
            return;
        }
        self.keep_look(now, id);
        let usual = self.bans.of(id).filter(|(_, ban)| ban.usual);
        let moved: Vec<(BanKey, Option<Timestamp>)> = usual
            .map(|(key, ban)| (key.clone(), bantime.map(|length| ban.time + length)))
            .collect();
        for (key, until) in moved {
            let Some(last) = self.bans.get(&key).map(|ban| ban.last_seq) else {
                continue;
            };
            let lifted_after = self.lifted_after(id, until);
            let seq = self.fly(&key, false, Wait::Waiting, Wait::Waiting, None);
            let effect = Effect::Ban {
                seq,
                key: key.clone(),
                until: lifted_after,
            };
            out.push(effect);
            let BanKey { jail, id } = key.clone();
            let length = bantime;
            out.push(Effect::Persist(StoreWrite::Length {
                seq,
                jail,
                id,
                length,
            }));
            self.bans.renew(&key, lifted_after, |ban| {
                if !ends_later(until, ban.until) {
                    ban.cut_seq = seq;
                }
                ban.until = until;
                ban.last_seq = seq;
            });
            self.pending.supersede(last);
        }
    }

    /// Lifts a jail's bans and forgets its failures, but not its place.
    pub(crate) fn remove(&mut self, id: JailId, out: &mut Vec<Effect>) {
        self.lift_those(id, LiftReason::JailRemoved, |_| true, out);
        let limits = self.limits;
        if let Some(jail) = self.jails.get_mut(id.0 as usize) {
            let mut policy = jail.policy.clone();
            policy.enforceable = Enforceable::Nobody;
            policy.fed_by_bans = false;
            *jail = Jail::new(policy, &limits);
            self.looks.remove(&id);
        }
    }

    /// Lifts bans of a jail; their rows stay.
    fn lift_those(
        &mut self,
        jail: JailId,
        why: LiftReason,
        which: impl Fn(&FailureId) -> bool,
        out: &mut Vec<Effect>,
    ) {
        let bans = self.bans.of(jail).map(|(key, _)| key);
        let keys: Vec<BanKey> = bans.filter(|key| which(&key.id)).cloned().collect();
        for key in keys {
            self.lift(key, why, Wait::Over, None, out);
        }
    }

    /// Has bans enforced that nothing holds yet: what enforces the jail's bans may be another thing now.
    fn ask_again(&mut self, id: JailId, out: &mut Vec<Effect>) {
        let bans = self.bans.of(id).filter(|(_, ban)| !ban.applied);
        let waiting: Vec<BanKey> = bans.map(|(key, _)| key.clone()).collect();
        for key in waiting {
            let seq = self.fly(&key, false, Wait::Waiting, Wait::Over, None);
            let Some(ban) = self.bans.get_mut(&key) else {
                continue;
            };
            let last = std::mem::replace(&mut ban.last_seq, seq);
            let until = ban.lifted_after;
            self.pending.supersede(last);
            out.push(Effect::Ban { seq, key, until });
        }
    }

    /// Keeps the moment at which ended bans are looked for as it is, whatever ends change.
    pub(crate) fn keep_look(&mut self, now: Timestamp, id: JailId) {
        if !self.as_fail2ban || self.jail(id).is_none() {
            return;
        }
        if self.looks.get(&id).is_none_or(|look| now >= *look) {
            let first_end = self.bans.of(id).filter_map(|(_, ban)| ban.until).min();
            self.looks.insert(id, first_end.unwrap_or(Timestamp::MAX));
        }
    }

    /// The last moment before a ban of this end is lifted.
    pub(crate) fn lifted_after(&self, id: JailId, until: Option<Timestamp>) -> Option<Timestamp> {
        let before = self.looks.get(&id).map(|look| *look - Span::from_micros(1));
        until.map(|until| before.map_or(until, |before| until.max(before)))
    }

    /// A new ban ends then: bans of its jail whose end is past are looked at by then, too.
    pub(crate) fn look_by(&mut self, id: JailId, end: Option<Timestamp>) {
        let (Some(look), Some(end)) = (self.looks.get_mut(&id), end) else {
            return;
        };
        if *look <= end {
            return;
        }
        *look = end;
        let late = |ban: &crate::bans::Ban| ban.until < ban.lifted_after;
        let late: Vec<(BanKey, Option<Timestamp>)> = self
            .bans
            .of(id)
            .filter(|(_, ban)| late(ban))
            .map(|(key, ban)| (key.clone(), ban.until))
            .collect();
        for (key, until) in late {
            let lifted_after = self.lifted_after(id, until);
            self.bans.renew(&key, lifted_after, |_| ());
        }
    }
}
