//! Which thread follows which log files.
//!
//! Lines are matched where they are read, so one thread that follows everything uses one core. Several share the jails
//! out: never a jail over two of them, since it has one detector that sees its lines in order, and jails with a log in
//! common together, since they share its reading. Which logs are busy shows only later; their size is the best guess
//! beforehand.
//!
//! Two names of one file, by a link, are not seen as such: it is then read twice, by each jail once.

use crate::plan::{Backend, Jail};
use crate::source::FileWish;
use crate::source::tail::{expand, may_name_same};
use engine::JailId;
use std::cmp::Reverse;
use std::fs;
use std::sync::mpsc::Sender;
use std::thread;

/// Threads that follow files at most.
const MOST: usize = 4;

/// The way to a thread that follows files.
pub(super) struct Way {
    pub(super) wishes: Sender<FileWish>,
    pub(super) waker: os::Waker,
}

/// The ways to all of them.
pub(super) struct Ways {
    pub(super) shards: Shards,
    pub(super) ways: Vec<Way>,
}

impl Ways {
    /// Tells the jail's thread what the jail wants.
    pub(super) fn send(&self, wish: FileWish) {
        let shard = self.shards.of_jail.get(wish.jail.0 as usize);
        if let Some(way) = shard.and_then(|shard| self.ways.get(*shard)) {
            // The thread ends only with us.
            drop(way.wishes.send(wish));
            way.waker.wake();
        }
    }
}

/// How jails are shared out.
pub(super) struct Shards {
    /// The jail's shard, by the jail's place. Jails that have no files are in the first.
    of_jail: Vec<usize>,
    pub(super) count: usize,
}

/// What is known beforehand of a jail's log files.
struct Logs<'a> {
    patterns: Vec<&'a str>,
    bytes: u64,
}

/// Jails that belong together.
struct Group<'a> {
    jails: Vec<usize>,
    logs: Logs<'a>,
}

impl Shards {
    /// For as many threads as this machine runs at once.
    pub(super) fn of(jails: &[Jail]) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::over(jails, cores.min(MOST))
    }

    /// For so many threads at most.
    pub(super) fn over(jails: &[Jail], threads: usize) -> Self {
        Self::share_out(jails.iter().map(Logs::of), threads)
    }

    /// True if the shard follows the logs of these jails.
    pub(super) fn follows(&self, shard: usize, jails: &[JailId]) -> bool {
        let mut shards = jails
            .iter()
            .map(|jail| self.of_jail.get(jail.0 as usize).copied());
        shards.all(|of_jail| of_jail == Some(shard))
    }

    fn share_out<'a>(jails: impl Iterator<Item = Logs<'a>>, threads: usize) -> Self {
        let mut of_jail = Vec::new();
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (at, logs) in jails.enumerate() {
            of_jail.push(0);
            if logs.patterns.is_empty() {
                continue;
            }
            let jails = vec![at];
            let mut group = Group { jails, logs };
            let meeting = |other: &mut Group<'_>| other.logs.meet(&group.logs);
            let meeting: Vec<Group<'_>> = groups.extract_if(.., meeting).collect();
            for other in meeting {
                group.jails.extend(other.jails);
                group.logs.patterns.extend(other.logs.patterns);
                group.logs.bytes += other.logs.bytes;
            }
            groups.push(group);
        }
        // The largest first, each to the shard that has least.
        groups.sort_by_key(|group| Reverse(group.logs.bytes));
        let count = threads.min(groups.len()).max(1);
        let mut loads = vec![0_u64; count];
        for group in groups {
            let least = (0..count).min_by_key(|at| loads[*at]).unwrap_or(0);
            // What is empty or missing counts a little, so that such logs are spread, too.
            loads[least] += group.logs.bytes + 1;
            for jail in group.jails {
                of_jail[jail] = least;
            }
        }
        Self { of_jail, count }
    }
}

impl<'a> Logs<'a> {
    fn of(jail: &'a Jail) -> Self {
        let patterns: Vec<&str> = match jail.backend {
            _ if jail.is_removed => Vec::new(),
            Backend::Files | Backend::Either => {
                jail.logs.iter().map(|log| log.pattern.as_str()).collect()
            }
            Backend::Journal | Backend::Bans => Vec::new(),
        };
        let paths = patterns.iter().flat_map(|pattern| expand(pattern));
        let bytes = paths.filter_map(|path| Some(fs::metadata(path).ok()?.len()));
        Self {
            bytes: bytes.sum(),
            patterns,
        }
    }

    /// True if some file may be one of both.
    fn meet(&self, other: &Logs<'_>) -> bool {
        self.patterns.iter().any(|one| {
            let mut others = other.patterns.iter();
            others.any(|other| may_name_same(one, other))
        })
    }
}

#[cfg(test)]
mod tests;
