//! From a failure to the decision to ban.

use crate::impose::{Origin, Proposal};
use crate::settle::FoundAgain;
use crate::window::Told;
use crate::{BanKey, Effect, Engine, Event, Failure, JailId};
use base::{FailureId, NamedTexts, Span, Texts, Timestamp};

/// Who tells a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A jail's rules.
    Rule,
    /// Somebody, by a request.
    Hand,
}

impl Engine {
    /// Counts a failure, unless it is ignored or of nobody; if that was enough, a ban is due. True if it was counted.
    pub(crate) fn admit(
        &mut self,
        now: Timestamp,
        id: JailId,
        failure: &Failure<'_>,
        source: Source,
        out: &mut Vec<Effect>,
    ) -> bool {
        let Some(jail) = self.jails.get_mut(id.0 as usize) else {
            return false;
        };
        if let Some(why) = self.guard.ignored(&jail.policy, failure.id) {
            out.push(Effect::Notify(Event::Ignored {
                jail: id,
                id: failure.id.clone(),
                why,
            }));
            return false;
        }
        if let FailureId::Raw(text) = failure.id
            && failure.id.is_malformed_address()
        {
            jail.malformed += 1;
            let text = text.clone();
            out.push(Effect::Notify(Event::MalformedAddress { jail: id, text }));
            return false;
        }
        let subject = jail.policy.subject(failure.id);
        jail.failed_total += 1;
        let weight = match source {
            Source::Rule => 1,
            Source::Hand => failure.matches.len().max(1) as u32,
        };
        // In a rehearsal whoever tells a failure counts it.
        if !self.is_rehearsal {
            let (jail, id, time) = (id, failure.id.clone(), failure.time);
            out.push(Effect::Notify(match source {
                Source::Rule => Event::Found { jail, id, time },
                Source::Hand => Event::Attempted { jail, id, time },
            }));
        }
        let (slot, is_first) = jail.window.add(&subject, failure, weight, &jail.policy);
        let (grows, bans) = (jail.policy.growth.is_some(), jail.banned > 0);
        // A ban takes its owner's count along: whoever is banned begins anew.
        if is_first && bans && source == Source::Rule {
            self.doubt(now, id, &subject, failure.time, out);
        }
        if grows {
            let again = FoundAgain::of(self, id, &subject, failure, is_first);
            self.due.again.extend(again);
        }
        self.decide(now, id, slot, failure.captures, out);
        true
    }

    /// True if a ban of this one stands in a jail, or one of the network around.
    pub fn is_banned(&self, jail: JailId, id: &FailureId) -> bool {
        let Some(policy) = self.jail(jail).map(|jail| &jail.policy) else {
            return false;
        };
        let id = policy.subject(id).into_owned();
        self.ban_of(BanKey { jail, id }).is_some()
    }

    pub(crate) fn ban_of(&self, own: BanKey) -> Option<BanKey> {
        match self.bans.get(&own) {
            Some(_) => Some(own),
            None => self.parent_of(&own),
        }
    }

    /// Somebody fails who may be banned, also with a network around.
    fn doubt(
        &mut self,
        now: Timestamp,
        jail: JailId,
        subject: &FailureId,
        time: Timestamp,
        out: &mut Vec<Effect>,
    ) {
        let id = subject.clone();
        let own = BanKey { jail, id };
        if !self.doubt_ban(now, &own, time, out)
            && let Some(parent) = self.parent_of(&own)
        {
            self.doubt_ban(now, &parent, time, out);
        }
    }

    /// A failure of somebody whose ban stands: if it has stood for a while, it does not do what it is there for. False
    /// if there is no such ban.
    pub(crate) fn doubt_ban(
        &mut self,
        now: Timestamp,
        key: &BanKey,
        time: Timestamp,
        out: &mut Vec<Effect>,
    ) -> bool {
        let Some(ban) = self.bans.get_mut(key) else {
            return false;
        };
        if !ban.is_doubtful(now, time) {
            return true;
        }
        ban.ineffective = true;
        let after = time.since(ban.announced_at);
        out.push(Effect::Notify(Event::Ineffective {
            jail: key.jail,
            id: key.id.clone(),
            after,
        }));
        if let Some(jail) = self.jail_mut(key.jail) {
            jail.ineffective += 1;
        }
        true
    }

    /// Lets the ban of the id in a slot be due if its failures are enough and nothing forbids it. The captures are
    /// those of the last one.
    pub(crate) fn decide(
        &mut self,
        now: Timestamp,
        id: JailId,
        slot: u32,
        captures: &NamedTexts,
        out: &mut Vec<Effect>,
    ) {
        let Some(jail) = self.jails.get_mut(id.0 as usize) else {
            return;
        };
        let Some(ticket) = jail.window.ticket(slot) else {
            return;
        };
        if ticket.retry < i64::from(jail.policy.maxretry) {
            return;
        }
        if !jail.policy.enforceable.covers(&ticket.id) {
            jail.not_enforceable += 1;
            out.push(Effect::Notify(Event::NotEnforceable {
                jail: id,
                id: ticket.id.clone(),
            }));
            jail.window.remove(slot);
            return;
        }
        if let Some(why) = self.guard.protected(now, &jail.policy, &ticket.id) {
            // The count stays, so that the next failure after the protection bans; told once is enough.
            if !std::mem::replace(&mut ticket.told_protected, true) {
                out.push(Effect::Notify(Event::Protected {
                    jail: id,
                    id: ticket.id.clone(),
                    why,
                }));
            }
            return;
        }
        let key = BanKey {
            jail: id,
            id: ticket.id.clone(),
        };
        // In a rehearsal nobody asks what made a ban longer.
        let told = match self.is_rehearsal && self.bans.get(&key).is_some() {
            true => jail.window.take_untold(slot),
            false => jail.window.take(slot, &jail.policy),
        };
        if let Some(told) = told {
            let proposal = proposal(told, jail.policy.bantime, captures);
            self.due.bans.push((key, proposal));
        }
    }

    /// The same for an id whose failures became enough when `maxretry` was lowered, if there is one. fail2ban comes
    /// to it by chance: when it weighs a failure of somebody who is banned already.
    pub(crate) fn decide_overdue(&mut self, now: Timestamp, id: JailId, out: &mut Vec<Effect>) {
        let Some(jail) = self.jails.get_mut(id.0 as usize) else {
            return;
        };
        if !jail.maxretry_was_lowered {
            return;
        }
        match jail.window.overdue(jail.policy.maxretry) {
            Some(slot) => self.decide(now, id, slot, &NamedTexts::default(), out),
            None => jail.maxretry_was_lowered = false,
        }
    }

    /// A new ban of one jail is a failure in each jail that is fed by bans. Of an address: fail2ban reads who was banned
    /// as an address or a host name, and a user of that name must not bring bans upon a host.
    pub(crate) fn feed(&mut self, now: Timestamp, key: &BanKey, out: &mut Vec<Effect>) {
        if key.id.prefix().is_none() {
            return;
        }
        for id in (0..self.jails.len() as u32).map(JailId) {
            let fed = self.jail(id).is_some_and(|jail| jail.policy.fed_by_bans);
            if fed && id != key.jail {
                let failure = Failure {
                    id: &key.id,
                    time: now,
                    user: None,
                    users: &Texts::default(),
                    matches: &Texts::default(),
                    captures: &NamedTexts::default(),
                };
                self.admit(now, id, &failure, Source::Rule, out);
            }
        }
    }
}

fn proposal(told: Told, length: Option<Span>, captures: &NamedTexts) -> Proposal {
    Proposal {
        time: told.last,
        length,
        count: told.bans + 1,
        failures: told.failures,
        users: told.users,
        matches: told.matches,
        captures: captures.clone(),
        origin: Origin::Failures,
        forced: false,
    }
}
