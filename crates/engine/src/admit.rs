//! From a failure to the decision to ban.

use crate::ignore::looks_like_address;
use crate::impose::{Origin, Proposal};
use crate::window::Told;
use crate::{BanKey, Effect, Engine, Event, Failure, JailId, JailPolicy};
use base::{FailureId, Family, NamedTexts, Prefix, Texts, Timestamp};
use std::borrow::Cow;

impl Engine {
    /// Counts a failure, unless it is ignored or of nobody, and bans if that was enough.
    pub(crate) fn admit(
        &mut self,
        now: Timestamp,
        id: JailId,
        failure: &Failure<'_>,
        out: &mut Vec<Effect>,
    ) {
        let Some(jail) = self.jails.get_mut(id.0 as usize) else {
            return;
        };
        if let Some(why) = self.guard.ignored(&jail.policy, failure.id) {
            out.push(Effect::Notify(Event::Ignored {
                jail: id,
                id: failure.id.clone(),
                why,
            }));
            return;
        }
        let subject = match failure.id {
            FailureId::Prefix(prefix) => {
                Cow::Owned(FailureId::Prefix(subject(&jail.policy, prefix)))
            }
            FailureId::Raw(text) if looks_like_address(text) => {
                jail.malformed += 1;
                let text = text.clone();
                out.push(Effect::Notify(Event::MalformedAddress { jail: id, text }));
                return;
            }
            raw @ FailureId::Raw(_) => Cow::Borrowed(raw),
        };
        jail.failed_total += 1;
        out.push(Effect::Notify(Event::Found {
            jail: id,
            id: failure.id.clone(),
            time: failure.time,
        }));
        let slot = jail.window.add(&subject, failure, &jail.policy);
        self.decide(now, id, slot, failure.captures, out);
    }

    /// Bans the id in a slot if its failures are enough and nothing forbids it. The captures are those of the
    /// last one.
    fn decide(
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
        let prefix = match &ticket.id {
            FailureId::Prefix(prefix) if jail.policy.enforceable => *prefix,
            other => {
                jail.not_enforceable += 1;
                let other = other.clone();
                out.push(Effect::Notify(Event::NotEnforceable {
                    jail: id,
                    id: other,
                }));
                jail.window.remove(slot);
                return;
            }
        };
        if let Some(why) = self.guard.protected(now, &jail.policy, &prefix) {
            // The count stays, so that the next failure after the protection bans; told once is enough.
            if !std::mem::replace(&mut ticket.told_protected, true) {
                out.push(Effect::Notify(Event::Protected {
                    jail: id,
                    prefix,
                    why,
                }));
            }
            return;
        }
        let length = jail.policy.ban_length();
        if let Some(told) = jail.window.take(slot, &jail.policy) {
            let key = BanKey { jail: id, prefix };
            self.impose(now, key, proposal(told, length, captures), None, out);
        }
    }

    /// A new ban of one jail is a failure in each jail that is fed by bans.
    pub(crate) fn feed(&mut self, now: Timestamp, key: BanKey, out: &mut Vec<Effect>) {
        for id in (0..self.jails.len() as u32).map(JailId) {
            let fed = self.jail(id).is_some_and(|jail| jail.policy.fed_by_bans);
            if fed && id != key.jail {
                let failure = Failure {
                    id: &FailureId::Prefix(key.prefix),
                    time: now,
                    user: None,
                    users: &Texts::default(),
                    matches: &Texts::default(),
                    captures: &NamedTexts::default(),
                };
                self.admit(now, id, &failure, out);
            }
        }
    }
}

/// The prefix that a jail counts and bans in place of what the log says.
fn subject(policy: &JailPolicy, prefix: &Prefix) -> Prefix {
    prefix.widened(match prefix.family() {
        Family::Inet4 => policy.ipv4_prefix,
        Family::Inet6 => policy.ipv6_prefix,
    })
}

fn proposal(told: Told, length: Option<base::Span>, captures: &NamedTexts) -> Proposal {
    Proposal {
        time: told.last,
        length,
        count: 1,
        failures: told.failures,
        users: told.users,
        matches: told.matches,
        captures: captures.clone(),
        origin: Origin::Failures,
        forced: false,
    }
}
