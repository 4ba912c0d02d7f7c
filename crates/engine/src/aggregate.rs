//! Many banned neighbours make one ban of their network (contract 21).
//!
//! When as many distinct addresses of a network are banned as the jail's `aggregate` says, the network is banned, and
//! once that is acknowledged the bans inside that end no later are lifted. Their rows stay in the store, for a fail2ban
//! that may use it next and knows no bans of networks; a start passes over those that lie inside. Nobody whom the jail
//! ignores, and nobody who is protected, comes into such a ban.

use crate::bans::{Ban, MARK_CHILDREN, ends_later};
use crate::impose::{Imposed, Origin, Proposal};
use crate::pending::Wait;
use crate::window::MAX_USERS;
use crate::{BanKey, Effect, Engine, Event, LiftReason};
use base::{FailureId, Family, NamedTexts, Span, Timestamp};
use std::cmp::Reverse;

/// When a network is banned as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Of which family.
    pub family: Family,
    /// The length of the network: 16 or more for IPv4, 32 or more for IPv6, less than the jail's own.
    pub length: u8,
    /// So many distinct bans of the jail's own prefix length are enough; at least 2.
    pub children: u32,
}

impl Engine {
    /// Bans the narrowest network of a new ban that has enough of them, if nothing forbids it.
    pub(crate) fn aggregate(&mut self, now: Timestamp, key: &BanKey, out: &mut Vec<Effect>) {
        let jail = key.jail;
        let Some(prefix) = key.id.prefix() else {
            return;
        };
        let rules = self.jail(jail).map(|jail| jail.policy.aggregate.clone());
        for rule in rules.into_iter().flatten() {
            if rule.family != prefix.family() || rule.length >= prefix.length() {
                continue;
            }
            let network = prefix.widened(rule.length);
            let parent = BanKey {
                jail,
                id: FailureId::Prefix(network),
            };
            if self.bans.get(&parent).is_some() {
                return;
            }
            let children: Vec<BanKey> = self
                .bans
                .inside(&parent)
                .filter(|key| self.counts(key) > 0)
                .cloned()
                .collect();
            let many: u32 = children.iter().map(|key| self.counts(key)).sum();
            if many < rule.children {
                continue;
            }
            if !self.may_begin(now, &parent, out) {
                continue;
            }
            let proposal = self.of_children(&parent, &children, key);
            out.push(Effect::Notify(Event::Aggregated {
                jail,
                prefix: network,
                children: many,
                listed: proposal
                    .captures
                    .get(MARK_CHILDREN)
                    .unwrap_or_default()
                    .into(),
            }));
            let imposed = self.impose(now, parent, proposal, None, out);
            debug_assert_ne!(imposed, Imposed::Expired, "its children stand");
            return;
        }
    }

    /// For how many children a ban counts: one of the jail's own prefix length for one, a network that was banned for
    /// its children for these, any other one for none.
    fn counts(&self, key: &BanKey) -> u32 {
        let Some(prefix) = key.id.prefix() else {
            return 0;
        };
        let own = self.jail(key.jail).map(|jail| match prefix.family() {
            Family::Inet4 => jail.policy.ipv4_prefix,
            Family::Inet6 => jail.policy.ipv6_prefix,
        });
        let listed = self.bans.get(key).and_then(|ban| ban.children.as_deref());
        match listed {
            Some(listed) => listed.split(' ').count() as u32,
            None => u32::from(own == Some(prefix.length())),
        }
    }

    /// The ban of a network that follows from its children, `last` the last of them: as long as the longest of them, or
    /// as the network's own next ban where bans grow.
    fn of_children(&mut self, parent: &BanKey, children: &[BanKey], last: &BanKey) -> Proposal {
        let time = self
            .bans
            .get(last)
            .map_or(Timestamp::default(), |ban| ban.time);
        let mut until = Some(time);
        let mut failures = 0_u32;
        let mut users: Vec<(String, u32)> = Vec::new();
        let mut listed = String::new();
        for key in children {
            let Some(child) = self.bans.get(key) else {
                continue;
            };
            if ends_later(child.until, until) {
                until = child.until;
            }
            failures = failures.saturating_add(child.failures);
            for (name, times) in &child.users {
                match users.iter_mut().find(|(known, _)| known == name) {
                    Some((_, all)) => *all = all.saturating_add(*times),
                    None => users.push((name.clone(), *times)),
                }
            }
            list(&mut listed, key, child);
        }
        users.sort_by_key(|(_, times)| Reverse(*times));
        users.truncate(MAX_USERS);
        let mut captures = NamedTexts::default();
        captures.push(&MARK_CHILDREN.into(), &listed);
        let (grown, count) = self.next_length(parent);
        let grown = grown.map(|length| time + length);
        if grown.is_some() && ends_later(grown, until) {
            until = grown;
        }
        Proposal {
            time,
            length: until.map(|until| until.since(time)),
            count,
            failures,
            users,
            matches: Vec::new(),
            captures,
            origin: Origin::Children,
            forced: false,
        }
    }

    /// How long the next ban of one that was banned before lasts where bans grow, and which one it is.
    fn next_length(&mut self, key: &BanKey) -> (Option<Span>, u32) {
        let random = self.random.next();
        let Some(past) = self.history.of(key) else {
            return (None, 1);
        };
        let policy = self.jail(key.jail).map(|jail| &jail.policy);
        let rule = policy.and_then(|policy| policy.growth.as_ref().zip(policy.bantime));
        let length = rule.and_then(|(growth, usual)| growth.length(usual, past.count, random).ok());
        let length = length.map(|length| Span::from_secs_f64(length.value));
        (length, past.count.saturating_add(1))
    }

    /// The network that is banned for its children and holds this one.
    pub(crate) fn parent_of(&self, key: &BanKey) -> Option<BanKey> {
        let mut parents = self.bans.wider(key);
        parents.find(|parent| {
            let ban = self.bans.get(parent);
            ban.is_some_and(|ban| ban.children.is_some())
        })
    }

    /// Lifts the bans inside a network that is banned for its children, as far as they end no later.
    pub(crate) fn lift_children(&mut self, parent: &BanKey, out: &mut Vec<Effect>) {
        let Some(network) = parent.id.prefix() else {
            return;
        };
        let ban = self.bans.get(parent);
        let Some(until) = ban
            .filter(|ban| ban.children.is_some())
            .map(|ban| ban.until)
        else {
            return;
        };
        let inside = self.bans.inside(parent);
        let covered = inside.filter(|key| {
            let child = self.bans.get(key);
            *key != parent && child.is_some_and(|child| !ends_later(child.until, until))
        });
        let covered: Vec<BanKey> = covered.cloned().collect();
        for key in covered {
            self.lift(key, LiftReason::Aggregated(network), Wait::Over, None, out);
        }
    }
}

/// Children that a record names; the number of all is told besides.
const MAX_LISTED: usize = 256;

/// Appends a child to the list, or the children of one that has some.
fn list(listed: &mut String, key: &BanKey, child: &Ban) {
    let own = key.id.to_string();
    let names = child.children.as_deref().unwrap_or(&own);
    for name in names.split(' ') {
        if listed.split(' ').count() >= MAX_LISTED {
            return;
        }
        if !listed.is_empty() {
            listed.push(' ');
        }
        listed.push_str(name);
    }
}
