//! What an action is told of one ban.

use super::definition::For;
use base::{FailureId, NamedTexts, Prefix, Span, Timestamp};
use engine::BanRecord;
use std::sync::Arc;

/// Bytes kept of a ban's matched lines, the newest ones: tickets wait in queues.
const MAX_LINES: usize = 64 << 10;

/// Marks of ours among the captures; no action is told of them.
const MARKS: &str = "stockade_";

/// One ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) id: FailureId,
    /// The last failure that led to it.
    pub(crate) time: Timestamp,
    /// From `time`; `None` for ever.
    pub(crate) length: Option<Span>,
    /// Which ban of this one it is, from 1.
    pub(crate) count: u32,
    pub(crate) failures: u32,
    /// Users that were tried, most frequent first.
    pub(crate) users: Vec<String>,
    /// The lines that led to it, oldest first.
    pub(crate) matches: Vec<String>,
    /// Other captured values by their lower-case names.
    pub(crate) captures: NamedTexts,
    /// It comes from an earlier run, or at least from before the action.
    pub(crate) restored: bool,
}

impl Ticket {
    /// A ban of which nothing is known but whom it is about.
    pub(crate) fn bare(id: FailureId, time: Timestamp) -> Self {
        Self {
            id,
            time,
            length: None,
            count: 1,
            failures: 0,
            users: Vec::new(),
            matches: Vec::new(),
            captures: NamedTexts::default(),
            restored: false,
        }
    }

    /// The ban of a row.
    pub(crate) fn of(record: &BanRecord, restored: bool) -> Self {
        let mut users = record.users.clone();
        users.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        let captures = record.captures.iter();
        let captures = captures.filter(|(name, _)| !name.starts_with(MARKS));
        Self {
            id: record.id.clone(),
            time: record.time,
            length: record.length,
            count: record.count,
            failures: record.failures,
            users: users.into_iter().map(|(name, _)| name).collect(),
            matches: {
                let sizes = record.matches.iter().map(String::len);
                record.matches[newest(sizes)..].to_vec()
            },
            captures: captures.collect(),
            restored,
        }
    }

    /// The same ban, as one is told of it who was not there when it began.
    pub(crate) fn as_older(self: &Arc<Self>) -> Arc<Self> {
        match self.restored {
            true => Arc::clone(self),
            false => Arc::new(Self {
                restored: true,
                ..(**self).clone()
            }),
        }
    }

    /// The address that was seen with an id which is another; else the id itself.
    pub(crate) fn ip(&self) -> FailureId {
        let seen = self.captures.get("ip").map(FailureId::from);
        seen.unwrap_or_else(|| self.id.clone())
    }

    /// The address or network to act on, if there is one.
    pub(crate) fn prefix(&self) -> Option<Prefix> {
        self.ip().prefix()
    }

    pub(crate) fn family(&self) -> For {
        match self.prefix() {
            Some(prefix) => For::Family(prefix.family()),
            None => For::NoAddress,
        }
    }
}

/// Where the last lines begin that fit; a single line is never longer than a source makes it.
pub(crate) fn newest(sizes: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator) -> usize {
    let (all, mut room) = (sizes.len(), MAX_LINES);
    let fits = sizes.rev().take_while(|size| {
        let left = room.checked_sub(*size);
        room = left.unwrap_or(0);
        left.is_some()
    });
    all.saturating_sub(fits.count().max(1))
}
