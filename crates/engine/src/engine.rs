//! The state and the one entrance, `step`.
//!
//! Each input's rules live in a file of their own, as further methods: `admit` failures, `impose` and lift bans,
//! `request`, `restore`, `acknowledge`.

use crate::admit::Source;
use crate::bans::{Ban, Bans};
use crate::escalate::Random;
use crate::history::History;
use crate::ignore::Guard;
use crate::pending::{Pending, Wait};
use crate::settle::Due;
use crate::window::Window;
use crate::{
    BanKey, BanView, Effect, Event, Input, JailId, JailPolicy, JailStatus, LiftReason, Limits,
};
use base::{FailureId, Span, Timestamp};
use std::collections::BTreeMap;

/// Every jail's failures and bans.
#[derive(Debug)]
pub struct Engine {
    pub(crate) jails: Vec<Jail>,
    pub(crate) limits: Limits,
    pub(crate) guard: Guard,
    pub(crate) bans: Bans,
    pub(crate) pending: Pending,
    pub(crate) history: History,
    pub(crate) due: Due,
    /// When ended bans are looked for next, of jails whose ban time was changed, if that is not the first end.
    pub(crate) looks: BTreeMap<JailId, Timestamp>,
    pub(crate) random: Random,
    pub(crate) as_fail2ban: bool,
    /// Nobody enforces bans, and nobody keeps them.
    pub(crate) is_rehearsal: bool,
}

/// One jail's rules, failures and counters.
#[derive(Debug)]
pub(crate) struct Jail {
    pub(crate) policy: JailPolicy,
    pub(crate) window: Window,
    pub(crate) failed_total: u64,
    pub(crate) banned: usize,
    pub(crate) banned_total: u64,
    pub(crate) restored_total: u64,
    pub(crate) ineffective: usize,
    pub(crate) malformed: u64,
    pub(crate) not_enforceable: u64,
    /// Ids may have failures enough without having been looked at since.
    pub(crate) maxretry_was_lowered: bool,
}

impl Jail {
    pub(crate) fn new(policy: JailPolicy, limits: &Limits) -> Self {
        Self {
            policy,
            window: Window::new(limits),
            failed_total: 0,
            banned: 0,
            banned_total: 0,
            restored_total: 0,
            ineffective: 0,
            malformed: 0,
            not_enforceable: 0,
            maxretry_was_lowered: false,
        }
    }
}

impl Engine {
    /// An engine without bans. A [`JailId`] is the place in `policies`.
    pub fn new(policies: Vec<JailPolicy>) -> Self {
        Self::with_limits(policies, Limits::default())
    }

    /// With bounds other than the usual ones.
    pub fn with_limits(policies: Vec<JailPolicy>, limits: Limits) -> Self {
        let jails = policies.into_iter();
        Self {
            jails: jails.map(|policy| Jail::new(policy, &limits)).collect(),
            limits,
            guard: Guard::default(),
            bans: Bans::default(),
            pending: Pending::default(),
            history: History::new(limits.former_bans),
            due: Due::default(),
            looks: BTreeMap::new(),
            random: Random::new(0),
            as_fail2ban: false,
            is_rehearsal: false,
        }
    }

    /// Does as fail2ban does also where its way serves nobody: bans that a shorter ban time has ended are looked for
    /// when the first end of before has come.
    #[must_use]
    pub fn as_fail2ban(mut self) -> Self {
        self.as_fail2ban = true;
        self
    }

    /// Bans are enforced, stored and lifted as soon as that is decided, for a log that is only read: unless requests come,
    /// no effect is to be answered. Of bans only the rows of new ones are given out, since they hold the lines; of failures
    /// only those are told that do not count.
    #[must_use]
    pub fn as_rehearsal(mut self) -> Self {
        self.is_rehearsal = true;
        self
    }

    /// Lets the random part of growing bans begin at this number, which nobody should be able to guess.
    pub fn seed(&mut self, seed: u64) {
        self.random = Random::new(seed);
    }

    /// Takes one input at the time `now` and appends what is to be done. Bans whose end has passed go first.
    /// Inputs of unknown jails and answers to unknown numbers do nothing.
    ///
    /// A failure is only counted. What the failures so far lead to is decided with the next input of another kind;
    /// [`Input::ReadEnds`] is there for that.
    pub fn step(&mut self, now: Timestamp, input: Input<'_>, out: &mut Vec<Effect>) {
        if self.may_expire(now) {
            self.expire(now, out);
        }
        match input {
            // By far the most inputs, and what they tell is borrowed: nothing is to be moved or dropped.
            Input::ReadBegins { jail } => {
                self.settle(now, out);
                if let Some(jail) = self.jail_mut(jail) {
                    jail.window.clean_up(now, jail.policy.findtime);
                }
            }
            Input::Failure { jail, failure } => {
                self.admit(now, jail, &failure, Source::Rule, out);
            }
            Input::ReadEnds => self.settle(now, out),
            input => self.take(now, input, out),
        }
    }

    /// Not a part of `step` also once compiled: failures would pay for the room that other inputs need.
    #[inline(never)]
    fn take(&mut self, now: Timestamp, input: Input<'_>, out: &mut Vec<Effect>) {
        // Whom the rules spare from now on is not banned for what came before either.
        let spares = matches!(input, Input::Protected { .. } | Input::IgnoreList { .. });
        if !spares {
            self.settle(now, out);
        }
        self.take_in(now, input, out);
        self.settle(now, out);
    }

    fn take_in(&mut self, now: Timestamp, input: Input<'_>, out: &mut Vec<Effect>) {
        match input {
            Input::ReadBegins { .. } | Input::Failure { .. } | Input::ReadEnds => {}
            Input::Request { id, request } => self.request(now, id, request, out),
            Input::Applied { seq, result } => self.applied(now, seq, result, out),
            Input::Committed { seq, result } => self.committed(now, seq, result, out),
            Input::Remembered { jail, id, past } => {
                self.note_past(BanKey { jail, id }, past);
            }
            Input::Policy { jail, policy } => self.change(now, jail, *policy, out),
            Input::Added { policy } => self.jails.push(Jail::new(*policy, &self.limits)),
            Input::Removed { jail } => self.remove(jail, out),
            Input::Purge { before } => self.history.purge(before),
            Input::Restored { jail, bans } => self.restore(now, jail, bans, out),
            Input::Adopted {
                jail,
                prefix,
                until,
            } => self.adopt(now, jail, prefix, until, out),
            Input::Protected { own, prefixes } => {
                self.guard.replace(own, prefixes);
                self.lift_protected(now, out);
            }
            Input::IgnoreList { jail, list } => {
                if let Some(jail) = self.jail_mut(jail) {
                    jail.policy.ignoreip = list;
                }
                self.lift_ignored(jail, out);
            }
            Input::Spared { jail, id } => self.lift_spared(BanKey { jail, id }, out),
            Input::Tick => {
                for jail in &mut self.jails {
                    jail.window.clean_up(now, jail.policy.findtime);
                }
            }
        }
    }

    /// Whether nothing waits that the failures told so far lead to.
    pub fn is_settled(&self) -> bool {
        self.due.is_empty()
    }

    /// When the next `Tick` is due at the latest; `None` if nothing waits for time.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if !self.is_settled() {
            return Some(Timestamp::default());
        }
        // A ban stands through its last moment.
        self.bans
            .first_end()
            .map(|(until, _)| until + Span::from_micros(1))
    }

    /// The jails' counters, in the order of their ids.
    pub fn status(&self) -> Vec<JailStatus> {
        (0..)
            .map(JailId)
            .zip(&self.jails)
            .map(|(id, jail)| JailStatus {
                jail: id,
                name: jail.policy.name.clone(),
                failing: jail.window.len(),
                failed_total: jail.failed_total,
                banned: jail.banned,
                banned_total: jail.banned_total,
                restored_total: jail.restored_total,
                evicted: jail.window.evicted(),
                lost_lines: jail.window.lost_lines(),
                ineffective: jail.ineffective,
                malformed: jail.malformed,
                not_enforceable: jail.not_enforceable,
            })
            .collect()
    }

    /// The bans that stand, in order of jail and address.
    pub fn bans(&self) -> impl Iterator<Item = BanView<'_>> {
        self.bans.iter().map(|(key, ban)| view(key, ban))
    }

    /// One ban, if it stands.
    pub fn ban(&self, key: &BanKey) -> Option<BanView<'_>> {
        self.bans.entry(key).map(|(key, ban)| view(key, ban))
    }

    /// The ids with counted failures in a jail and their estimates, in order of the ids. For people: it copies.
    pub fn failing(&self, jail: JailId) -> Vec<(FailureId, i64)> {
        self.jail(jail)
            .map(|jail| jail.window.counts().into_iter().collect())
            .unwrap_or_default()
    }

    /// True if failures of this one are ignored by the addresses of this machine or by the jail's list, and so
    /// need no further question.
    pub fn ignores(&self, jail: JailId, id: &FailureId) -> bool {
        let policy = self.jail(jail).map(|jail| &jail.policy);
        policy.is_some_and(|policy| self.guard.ignored(policy, id).is_some())
    }

    pub(crate) fn jail(&self, id: JailId) -> Option<&Jail> {
        self.jails.get(id.0 as usize)
    }

    pub(crate) fn jail_mut(&mut self, id: JailId) -> Option<&mut Jail> {
        self.jails.get_mut(id.0 as usize)
    }

    /// False while there is nothing that time ends: each step asks, and few find something.
    fn may_expire(&self, now: Timestamp) -> bool {
        let first_end = self.bans.first_end();
        !self.looks.is_empty() || first_end.is_some_and(|(until, _)| until < now)
    }

    /// Ends the bans whose last moment has passed. The kernel has already done so by itself, and the store's rows
    /// stay as history.
    fn expire(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        self.looks.retain(|_, look| now < *look);
        while let Some((until, key)) = self.bans.first_end() {
            if now <= until {
                break;
            }
            let key = key.clone();
            let why = LiftReason::Expired;
            if self.bans.get(&key).is_some_and(|ban| !ban.ends_by_itself()) {
                // The kernel never said that it holds this ban, and what it holds in its place may end later.
                self.lift(key, why, Wait::Over, None, out);
                continue;
            }
            let (seq, expired) = (self.pending.next_seq(), true);
            out.push(Effect::Unban {
                seq,
                key: key.clone(),
                expired,
            });
            self.forget(key, why, out);
        }
    }

    /// Takes a ban out of the state and tells it, if its begin was told.
    pub(crate) fn forget(&mut self, key: BanKey, why: LiftReason, out: &mut Vec<Effect>) {
        let Some(ban) = self.bans.remove(&key) else {
            return;
        };
        self.pending.supersede(ban.last_seq);
        if let Some(jail) = self.jail_mut(key.jail) {
            jail.banned -= 1;
            jail.ineffective -= usize::from(ban.ineffective);
        }
        if ban.announced {
            out.push(Effect::Notify(Event::Unbanned {
                jail: key.jail,
                id: key.id,
                time: ban.time,
                until: ban.until,
                failures: ban.failures,
                why,
            }));
        }
    }
}

fn view<'a>(key: &'a BanKey, ban: &'a Ban) -> BanView<'a> {
    BanView {
        jail: key.jail,
        id: &key.id,
        time: ban.time,
        until: ban.until,
        failures: ban.failures,
        users: &ban.users,
        count: ban.count,
        restored: ban.restored,
        acknowledged: ban.announced,
        ineffective: ban.ineffective,
    }
}
