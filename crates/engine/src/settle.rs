//! What the failures of a read lead to: failures of those who were banned before weigh more, then bans begin.
//!
//! In fail2ban one thread counts, a second one weighs and a third one bans; here it is one step after the other, in
//! the order in which that settles: all failures of a read are counted first, then those of old acquaintances are
//! weighed against the bans that came before the read, and then who has failures enough is banned.

use crate::growth::weight;
use crate::impose::{Imposed, Proposal};
use crate::{BanKey, Effect, Engine, Event, Failure, JailId, Past};
use base::{FailureId, NamedTexts, Texts, Timestamp};
use std::collections::BTreeSet;

/// Memory for so many bans is kept for the next read: most bring few.
const KEPT: usize = 16;

/// What waits for the end of a read.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) again: Vec<FoundAgain>,
    pub(crate) bans: Vec<(BanKey, Proposal)>,
}

impl Due {
    pub(crate) fn is_empty(&self) -> bool {
        self.again.is_empty() && self.bans.is_empty()
    }
}

/// A counted failure in a jail where bans grow, of somebody who was banned there before.
#[derive(Debug)]
pub(crate) struct FoundAgain {
    pub(crate) jail: JailId,
    pub(crate) id: FailureId,
    pub(crate) time: Timestamp,
    pub(crate) past: Past,
    /// It was the first one of its entry.
    pub(crate) is_first: bool,
    /// Its lines, which fail2ban tells again for all but the first failure.
    pub(crate) matches: Texts,
    pub(crate) captures: NamedTexts,
}

impl FoundAgain {
    /// None in a jail where bans do not grow, of somebody new, or of a failure from before the last ban: such a line
    /// was read twice.
    pub(crate) fn of(
        engine: &Engine,
        jail: JailId,
        subject: &FailureId,
        failure: &Failure<'_>,
        is_first: bool,
    ) -> Option<Self> {
        engine.jail(jail)?.policy.growth.as_ref()?;
        let id = subject.clone();
        let past = engine.history.of(&BanKey { jail, id })?;
        (failure.time > past.time).then(|| {
            let mut matches = Texts::default();
            if !is_first {
                matches.append(failure.matches);
            }
            Self {
                jail,
                id: subject.clone(),
                time: failure.time,
                past,
                is_first,
                matches,
                captures: failure.captures.clone(),
            }
        })
    }
}

impl Engine {
    /// Decides what all failures told so far lead to. Most inputs find nothing that waits.
    #[inline]
    pub(crate) fn settle(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        // A ban may be a failure in another jail.
        while !self.due.is_empty() {
            self.settle_round(now, out);
        }
    }

    /// Not a part of `settle` also once compiled: that would save what this needs at each step.
    #[inline(never)]
    fn settle_round(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        for again in std::mem::take(&mut self.due.again) {
            self.weigh(now, &again, out);
        }
        // A ban grows after all bans of a round began: a second one of the same id meets it as it was before.
        let mut grown = BTreeSet::new();
        let mut bans = std::mem::take(&mut self.due.bans);
        for (key, proposal) in bans.drain(..) {
            if !self.may_begin(now, &key, out) {
                continue;
            }
            if grown.contains(&key) {
                self.stands_already(&key, proposal.time, out);
                continue;
            }
            let imposed = self.impose(now, key.clone(), proposal, None, out);
            if imposed == Imposed::New && self.bans.get(&key).is_some_and(|ban| !ban.usual) {
                grown.insert(key);
            }
        }
        if self.due.bans.is_empty() && bans.capacity() <= KEPT {
            self.due.bans = bans;
        }
    }

    /// False, and told, if the rules spare this one since its failures were enough.
    pub(crate) fn may_begin(&self, now: Timestamp, key: &BanKey, out: &mut Vec<Effect>) -> bool {
        let jail = key.jail;
        let Some(policy) = self.jail(jail).map(|jail| &jail.policy) else {
            return false;
        };
        let why = self.guard.protected(now, policy, &key.id);
        if let Some(why) = why {
            let id = key.id.clone();
            out.push(Effect::Notify(Event::Protected { jail, id, why }));
        }
        why.is_none() && policy.enforceable.covers(&key.id)
    }

    fn stands_already(&self, key: &BanKey, time: Timestamp, out: &mut Vec<Effect>) {
        if let Some(ban) = self.bans.get(key) {
            out.push(Effect::Notify(Event::AlreadyBanned {
                jail: key.jail,
                id: key.id.clone(),
                after: time.since(ban.time),
                until: ban.until,
                longer: false,
            }));
        }
    }

    fn weigh(&mut self, now: Timestamp, again: &FoundAgain, out: &mut Vec<Effect>) {
        let FoundAgain {
            jail: id,
            time,
            past,
            ..
        } = *again;
        let Some(jail) = self.jails.get_mut(id.0 as usize) else {
            return;
        };
        let maxretry = jail.policy.maxretry;
        let whole = weight(past.count);
        let weight = whole.min(maxretry);
        if weight <= 1 {
            return;
        }
        out.push(Effect::Notify(Event::FoundAgain {
            jail: id,
            id: again.id.clone(),
            time,
            bans: past.count,
            weight,
            cut: whole > maxretry,
            enough: weight == maxretry,
        }));
        let more = weight - 1;
        let found = jail.window.add_again(
            &again.id,
            time,
            more,
            &again.matches,
            past.count,
            &jail.policy,
        );
        if let Some(slot) = found {
            jail.failed_total += 1;
            self.decide(now, id, slot, &again.captures, out);
        } else if self.as_fail2ban && (again.is_first || maxretry == 1) {
            self.decide_overdue(now, id, out);
        }
    }
}
