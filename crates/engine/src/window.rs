//! Failures counted per id, by fail2ban's rate estimate, within bounds.
//!
//! One entry an id, not one a failure: when the first counted failure leaves the window, the count is scaled to
//! the window instead of failures being dropped one by one (behaviour §4.1). That, and that old entries go only at
//! certain moments, changes decisions, and so both are kept exactly.

use crate::{Failure, JailPolicy, Limits};
use base::{FailureId, Span, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

/// Old entries are looked for at most this often.
const CLEANUP_EVERY: Span = Span::from_secs(5);

/// Distinct users that one entry remembers.
pub(crate) const MAX_USERS: usize = 20;

/// What is known of one id.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) id: FailureId,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// The estimate that is compared with `maxretry`.
    pub(crate) retry: i64,
    /// All failures, old ones included.
    pub(crate) failures: u32,
    pub(crate) matches: VecDeque<String>,
    pub(crate) users: Vec<(String, u32)>,
    pub(crate) captures: BTreeMap<String, String>,
    /// It was already said that this one is protected.
    pub(crate) told_protected: bool,
    /// Bytes of everything that grows with what the log says.
    story_bytes: usize,
    /// Those of the captures.
    captures_bytes: usize,
    /// Tells entries that follow each other in one slot apart, and equally old ones by age.
    serial: u64,
}

impl Ticket {
    fn new(id: FailureId, time: Timestamp, serial: u64) -> Self {
        Self {
            id,
            first: time,
            last: time,
            retry: 0,
            failures: 0,
            matches: VecDeque::new(),
            users: Vec::new(),
            captures: BTreeMap::new(),
            told_protected: false,
            story_bytes: 0,
            captures_bytes: 0,
            serial,
        }
    }

    /// Moves the window's end to `time`; failures out of order change nothing.
    fn advance(&mut self, time: Timestamp, findtime: Span) {
        if time <= self.last {
            return;
        }
        let start = time - findtime;
        if self.first < start {
            let elapsed = time.since(self.first).as_secs_f64();
            let estimate = self.retry as f64 / elapsed * findtime.as_secs_f64();
            self.retry = estimate.round_ties_even() as i64;
            self.first = start;
        }
        self.last = time;
    }
}

fn captures_bytes(captures: &BTreeMap<String, String>) -> usize {
    captures.iter().map(|(k, v)| k.len() + v.len()).sum()
}

/// All entries of one jail.
///
/// The heap holds one place for each entry, under a time that may be older than the entry's own: places are put
/// right when they come to the top. A failure of a known id therefore costs one look-up and no reordering.
#[derive(Debug, Default)]
pub(crate) struct Window {
    slots: Vec<Option<Ticket>>,
    free: Vec<usize>,
    /// Never iterated: its order is random.
    by_id: HashMap<FailureId, usize>,
    oldest: BinaryHeap<Reverse<(Timestamp, u64, usize)>>,
    next_serial: u64,
    last_cleanup: Option<Timestamp>,
    story_bytes: usize,
    evicted: u64,
}

impl Window {
    /// Counts one failure and gives the entry's slot.
    pub(crate) fn add(
        &mut self,
        id: FailureId,
        failure: Failure,
        policy: &JailPolicy,
        limits: &Limits,
    ) -> usize {
        let slot = match self.by_id.get(&id) {
            Some(slot) => *slot,
            None => self.insert(id, failure.time, limits),
        };
        let Some(ticket) = self.slots.get_mut(slot).and_then(Option::as_mut) else {
            return slot;
        };
        ticket.advance(failure.time, policy.findtime);
        ticket.retry += 1;
        ticket.failures = ticket.failures.saturating_add(1);
        let room = limits.story_bytes.saturating_sub(self.story_bytes);
        let before = ticket.story_bytes;
        remember(ticket, failure, policy.maxmatches as usize, room);
        self.story_bytes = self.story_bytes - before + ticket.story_bytes;
        slot
    }

    /// The entry in a slot that `add` gave.
    pub(crate) fn ticket(&mut self, slot: usize) -> Option<&mut Ticket> {
        self.slots.get_mut(slot).and_then(Option::as_mut)
    }

    /// Takes an entry out.
    pub(crate) fn take(&mut self, slot: usize) -> Option<Ticket> {
        let ticket = self.slots.get_mut(slot).and_then(Option::take)?;
        self.by_id.remove(&ticket.id);
        self.free.push(slot);
        self.story_bytes = self.story_bytes.saturating_sub(ticket.story_bytes);
        self.drop_stale_places();
        Some(ticket)
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
        while let Some((last, slot)) = self.find_oldest() {
            if last > now - findtime {
                break;
            }
            self.take(slot);
        }
    }

    /// How many ids have an entry.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many were forgotten for want of room.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The counted ids with their estimates, in order.
    pub(crate) fn counts(&self) -> BTreeMap<FailureId, i64> {
        self.slots
            .iter()
            .flatten()
            .map(|t| (t.id.clone(), t.retry))
            .collect()
    }

    fn insert(&mut self, id: FailureId, time: Timestamp, limits: &Limits) -> usize {
        while self.by_id.len() >= limits.tracked_ids.max(1) {
            let Some((_, slot)) = self.find_oldest() else {
                break;
            };
            self.take(slot);
            self.evicted += 1;
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        let ticket = Some(Ticket::new(id.clone(), time, serial));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = ticket;
                slot
            }
            None => {
                self.slots.push(ticket);
                self.slots.len() - 1
            }
        };
        self.by_id.insert(id, slot);
        self.oldest.push(Reverse((time, serial, slot)));
        slot
    }

    /// The entry whose last failure is oldest; among equals the one that came first.
    fn find_oldest(&mut self) -> Option<(Timestamp, usize)> {
        while let Some(Reverse((time, serial, slot))) = self.oldest.pop() {
            let ticket = self.slots.get(slot).and_then(Option::as_ref);
            let Some(ticket) = ticket.filter(|t| t.serial == serial) else {
                continue;
            };
            self.oldest.push(Reverse((ticket.last, serial, slot)));
            if ticket.last == time {
                return Some((time, slot));
            }
        }
        None
    }

    /// Entries taken out leave their place in the heap; once those are the majority, the heap is made anew.
    fn drop_stale_places(&mut self) {
        if self.oldest.len() <= 64 + 2 * self.by_id.len() {
            return;
        }
        let slots = &self.slots;
        self.oldest.retain(|Reverse((_, serial, slot))| {
            slots
                .get(*slot)
                .and_then(Option::as_ref)
                .is_some_and(|t| t.serial == *serial)
        });
    }
}

/// Keeps what a failure tells as far as there is room: the last lines, the first users, the latest captures.
fn remember(ticket: &mut Ticket, failure: Failure, maxmatches: usize, mut room: usize) {
    let mut fits = |bytes: usize| {
        let fits = bytes <= room;
        room -= if fits { bytes } else { 0 };
        fits
    };
    for line in failure.matches {
        if maxmatches > 0 && fits(line.len()) {
            if ticket.matches.len() == maxmatches
                && let Some(oldest) = ticket.matches.pop_front()
            {
                ticket.story_bytes -= oldest.len();
            }
            ticket.story_bytes += line.len();
            ticket.matches.push_back(line);
        }
    }
    for user in failure.users {
        let known = ticket.users.iter_mut().find(|(known, _)| *known == user);
        if let Some((_, times)) = known {
            *times = times.saturating_add(1);
        } else if ticket.users.len() < MAX_USERS && fits(user.len()) {
            ticket.story_bytes += user.len();
            ticket.users.push((user, 1));
        }
    }
    let bytes = captures_bytes(&failure.captures);
    if !failure.captures.is_empty() && fits(bytes) {
        ticket.story_bytes = ticket.story_bytes - ticket.captures_bytes + bytes;
        ticket.captures_bytes = bytes;
        ticket.captures = failure.captures;
    }
}

#[cfg(test)]
mod tests;
