//! Follows the log files of jails in one thread.
//!
//! inotify on directories says what to read at once; once a second everything is looked at without it, for file
//! systems that report nothing. A file is followed by identity: renamed away, it is read until it stays quiet, while
//! the next one under its name is read from its first byte. Several jails share one reading of a file; each gets it
//! from its own start position. No file can keep the others waiting: each gets a bounded share of a round.

use super::{FileWish, Sink, Standing};
use base::Timestamp;
use detect::Encoding;
use engine::JailId;
use os::{Inotify, Waker, wait_readable};
use reader::{FileId, Outcome, Reader};
pub(crate) use start::first_line_hash;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use watch::Watches;

mod begin;
mod copies;
pub(crate) mod glob;
mod reader;
mod scan;
mod start;
mod watch;

#[cfg(test)]
mod tests;

/// How often everything is looked at whatever was reported.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many times as long as a scan the time until the next one is at least.
const SCAN_SHARE: u32 = 10;
/// How long a file without a name must be quiet before it is closed.
const QUIET: Duration = Duration::from_secs(30);
/// Files without a name that are kept open at most.
const ROTATED: usize = 16;

/// The log files of the jails that were added.
pub(crate) struct Tail<S> {
    sink: S,
    clock: fn() -> Timestamp,
    wishes: Vec<Wish>,
    /// In the order of opening.
    readers: Vec<Reader>,
    bound: BTreeMap<PathBuf, Bound>,
    states: BTreeMap<(JailId, String), Standing>,
    /// Patterns with a directory that may not be read, and why.
    denied: BTreeMap<String, String>,
    watches: Watches,
    /// Why there is no inotify.
    blind: Option<String>,
    waker: Waker,
    next_key: u32,
    next_look: Instant,
    /// Names have changed since the last scan, which must wait until then: names may change thousands of times a
    /// second.
    names_changed: bool,
    next_scan: Instant,
    buffer: Vec<u8>,
}

/// True if a path is a glob.
pub(crate) fn is_glob(pattern: &str) -> bool {
    glob::is_pattern(pattern)
}

/// The paths that exist and that a path or glob names, sorted.
pub(crate) fn expand(pattern: &str) -> Vec<PathBuf> {
    glob::expand(pattern, &mut glob::Looked::default())
}

/// True if some file may have two names of which each pattern is or names one.
pub(crate) fn may_name_same(one: &str, other: &str) -> bool {
    glob::overlap(one, other)
}

/// One pattern of a jail.
struct Wish {
    jail: JailId,
    pattern: String,
    is_glob: bool,
    tail: bool,
    encoding: Encoding,
    findtime: base::Span,
    stored: Vec<store::LogPosition>,
    /// It was looked for before: what appears now is new.
    looked: bool,
}

/// A file and when it was last changed in any way, so that a change of its permissions is one.
type Version = (FileId, i64, i64);

/// What is known of a followed path.
#[derive(Default)]
struct Bound {
    /// The file that it leads to.
    file: Option<FileId>,
    /// The last file that it led to.
    last: Option<FileId>,
    /// It led nowhere once, or elsewhere: what it leads to next is new.
    was_missing: bool,
    /// The file that could not be opened, and when it is tried again.
    refused: Option<(Option<Version>, Instant, String)>,
    errors: u64,
    truncations: u64,
}

impl<S: Sink> Tail<S> {
    /// Follows these files from now on. Nothing is read before the first [`poll_once`](Self::poll_once). Where the
    /// system has no inotify to give, everything is polled, and each jail is told.
    pub(crate) fn new(
        wishes: Vec<FileWish>,
        sink: S,
        clock: fn() -> Timestamp,
    ) -> io::Result<Self> {
        let (inotify, blind) = match Inotify::new() {
            Ok(inotify) => (Some(inotify), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let mut tail = Self {
            sink,
            clock,
            wishes: Vec::new(),
            readers: Vec::new(),
            bound: BTreeMap::new(),
            states: BTreeMap::new(),
            denied: BTreeMap::new(),
            watches: Watches::new(inotify),
            blind,
            waker: Waker::new()?,
            next_key: 0,
            next_look: Instant::now(),
            names_changed: false,
            next_scan: Instant::now(),
            buffer: vec![0; reader::BUFFER],
        };
        for wish in wishes {
            tail.add(wish);
        }
        Ok(tail)
    }

    /// Follows the files of another jail too, from the next poll on.
    pub(crate) fn add(&mut self, wish: FileWish) {
        let FileWish {
            jail,
            patterns,
            findtime,
            encoding,
            polled,
            stored,
            marks,
        } = wish;
        if let Some(why) = self.blind.as_ref().filter(|_| !polled) {
            let text = format!(
                "its log files are looked at once a second: inotify cannot be used ({why}). Raise \
                 fs.inotify.max_user_instances"
            );
            self.sink.notice(jail, &text);
        }
        for (pattern, tail) in patterns {
            let is_glob = glob::is_pattern(&pattern);
            // What begins at the end begins there again.
            let earlier = if tail { &[][..] } else { &stored };
            let stored = earlier.iter().chain(&marks).cloned().collect();
            self.wishes.push(Wish {
                jail,
                pattern,
                is_glob,
                tail,
                encoding,
                findtime,
                stored,
                looked: false,
            });
        }
        self.next_look = Instant::now();
    }

    /// Ends the present or next [`poll_once`](Self::poll_once) early, from any thread.
    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// The sink.
    pub(crate) fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Waits until something is there to read, `timeout` is over or somebody wakes it, and reads one round: a bounded
    /// amount of each file that has more. Fails only if the system's means of watching fail.
    pub(crate) fn poll_once(&mut self, timeout: Duration) -> io::Result<()> {
        let next = if self.names_changed {
            self.next_scan.min(self.next_look)
        } else {
            self.next_look
        };
        let until_next = next.saturating_duration_since(Instant::now());
        let wait = if self.is_busy() {
            Duration::ZERO
        } else {
            timeout.min(until_next)
        };
        let fds: Vec<_> = [Some(self.waker.as_fd()), self.watches.fd()]
            .into_iter()
            .flatten()
            .collect();
        wait_readable(&fds, wait)?;
        self.waker.clear();
        let changes = self.watches.changes()?;
        for path in &changes.written {
            self.mark_written(path);
        }
        if changes.others_written {
            self.readers
                .iter_mut()
                .filter(|reader| reader.rotated.is_some())
                .for_each(|reader| reader.dirty = true);
        }
        let now = Instant::now();
        let look = now >= self.next_look;
        self.names_changed |= changes.names;
        if look || (self.names_changed && now >= self.next_scan) {
            self.names_changed = false;
            self.scan(now);
            self.next_scan = Instant::now() + now.elapsed() * SCAN_SHARE;
        }
        if look {
            self.next_look = now + LOOK_EVERY;
            self.look();
        }
        self.round(now);
        if look {
            self.close_quiet(now);
            self.tell_positions();
        }
        Ok(())
    }

    /// True if something is left to read without waiting.
    fn is_busy(&self) -> bool {
        self.readers.iter().any(|reader| reader.dirty)
    }

    fn mark_written(&mut self, path: &std::path::Path) {
        let id = self.bound.get(path).and_then(|bound| bound.file);
        self.readers
            .iter_mut()
            .filter(|reader| Some(reader.id) == id)
            .for_each(|reader| reader.dirty = true);
    }

    /// The look without inotify: sizes and times.
    fn look(&mut self) {
        for reader in &mut self.readers {
            // The read that follows meets the same error and handles it.
            reader.dirty |= reader.look().is_err();
        }
    }

    fn round(&mut self, now: Instant) {
        for at in 0..self.readers.len() {
            if !self.readers[at].dirty || self.waits(at) {
                continue;
            }
            match self.is_cleared(at, now) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    self.failed(at, &error, now);
                    continue;
                }
            }
            let reader = &mut self.readers[at];
            let was_caught_up = reader.caught_up;
            let outcome = reader.read(&mut self.sink, &mut self.buffer, now);
            let is_new = reader.caught_up != was_caught_up;
            match outcome {
                Ok(Outcome::Truncated) => {
                    // A copy that cannot be read is none.
                    self.truncated(at, now).ok();
                }
                Ok(_) if is_new => self.tell_reader(at),
                Ok(_) => {}
                Err(error) => self.failed(at, &error, now),
            }
        }
        self.readers.retain(|reader| !reader.path.is_empty());
    }

    /// True as long as the file that had this one's name before is not read to its end.
    fn waits(&mut self, at: usize) -> bool {
        let Some(earlier) = self.readers[at].after else {
            return false;
        };
        match self.readers.iter_mut().find(|reader| reader.key == earlier) {
            Some(earlier) if earlier.dirty => true,
            earlier => {
                if let Some(earlier) = earlier {
                    earlier.superseded = earlier.rotated.is_some();
                }
                self.readers[at].after = None;
                false
            }
        }
    }

    /// Gives a file up that cannot be read any more; its path is tried again, from where it was left.
    fn failed(&mut self, at: usize, error: &io::Error, now: Instant) {
        let reader = &mut self.readers[at];
        let (offset, first_line_hash) = reader.stored();
        let path = std::mem::take(&mut reader.path);
        let (id, key) = (reader.id, reader.key);
        let jails: Vec<JailId> = reader.jails().collect();
        self.sink.closed(key);
        for wish in self
            .wishes
            .iter_mut()
            .filter(|wish| jails.contains(&wish.jail))
        {
            wish.stored.retain(|stored| stored.path != path);
            let (path, first_line_hash) = (path.clone(), first_line_hash.clone());
            wish.stored.push(store::LogPosition {
                jail: String::new(),
                path,
                first_line_hash,
                offset,
            });
        }
        for bound in self
            .bound
            .values_mut()
            .filter(|bound| bound.file == Some(id))
        {
            bound.file = None;
            bound.errors += 1;
            bound.was_missing = false;
            // Where it was left counts again, as after a restart.
            bound.last = None;
            bound.refused = Some((None, now + scan::TRY_AGAIN, error.to_string()));
        }
    }

    /// Closes renamed and deleted files that stay quiet, and the oldest ones if there are too many.
    fn close_quiet(&mut self, now: Instant) {
        let mut spare = self
            .readers
            .iter()
            .filter(|reader| reader.rotated.is_some())
            .count()
            .saturating_sub(ROTATED);
        let sink = &mut self.sink;
        let mut any = false;
        self.readers.retain(|reader| {
            let Some(rotated) = reader.rotated else {
                return true;
            };
            let quiet = now.duration_since(rotated.max(reader.grew)) >= QUIET;
            let closed = !reader.dirty && (quiet || spare > 0);
            if closed {
                any = true;
                spare = spare.saturating_sub(1);
                sink.closed(reader.key);
            }
            !closed
        });
        if any {
            self.judge_again();
        }
    }
}
