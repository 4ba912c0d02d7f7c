//! Entries by the age of their last failure.
//!
//! A heap with one place for each entry, under an age that may be older than the entry's own: a place is put right
//! when it comes to the top. A further failure of an entry therefore moves nothing.

use super::Ticket;
use crate::slots::Slots;
use base::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// When an entry's last failure was, and which of equally old ones came first. The number counts all failures of
/// a window and wraps around, which turns one tie in four thousand million the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age {
    pub(crate) last: Timestamp,
    pub(crate) number: u32,
}

/// The entries of one class.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    oldest: BinaryHeap<Reverse<(Age, u32)>>,
}

impl Ages {
    /// Gives the entry in a slot a place; the one that it may have elsewhere is stale from then on.
    pub(crate) fn file(&mut self, slot: u32, ticket: &mut Ticket) {
        ticket.filed = ticket.age.number;
        self.oldest.push(Reverse((ticket.age, slot)));
    }

    /// How many places there are, stale ones included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.oldest.len()
    }

    /// The slot of the oldest entry, unless its last failure was after `until`.
    pub(crate) fn oldest(&mut self, until: Timestamp, slots: &mut Slots<Ticket>) -> Option<u32> {
        loop {
            let mut top = self.oldest.peek_mut()?;
            let Reverse((age, slot)) = *top;
            if age.last > until {
                // No entry is older than its place.
                return None;
            }
            match ticket_filed(slots, age, slot) {
                None => drop(PeekMut::pop(top)),
                Some(ticket) if ticket.age == age => return Some(slot),
                Some(ticket) => {
                    ticket.filed = ticket.age.number;
                    *top = Reverse((ticket.age, slot));
                }
            }
        }
    }

    /// Entries that went leave their places behind; once those are the majority, the heap is made anew. `live` is
    /// the number of entries.
    pub(crate) fn drop_stale(&mut self, live: usize, slots: &mut Slots<Ticket>) {
        if self.oldest.len() > 64 + 2 * live {
            self.oldest
                .retain(|Reverse((age, slot))| ticket_filed(slots, *age, *slot).is_some());
        }
    }
}

/// The entry whose place this is.
fn ticket_filed(slots: &mut Slots<Ticket>, age: Age, slot: u32) -> Option<&mut Ticket> {
    let ticket = slots.get_mut(slot)?;
    (ticket.filed == age.number).then_some(ticket)
}
