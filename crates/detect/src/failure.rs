//! What comes out: failures, and what became of a line.

use base::{FailureId, NamedTexts, Prefix, Texts, Timestamp};
use std::ops::{Deref, DerefMut};

/// Somebody failed to get in, or did what nobody should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whom it is counted for. With a [`hostname`](Self::hostname) it is that name, until it is resolved.
    pub id: FailureId,
    /// The address in the line, also where the id is something else.
    pub address: Option<Prefix>,
    /// A host name instead of an address: each address that it resolves to is one failure.
    pub hostname: Option<String>,
    /// When it happened.
    pub time: Timestamp,
    /// Which failregex matched, counted from 0.
    pub rule: usize,
    /// All users that the session of this line has tried so far, sorted; empty without a session. Whom this very
    /// failure is about tells [`user`](Self::user).
    pub users: Texts,
    /// Captured text by its lower-case name, which actions see as `<F-NAME>`; in the order of the names. `ip` is the
    /// address in the line where the id is another.
    pub captures: NamedTexts,
    /// The original lines that led to it.
    pub matches: Texts,
    /// How many failures the line says that it stands for (`<F-ATTEMPTS>`: "3 attempts", "message repeated 5 times"): 1 to
    /// 20.
    pub weight: u32,
}

impl Default for Failure {
    /// One that says nothing.
    fn default() -> Self {
        Self {
            id: FailureId::Raw("".into()),
            address: None,
            hostname: None,
            time: Timestamp::from_secs(0),
            rule: 0,
            users: Texts::default(),
            captures: NamedTexts::default(),
            matches: Texts::default(),
            weight: 1,
        }
    }
}

impl Failure {
    /// Bytes of memory that its texts take.
    pub fn capacity(&self) -> usize {
        self.users.capacity() + self.captures.capacity() + self.matches.capacity()
    }

    /// The user that this failure names.
    pub fn user(&self) -> Option<&str> {
        self.captures.get("user").filter(|user| !user.is_empty())
    }
}

/// Failures, in the order in which they were found.
///
/// The list keeps the memory of failures that it no longer holds: one that is emptied and filled again for each line
/// costs no allocation.
#[derive(Debug, Default)]
pub struct Failures {
    /// Those of the list, and after them such as serve for the next.
    all: Vec<Failure>,
    count: usize,
}

impl Failures {
    /// Empties the list.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Empties the list of failures that are taken away, with their memory.
    pub fn drain(&mut self) -> impl Iterator<Item = Failure> {
        self.all.drain(..std::mem::take(&mut self.count))
    }

    /// Empties the list of failures that `each` takes; what it gives for one serves for the next.
    pub fn exchange(&mut self, mut each: impl FnMut(Failure) -> Failure) {
        for failure in self.iter_mut() {
            *failure = each(std::mem::take(failure));
        }
        self.clear();
    }

    /// Appends a failure; what an earlier one left takes its place, whose memory serves for the next.
    pub fn swap_in(&mut self, failure: &mut Failure) {
        std::mem::swap(self.add(), failure);
    }

    /// Appends a failure, in which whatever an earlier one left is to be replaced.
    pub(crate) fn add(&mut self) -> &mut Failure {
        if self.count == self.all.len() {
            self.all.push(Failure::default());
        }
        self.count += 1;
        &mut self.all[self.count - 1]
    }
}

impl Deref for Failures {
    type Target = [Failure];

    fn deref(&self) -> &[Failure] {
        &self.all[..self.count]
    }
}

impl DerefMut for Failures {
    fn deref_mut(&mut self) -> &mut [Failure] {
        &mut self.all[..self.count]
    }
}

/// What became of a line; for counters and warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineVerdict {
    /// No failregex matches, or the prefregex does not.
    NoMatch,
    /// An ignoreregex matches.
    Ignored,
    /// Older than findtime, while catching up.
    TooOld,
    /// It matches, but is harmless, waits for the address of its session, or names a host under `usedns = no`.
    NoFailure,
    /// At least one failure was given out.
    Failed,
    /// It matches, but when it happened is not known, while catching up: dropped.
    Undated,
    /// An expression gave up on it; it counts as no match.
    OverBudget,
}
