//! Where the entry of an id lies.
//!
//! Entries that meet in one bin form a chain through the entries themselves, so that the index holds four bytes a
//! bin and no copy of an id. The hash is keyed: nobody outside can make chains long.

use super::Ticket;
use base::{FailureId, IdHash};

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// The bins. The slots, which are the window's, are handed in.
#[derive(Debug, Default)]
pub(crate) struct Index {
    hash: IdHash,
    /// The first of each chain; as many as a power of two, and not fewer than entries.
    heads: Vec<u32>,
    len: usize,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The slot of an id.
    pub(crate) fn find(&self, id: &FailureId, slots: &[Option<Ticket>]) -> Option<u32> {
        let mut slot = *self.heads.get(self.bin(id))?;
        while let Some(ticket) = ticket(slots, slot) {
            if ticket.id == *id {
                return Some(slot);
            }
            slot = ticket.next;
        }
        None
    }

    /// Enters the entry in a slot, whose id is in no other one.
    pub(crate) fn insert(&mut self, slot: u32, slots: &mut [Option<Ticket>]) {
        self.len += 1;
        if self.len <= self.heads.len() {
            self.link(slot, slots);
            return;
        }
        self.heads = vec![NONE; self.len.next_power_of_two().max(16)];
        for slot in 0..slots.len() as u32 {
            self.link(slot, slots);
        }
    }

    /// Takes the entry in a slot out, which must still be there.
    pub(crate) fn remove(&mut self, slot: u32, slots: &mut [Option<Ticket>]) {
        let Some((bin, after)) = ticket(slots, slot).map(|t| (self.bin(&t.id), t.next)) else {
            return;
        };
        let Some(head) = self.heads.get_mut(bin) else {
            return;
        };
        self.len -= 1;
        if *head == slot {
            *head = after;
            return;
        }
        let mut before = *head;
        while let Some(ticket) = slots.get_mut(before as usize).and_then(Option::as_mut) {
            if ticket.next == slot {
                ticket.next = after;
                return;
            }
            before = ticket.next;
        }
    }

    fn link(&mut self, slot: u32, slots: &mut [Option<Ticket>]) {
        let Some(ticket) = slots.get_mut(slot as usize).and_then(Option::as_mut) else {
            return;
        };
        let bin = self.bin(&ticket.id);
        if let Some(head) = self.heads.get_mut(bin) {
            ticket.next = std::mem::replace(head, slot);
        }
    }

    fn bin(&self, id: &FailureId) -> usize {
        self.hash.of(id) as usize & self.heads.len().wrapping_sub(1)
    }
}

fn ticket(slots: &[Option<Ticket>], slot: u32) -> Option<&Ticket> {
    slots.get(slot as usize).and_then(Option::as_ref)
}
