//! Who is ignored, as far as it changes while we run: host names, files, and a command that is asked.
//!
//! The engine knows a list for each jail and asks nobody. Here is who makes the lists: `entry` reads `ignoreip`,
//! `file` a list in a file, `watch` holds what was found last and says what a jail's list is now, and the one thread
//! of this module looks after all that while there is a name or a file at all. The first lists are there before any ban
//! is restored and any source is read, if the name system answers in time.
//!
//! And here is who asks `ignorecommand`: `command` makes and runs a question, `line` is who waits for an answer, `cache`
//! remembers some, and `ask` puts them together for the hub.

mod ask;
mod cache;
mod command;
mod entry;
mod file;
mod line;
mod watch;

pub(crate) use ask::{Answer, Begun, Questions};
pub(crate) use command::{Command, Verdict};
pub(crate) use entry::{Entry, fixed, is_entry, read, sources};
pub(crate) use line::{About, Whom};
pub(crate) use watch::{described, offline};

use crate::clock;
use crate::log::{Kind, Level, Log};
use crate::plan::Jail;
use crate::resolve::addresses_of;
use engine::{IgnoreList, IgnoreSource, JailId};
use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use watch::Watch;

/// How long the start waits for the name system.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the thread says.
pub(crate) enum Said {
    /// A jail's list from now on.
    List {
        jail: JailId,
        list: IgnoreList,
        /// Its names and files of which nothing is known yet.
        silent: Vec<IgnoreSource>,
    },
    /// Something to tell.
    Note(Level, String),
}

impl Said {
    /// Takes it in before there is an engine.
    pub(crate) fn take_in(self, lists: &mut HashMap<JailId, IgnoreList>, log: &Log) {
        match self {
            Self::List { jail, list, .. } => {
                lists.insert(jail, list);
            }
            Self::Note(level, text) => log.write(clock::now(), level, Kind::Rare, "ignore", &text),
        }
    }
}

/// The thread; it ends when this is dropped, after the question that it waits for at most.
pub(crate) struct Watcher {
    _alive: Option<Sender<()>>,
}

/// Starts the thread, if any jail has something to watch, and waits for its first lists.
pub(crate) fn start(
    jails: &[Jail],
    log: &Log,
    report: impl Fn(Said) + Send + 'static,
) -> io::Result<Watcher> {
    let there = jails.iter().filter(|jail| !jail.is_removed);
    let entries = there.map(|jail| (jail.id, jail.ignore.clone()));
    let watch = Watch::new(entries, Box::new(addresses_of));
    if watch.is_idle() {
        return Ok(Watcher { _alive: None });
    }
    let (alive, ended) = channel();
    let (ready, first) = channel();
    thread::Builder::new()
        .name("ignore".into())
        .spawn(move || look(watch, &report, ready, &ended))?;
    // The thread drops its end once everything was looked at.
    if first.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Disconnected) {
        let text = "the name system has not answered yet for names of ignoreip: whoever they stand for is ignored from \
                    when it does, and bans of them are lifted then";
        log.write(clock::now(), Level::Warning, Kind::Rare, "ignore", text);
    }
    Ok(Watcher {
        _alive: Some(alive),
    })
}

fn look(mut watch: Watch, report: &dyn Fn(Said), ready: Sender<()>, ended: &Receiver<()>) {
    let mut unready = Some(ready);
    loop {
        // One name at a time: while the name system is slow, files are still looked at.
        let more = watch.look(&Instant::now);
        for said in watch.take_said() {
            report(said);
        }
        let wait = match more {
            true => Duration::ZERO,
            false => {
                drop(unready.take());
                watch.next_look(Instant::now())
            }
        };
        // While names are slow there may always be more: the end is looked for all the same.
        if ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn who_is_dropped_asks_no_further_name() {
        let names = ["a", "b", "c"].map(|name| Entry::Name(name.into()));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let lookup = move |_: &str| {
            count.fetch_add(1, Ordering::Relaxed);
            Vec::new()
        };
        let watch = Watch::new([(JailId(0), names.into())], Box::new(lookup));
        let (alive, ended) = channel();
        drop::<Sender<()>>(alive);
        look(watch, &|_| {}, channel().0, &ended);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
