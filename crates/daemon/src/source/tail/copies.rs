//! Copies of logs: `copytruncate` copies a log under another name and empties it.
//!
//! A copy that a glob matches must not be read again, not even while it is being made; and what of a log was not read
//! when it was emptied stands in its copy, and is read there first. Lines written between the copying and the emptying
//! are in no file: those that were not read in that moment are lost, which is why truncations are counted.

use super::begin::siblings;
use super::reader::{FileId, Likeness, Member};
use super::{Tail, start};
use crate::source::{Sink, SourceKey};
use os::open_log_file;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the copying of a log takes at most. What still grows then, though it begins as another one does, is a log
/// of its own.
const COPYING: Duration = Duration::from_secs(600);

/// A file of which nothing was read yet, because it may be a copy.
#[derive(Clone, Copy)]
pub(super) struct Suspicion {
    since: Instant,
    /// The file that it was a copy of as far as it went, and how far that was.
    held: Option<(SourceKey, u64)>,
}

impl Suspicion {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            held: None,
        }
    }
}

/// What a suspected file is.
enum Verdict {
    /// A log of its own.
    Own,
    /// A copy, as far as it goes, of what may still be copied or emptied.
    Held(SourceKey, u64),
    /// A copy that was read up to here.
    Until(u64),
}

impl<S: Sink> Tail<S> {
    /// True if a file may be read now; false as long as it is the same as another one of its jails, as far as it goes.
    pub(super) fn is_cleared(&mut self, at: usize, now: Instant) -> io::Result<bool> {
        let Some(suspicion) = self.readers[at].suspicion else {
            return Ok(true);
        };
        match self.judge(at, suspicion, now)? {
            Verdict::Own => self.readers[at].suspicion = None,
            Verdict::Until(offset) => self.readers[at].begin_at(offset)?,
            Verdict::Held(of, size) => {
                let held = Some((of, size));
                self.readers[at].suspicion = Some(Suspicion { held, ..suspicion });
                self.readers[at].dirty = false;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn judge(&self, at: usize, suspicion: Suspicion, now: Instant) -> io::Result<Verdict> {
        let suspect = &self.readers[at];
        let size = suspect.file().metadata()?.len();
        if size == 0 {
            // What it is shows with its first bytes; there are none to be read.
            return Ok(Verdict::Held(suspect.key, 0));
        }
        let is_over = now.duration_since(suspicion.since) >= COPYING
            && suspicion.held.is_some_and(|(_, before)| before != size);
        let others = self
            .readers
            .iter()
            .filter(|other| other.id != suspect.id && suspect.jails().all(|jail| other.has(jail)));
        let mut held = None;
        for other in others {
            match other.likeness(suspect.file(), size)? {
                Likeness::None => {}
                Likeness::Copy => held = held.or(Some(other.key)),
                Likeness::Rest(offset) => return Ok(Verdict::Until(offset)),
            }
        }
        if let Some(of) = held.filter(|_| !is_over) {
            return Ok(Verdict::Held(of, size));
        }
        // What was read of the other one before it was emptied went further than the copy; or it held the same until it
        // went.
        let is_gone = |of| !self.readers.iter().any(|reader| reader.key == of);
        let mut is_read = suspicion.held.is_some_and(|(of, _)| is_gone(of));
        for other in self.readers.iter().filter(|other| other.id != suspect.id) {
            is_read |= suspect.jails().all(|jail| other.has(jail))
                && other.was_beyond(suspect.file(), size, COPYING)?;
        }
        if is_read {
            let end = start::last_line_end(suspect.file(), size, suspect.asked)?;
            return Ok(Verdict::Until(end));
        }
        Ok(Verdict::Own)
    }

    /// Looks at every suspected file again: one that it may be a copy of was emptied or closed.
    pub(super) fn judge_again(&mut self) {
        let suspects = self.readers.iter_mut();
        suspects
            .filter(|reader| reader.suspicion.is_some())
            .for_each(|reader| reader.dirty = true);
    }

    /// A file was emptied. If a copy beside it holds more than was read of it, that comes first.
    pub(super) fn truncated(&mut self, at: usize, now: Instant) -> io::Result<()> {
        let reader = &self.readers[at];
        let (id, asked, log) = (reader.id, reader.asked, PathBuf::from(&reader.path));
        let leading = self.bound.values_mut();
        for bound in leading.filter(|bound| bound.file == Some(id)) {
            bound.truncations += 1;
        }
        self.judge_again();
        // A copy that a glob matches is known by its name before the log is read on: else a restart would take it for a
        // log of its own.
        self.names_changed = true;
        self.next_scan = now;
        for path in siblings(&log) {
            let Ok(file) = open_log_file(&path) else {
                continue;
            };
            let metadata = file.metadata()?;
            let copy = FileId::of(&metadata);
            let reader = &self.readers[at];
            let Some(start) = reader
                .rest_in(&file, metadata.len())?
                .filter(|_| copy != id)
            else {
                continue;
            };
            let jails: Vec<_> = reader.jails().collect();
            // A copy that a glob has found waits for this.
            let mut known = self.readers.iter_mut();
            let suspect = known.find(|other| {
                other.id == copy && other.asked == asked && other.suspicion.is_some()
            });
            let key = match suspect {
                Some(suspect) => {
                    suspect.begin_at(start)?;
                    suspect.key
                }
                None => self.next_source(),
            };
            let missing = jails.into_iter().filter(|jail| !self.reads(copy, *jail));
            let members: Vec<Member> = missing.map(|jail| Member { jail, start }).collect();
            let joined = self.readers.iter_mut().find(|other| other.key == key);
            match joined {
                Some(suspect) => members.into_iter().for_each(|member| {
                    suspect.join(member);
                }),
                None if members.is_empty() => continue,
                None => {
                    self.open_reader(&log, file, copy, asked, members, now)?;
                    if let Some(rest) = self.readers.last_mut() {
                        rest.rotated = Some(now);
                    }
                }
            }
            self.readers[at].after = Some(key);
            break;
        }
        Ok(())
    }
}
