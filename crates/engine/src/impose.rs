//! A ban begins, is made longer, or is lifted.

use crate::bans::{Ban, MARK_CHILDREN, MARK_FIXED, MARK_FORCED, ends_later};
use crate::escalate::Grown;
use crate::pending::{Flight, Wait};
use crate::{BanKey, BanRecord, Effect, Engine, Event, JailId, LiftReason, RequestId, StoreWrite};
use base::{FailureId, NamedTexts, Span, Timestamp};
use std::cmp::Reverse;

/// Where a ban comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Enough failures; as long as the jail's bans, or as they grow.
    Failures,
    /// A request that names no length; as long as the jail's bans, or as they grow.
    Request,
    /// A request with a length of its own.
    RequestWithLength,
    /// The store, which therefore need not be written.
    Store,
    /// The kernel's set.
    Kernel,
    /// Enough bans inside a network.
    Children,
}

/// A ban that is to be.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) time: Timestamp,
    pub(crate) length: Option<Span>,
    pub(crate) count: u32,
    pub(crate) failures: u32,
    pub(crate) users: Vec<(String, u32)>,
    pub(crate) matches: Vec<String>,
    pub(crate) captures: NamedTexts,
    pub(crate) origin: Origin,
    pub(crate) forced: bool,
}

impl Proposal {
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.length.map(|length| self.time + length)
    }

    /// The row, with these users.
    fn record(&mut self, id: FailureId, mut users: Vec<(String, u32)>) -> BanRecord {
        let mut captures = std::mem::take(&mut self.captures);
        let fixed = matches!(
            self.origin,
            Origin::RequestWithLength | Origin::Kernel | Origin::Children
        );
        for (mark, set) in [(MARK_FIXED, fixed), (MARK_FORCED, self.forced)] {
            if set && captures.get(mark).is_none() {
                captures.push(&mark.into(), "yes");
            }
        }
        users.sort_unstable();
        BanRecord {
            id,
            time: self.time,
            length: self.length,
            count: self.count,
            failures: self.failures,
            users,
            matches: std::mem::take(&mut self.matches),
            captures,
        }
    }
}

/// What a proposal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Imposed {
    New,
    Prolonged,
    /// It stands already, and longer.
    Standing,
    /// Its end has passed.
    Expired,
}

impl Engine {
    /// Makes a ban of a proposal. Who may be banned was decided before.
    pub(crate) fn impose(
        &mut self,
        now: Timestamp,
        key: BanKey,
        mut proposal: Proposal,
        request: Option<(RequestId, usize)>,
        out: &mut Vec<Effect>,
    ) -> Imposed {
        let BanKey { jail, id } = key.clone();
        let until = proposal.until();
        if until.is_some_and(|until| until < now) {
            out.push(Effect::Notify(Event::ExpiredIgnored { jail, id }));
            return Imposed::Expired;
        }
        let Some(old) = self.bans.get(&key) else {
            // Whoever fails while the network around it is banned prolongs that, if anything.
            if let (Origin::Failures, Some(parent)) = (proposal.origin, self.parent_of(&key)) {
                return self.impose(now, parent, proposal, request, out);
            }
            self.begin(now, key, proposal, request, out);
            return Imposed::New;
        };
        let children = old.children.clone();
        let doubtful = proposal.origin == Origin::Failures && old.is_doubtful(now, proposal.time);
        let failed_at = proposal.time;
        let (standing_until, last_seq, begun) = (old.until, old.last_seq, old.time);
        let usual = old.usual;
        let after = proposal.time.since(begun);
        let longer = ends_later(until, standing_until);
        let until = if longer { until } else { standing_until };
        // A request waits for the ban that stands as for one of its own: the same once more.
        let asked = request.is_some();
        let rewrite = longer || asked && (!old.committed || proposal.forced && !old.forced);
        proposal.forced |= old.forced;
        proposal.count = proposal.count.max(old.count);
        if !longer {
            // The row tells the standing ban, whose length need not be the jail's.
            proposal.time = begun;
            proposal.length = until.map(|until| until.since(begun));
            proposal.origin = Origin::RequestWithLength;
        }
        if longer || asked {
            let at_once = self.is_rehearsal && !asked;
            let seq = match at_once {
                true => last_seq,
                false => self.hold(&key, until, rewrite, request, out),
            };
            let lifted_after = self.lifted_after(jail, until);
            self.bans.renew(&key, lifted_after, |ban| {
                ban.until = until;
                ban.last_seq = seq;
                ban.usual = usual && !longer;
                ban.forced = proposal.forced;
            });
            if rewrite && !at_once {
                let users = std::mem::take(&mut proposal.users);
                if let Some(listed) = &children {
                    proposal.captures.push(&MARK_CHILDREN.into(), listed);
                    proposal.origin = Origin::Children;
                }
                let record = proposal.record(id.clone(), users);
                out.push(Effect::Persist(StoreWrite::Prolong { seq, jail, record }));
            }
            self.pending.supersede(last_seq);
        }
        if doubtful {
            self.doubt_ban(now, &key, failed_at, out);
        }
        out.push(Effect::Notify(Event::AlreadyBanned {
            jail,
            id,
            after,
            until,
            longer,
        }));
        if longer {
            Imposed::Prolonged
        } else {
            Imposed::Standing
        }
    }

    fn begin(
        &mut self,
        now: Timestamp,
        key: BanKey,
        mut proposal: Proposal,
        request: Option<(RequestId, usize)>,
        out: &mut Vec<Effect>,
    ) {
        let origin = proposal.origin;
        let mut stored = origin == Origin::Store;
        let mut usual = matches!(proposal.origin, Origin::Failures | Origin::Request);
        let usual_end = proposal.until();
        if usual && let Some(grown) = self.grow(now, &key, &mut proposal, out) {
            usual = false;
            stored = grown == Grown::NotToBeStored;
        }
        let children: Option<Box<str>> = proposal.captures.get(MARK_CHILDREN).map(Into::into);
        let until = proposal.until();
        let at_once = self.is_rehearsal && request.is_none();
        let seq = match at_once {
            true => self.pending.next_seq(),
            false => self.hold(&key, until, !stored, request, out),
        };
        // A stable sort: users that were tried equally often stay in the order of their first try.
        proposal.users.sort_by_key(|(_, times)| Reverse(*times));
        if !stored {
            self.remember(&key, &proposal);
            let users = proposal.users.clone();
            let (jail, record) = (key.jail, proposal.record(key.id.clone(), users));
            out.push(Effect::Persist(StoreWrite::Ban { seq, jail, record }));
        }
        let mut ban = Ban {
            time: proposal.time,
            until,
            lifted_after: until,
            usual,
            count: proposal.count,
            failures: proposal.failures,
            users: proposal.users,
            children,
            forced: proposal.forced,
            restored: matches!(proposal.origin, Origin::Store | Origin::Kernel),
            first_seq: seq,
            last_seq: seq,
            cut_seq: 0,
            applied: at_once,
            applied_seq: 0,
            committed: stored || at_once,
            announced: false,
            announced_at: now,
            ineffective: false,
        };
        let shrunk = ends_later(usual_end, until);
        if shrunk {
            self.keep_look(now, key.jail);
        }
        self.look_by(key.jail, usual_end);
        ban.lifted_after = self.lifted_after(key.jail, until);
        let is_restored = ban.restored;
        self.bans.insert(key.clone(), ban);
        if let Some(jail) = self.jail_mut(key.jail) {
            jail.banned += 1;
            jail.banned_total += 1;
            jail.restored_total += u64::from(is_restored);
        }
        if at_once {
            self.announce(now, &key, out);
        }
        if !matches!(origin, Origin::Store | Origin::Kernel) {
            self.aggregate(now, &key, out);
        }
    }

    /// Asks for a ban to be enforced; whether it `is_stored`, too, is the caller's part. Gives the number to wait for.
    fn hold(
        &mut self,
        key: &BanKey,
        until: Option<Timestamp>,
        is_stored: bool,
        request: Option<(RequestId, usize)>,
        out: &mut Vec<Effect>,
    ) -> u64 {
        let store = match is_stored {
            true => Wait::Waiting,
            false => Wait::Over,
        };
        let seq = self.fly(key, false, Wait::Waiting, store, request);
        let key = key.clone();
        out.push(Effect::Ban { seq, key, until });
        seq
    }

    /// Lifts a ban that stands, in the kernel; the store is the caller's part. Gives the number to wait for.
    pub(crate) fn lift(
        &mut self,
        key: BanKey,
        why: LiftReason,
        store: Wait,
        request: Option<(RequestId, usize)>,
        out: &mut Vec<Effect>,
    ) -> u64 {
        let seq = if self.is_rehearsal && request.is_none() {
            self.pending.next_seq()
        } else {
            let seq = self.fly(&key, true, Wait::Waiting, store, request);
            out.push(Effect::Unban {
                seq,
                key: key.clone(),
                expired: false,
            });
            seq
        };
        self.forget(key, why, out);
        seq
    }

    /// Lifts every ban that a new protection covers, except forced ones.
    pub(crate) fn lift_protected(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let covered: Vec<BanKey> = self
            .bans
            .iter()
            .filter(|(_, ban)| !ban.forced)
            .filter(|(key, _)| self.guard.protected_for_all(now, &key.id).is_some())
            .map(|(key, _)| key.clone())
            .collect();
        for key in covered {
            self.lift_for_good(key, LiftReason::Protected, None, out);
        }
    }

    /// Lifts every ban of a jail whose list now forbids it, except forced ones.
    pub(crate) fn lift_ignored(&mut self, jail: JailId, out: &mut Vec<Effect>) {
        let Some(list) = self.jail(jail).map(|jail| &jail.policy.ignoreip) else {
            return;
        };
        let covered: Vec<BanKey> = self
            .bans
            .of(jail)
            .filter(|(key, ban)| !ban.forced && list.overlaps(&key.id))
            .map(|(key, _)| key.clone())
            .collect();
        for key in covered {
            self.lift_for_good(key, LiftReason::Ignored, None, out);
        }
    }

    /// Lifts a ban if it stands and is not forced.
    pub(crate) fn lift_spared(&mut self, key: BanKey, out: &mut Vec<Effect>) {
        if self.bans.get(&key).is_some_and(|ban| !ban.forced) {
            self.lift_for_good(key, LiftReason::Ignored, None, out);
        }
    }

    /// Lifts a ban and deletes its row, with those of the bans that it had taken in: no restart may bring them back.
    pub(crate) fn lift_for_good(
        &mut self,
        key: BanKey,
        why: LiftReason,
        request: Option<(RequestId, usize)>,
        out: &mut Vec<Effect>,
    ) {
        let ban = self.bans.get(&key);
        let children = ban.and_then(|ban| ban.children.clone());
        let seq = self.lift(key.clone(), why, Wait::Waiting, request, out);
        let alone = self.bans.inside(&key).next().is_none();
        self.delete(seq, key.clone(), alone && children.is_some(), out);
        let listed = children.iter().filter(|_| !alone);
        for child in listed.flat_map(|listed| listed.split(' ')) {
            // One that was to last longer than the whole stands, and so does its row.
            let (jail, id) = (key.jail, child.into());
            let child = BanKey { jail, id };
            if child != key && self.bans.get(&child).is_none() {
                let seq = self.pending.next_seq();
                self.delete(seq, child, false, out);
            }
        }
    }

    pub(crate) fn fly(
        &mut self,
        key: &BanKey,
        lifts: bool,
        kernel: Wait,
        store: Wait,
        request: Option<(RequestId, usize)>,
    ) -> u64 {
        self.pending.begin(Flight {
            key: Some(key.clone()),
            lifts,
            kernel,
            store,
            request,
        })
    }
}
