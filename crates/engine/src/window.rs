//! Failures counted per id, by fail2ban's rate estimate, within bounds.
//!
//! One entry an id, not one a failure: when the first counted failure leaves the window, the count is scaled to
//! the window instead of failures being dropped one by one (behaviour §4.1). That, and that old entries go only at
//! certain moments, changes decisions, and so both are kept exactly.
//!
//! **Who is forgotten** when there are too many ids: of those that failed once the one whose failure is oldest, as
//! long as they are more than a quarter of all; else of those that failed again the one whose last failure is
//! oldest. So a flood of addresses that fail once each, however long, forgets nobody who fails a second time
//! within a quarter of the bound, from then on for good; and a flood of addresses that fail twice leaves that
//! quarter to those who come new.

use crate::slots::{Entry, Slots};
use crate::{Counted, Failure, JailPolicy, Limits};
use ages::{Age, Ages};
use base::{FailureId, IdHash, Span, Texts, Timestamp};
use std::collections::BTreeMap;
use stories::{Kind, Stories};

mod ages;
mod stories;

/// Old entries are looked for at most this often.
const CLEANUP_EVERY: Span = Span::from_secs(5);

/// So many empty slots, and what belongs to them, are kept for the next failures.
const KEPT_SLOTS: usize = 1_000;

/// Distinct users that one ban tells.
pub(crate) const MAX_USERS: usize = 20;

/// What is known of one id.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) id: FailureId,
    first: Timestamp,
    age: Age,
    /// The estimate that is compared with `maxretry`.
    pub(crate) retry: i64,
    /// All failures, old ones included.
    failures: u32,
    /// All lines.
    lines: u32,
    /// Where its story ends.
    story: u64,
    /// How often it was banned before, as far as that was weighed.
    bans: u32,
    /// It was already said that this one is protected.
    pub(crate) told_protected: bool,
    /// The number under which it has its place among the ages.
    filed: u32,
    next: u32,
}

impl Ticket {
    fn new(id: FailureId, age: Age) -> Self {
        Self {
            id,
            first: age.last,
            age,
            retry: 0,
            failures: 0,
            lines: 0,
            story: 0,
            bans: 0,
            told_protected: false,
            filed: 0,
            next: 0,
        }
    }

    /// Moves the window's end to `time`; failures out of order change nothing.
    fn advance(&mut self, time: Timestamp, findtime: Span) {
        if time <= self.age.last {
            return;
        }
        let start = time - findtime;
        if self.first < start {
            let elapsed = time.since(self.first).as_secs_f64();
            let estimate = self.retry as f64 / elapsed * findtime.as_secs_f64();
            self.retry = estimate.round_ties_even() as i64;
            self.first = start;
        }
        self.age.last = time;
    }

    fn failed_again(&self) -> bool {
        self.failures > 1
    }

    /// What it says by itself.
    fn told(&self) -> Told {
        Told {
            last: self.age.last,
            failures: self.failures,
            bans: self.bans,
            ..Told::default()
        }
    }
}

impl Entry for Ticket {
    type Key = FailureId;

    fn key(&self) -> &FailureId {
        &self.id
    }

    fn hash(id: &FailureId, by: &IdHash) -> u64 {
        by.of(id)
    }

    fn next(&self) -> u32 {
        self.next
    }

    fn set_next(&mut self, next: u32) {
        self.next = next;
    }
}

/// What an entry says to a ban.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The last failure.
    pub(crate) last: Timestamp,
    pub(crate) failures: u32,
    /// Former bans that its failures were weighed by.
    pub(crate) bans: u32,
    /// In the order of their first try.
    pub(crate) users: Vec<(String, u32)>,
    /// Oldest first.
    pub(crate) matches: Vec<String>,
}

/// All entries of one jail.
#[derive(Debug)]
pub(crate) struct Window {
    slots: Slots<Ticket>,
    once: Ages,
    again: Ages,
    /// How many are in `again`.
    failed_again: usize,
    stories: Stories,
    max_ids: usize,
    last_number: u32,
    last_cleanup: Option<Timestamp>,
    evicted: u64,
    lost_lines: u64,
}

impl Window {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            slots: Slots::default(),
            once: Ages::default(),
            again: Ages::default(),
            failed_again: 0,
            stories: Stories::new(limits.story_bytes),
            max_ids: limits.tracked_ids.clamp(1, u32::MAX as usize >> 1),
            last_number: 0,
            last_cleanup: None,
            evicted: 0,
            lost_lines: 0,
        }
    }

    /// Counts one failure of `id`, as if it were `weight` ones, and gives the entry's slot and whether it is new.
    pub(crate) fn add(
        &mut self,
        id: &FailureId,
        failure: &Failure<'_>,
        weight: u32,
        policy: &JailPolicy,
    ) -> (u32, bool) {
        let (slot, is_first) = match self.slots.find(id) {
            Some(slot) => (slot, false),
            None => {
                let (last, number) = (failure.time, self.last_number.wrapping_add(1));
                (
                    self.insert(Ticket::new(id.clone(), Age { last, number })),
                    true,
                )
            }
        };
        self.count(slot, failure.time, weight, failure.matches, policy);
        if let Some(ticket) = self.slots.get_mut(slot) {
            let stories = &mut self.stories;
            failure.each_tried(|user| ticket.story = stories.tell(ticket.story, Kind::User, user));
        }
        (slot, is_first)
    }

    /// Lets a failure that was counted count for `more` failures, since its id was banned `bans` times before. Gives
    /// the slot; none if the id has no entry any more, because its failures were enough for a ban already.
    pub(crate) fn add_again(
        &mut self,
        id: &FailureId,
        time: Timestamp,
        more: u32,
        matches: &Texts,
        bans: u32,
        policy: &JailPolicy,
    ) -> Option<u32> {
        let slot = self.slots.find(id)?;
        self.count(slot, time, more, matches, policy);
        self.ticket(slot)?.bans = bans;
        Some(slot)
    }

    fn count(
        &mut self,
        slot: u32,
        time: Timestamp,
        weight: u32,
        matches: &Texts,
        policy: &JailPolicy,
    ) {
        self.last_number = self.last_number.wrapping_add(1);
        let Some(ticket) = self.slots.get_mut(slot) else {
            return;
        };
        ticket.advance(time, policy.findtime);
        ticket.age.number = self.last_number;
        ticket.retry += i64::from(weight);
        ticket.failures = ticket.failures.saturating_add(1);
        if ticket.failures == 2 {
            self.failed_again += 1;
            self.again.file(slot, ticket);
        }
        if policy.maxmatches > 0 {
            for line in matches.iter() {
                ticket.lines = ticket.lines.saturating_add(1);
                ticket.story = self.stories.tell(ticket.story, Kind::Line, line);
            }
        }
    }

    /// The entry in a slot that `add` gave.
    pub(crate) fn ticket(&mut self, slot: u32) -> Option<&mut Ticket> {
        self.slots.get_mut(slot)
    }

    /// What is known of one id, the latest `lines` lines among it.
    pub(crate) fn counted(&self, id: &FailureId, lines: usize) -> Option<Counted> {
        let slot = self.slots.find(id)?;
        let ticket = self.slots.get(slot)?;
        let story = self.stories.read(ticket.story);
        let told = story.filter(|(kind, _)| *kind == Kind::Line);
        let mut lines: Vec<String> = told
            .take(lines.min(ticket.lines as usize))
            .map(|(_, text)| owned(&text))
            .collect();
        lines.reverse();
        Some(Counted {
            estimate: ticket.retry,
            failures: ticket.failures,
            first: ticket.first,
            last: ticket.age.last,
            lines,
        })
    }

    /// Takes an entry out, without its story.
    pub(crate) fn take_untold(&mut self, slot: u32) -> Option<Told> {
        self.remove(slot).map(|ticket| ticket.told())
    }

    /// Takes an entry out, with its story.
    pub(crate) fn take(&mut self, slot: u32, policy: &JailPolicy) -> Option<Told> {
        let ticket = self.remove(slot)?;
        let mut told = ticket.told();
        let wanted = policy.maxmatches.min(ticket.lines) as usize;
        let mut users = Vec::with_capacity(ticket.failures.min(64) as usize);
        for (kind, text) in self.stories.read(ticket.story) {
            match kind {
                Kind::User => users.push(text),
                Kind::Line if told.matches.len() < wanted => told.matches.push(owned(&text)),
                Kind::Line => {}
            }
        }
        self.lost_lines += (wanted - told.matches.len()) as u64;
        told.matches.reverse();
        for user in users.into_iter().rev() {
            let mut known = told.users.iter_mut();
            if let Some((_, times)) = known.find(|(known, _)| *known.as_bytes() == *user) {
                *times = times.saturating_add(1);
            } else if told.users.len() < MAX_USERS {
                told.users.push((owned(&user), 1));
            }
        }
        Some(told)
    }

    /// Drops entries without a failure within `findtime`, if the last time was long enough ago. A clock that went
    /// back counts as long enough.
    pub(crate) fn clean_up(&mut self, now: Timestamp, findtime: Span) {
        let due = self
            .last_cleanup
            .is_none_or(|last| now < last || now.since(last) >= CLEANUP_EVERY);
        if !due {
            return;
        }
        self.last_cleanup = Some(now);
        let over = now - findtime;
        while let Some(slot) = self.once.oldest(over, &mut self.slots) {
            self.remove(slot);
        }
        while let Some(slot) = self.again.oldest(over, &mut self.slots) {
            self.remove(slot);
        }
        if self.len() == 0 && self.slots.room() > KEPT_SLOTS {
            self.give_back();
        }
    }

    /// Frees what a flood left behind.
    fn give_back(&mut self) {
        self.slots.give_back();
        self.once = Ages::default();
        self.again = Ages::default();
        self.stories.clear();
    }

    /// How many ids have an entry.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many were forgotten for want of room.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// How many lines bans would have told if newer ones had not taken their room.
    pub(crate) fn lost_lines(&self) -> u64 {
        self.lost_lines
    }

    /// The slot of an entry with so many failures, the first one in the order of ids.
    pub(crate) fn overdue(&self, maxretry: u32) -> Option<u32> {
        self.slots
            .iter()
            .filter(|(_, ticket)| ticket.retry >= i64::from(maxretry))
            .min_by_key(|(_, ticket)| &ticket.id)
            .map(|(slot, _)| slot)
    }

    /// The counted ids with their estimates, in order.
    pub(crate) fn counts(&self) -> BTreeMap<FailureId, i64> {
        self.slots
            .iter()
            .map(|(_, t)| (t.id.clone(), t.retry))
            .collect()
    }

    fn insert(&mut self, ticket: Ticket) -> u32 {
        while self.len() >= self.max_ids && self.evict() {}
        let slot = self.slots.insert(ticket);
        if let Some(ticket) = self.slots.get_mut(slot) {
            self.once.file(slot, ticket);
        }
        slot
    }

    /// Forgets one entry by the rule above. False if there is none.
    fn evict(&mut self) -> bool {
        let once = self.len() - self.failed_again;
        let ages = if once > self.max_ids / 4 || self.failed_again == 0 {
            &mut self.once
        } else {
            &mut self.again
        };
        let Some(slot) = ages.oldest(Timestamp::MAX, &mut self.slots) else {
            return false;
        };
        self.evicted += 1;
        self.remove(slot).is_some()
    }

    /// Forgets an entry.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Ticket> {
        let ticket = self.slots.remove(slot)?;
        self.failed_again -= usize::from(ticket.failed_again());
        self.once
            .drop_stale(self.len() - self.failed_again, &mut self.slots);
        self.again.drop_stale(self.failed_again, &mut self.slots);
        Some(ticket)
    }
}

/// What was a text when it was told.
fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests;
