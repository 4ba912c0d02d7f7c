//! The threads that read, and the choice which of them reads for a jail (contract 13).
//!
//! A jail has one source: the journal if it has a match there and journald runs, unless one of its log files was
//! written within the last hour. A jail that has neither yet waits, and is looked at again every second.

use super::Ingest;
use crate::clock;
use crate::gate::Gate;
use crate::hub::{Message, Read};
use crate::plan::{Backend, Jail, units};
use crate::source::journal::JournalReader;
use crate::source::tail::{Tail, expand};
use crate::source::{FileWish, JournalWish, SourceState};
use base::{Span, Timestamp};
use engine::JailId;
use jiff::tz::TimeZone;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, UNIX_EPOCH};
use store::{JournalPosition, LogPosition};

/// Batches under way to the hub at most.
const UNDER_WAY: usize = 64;
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A log file that was written so lately is where the service logs.
const LATELY: Span = Span::from_secs(3600);
const JOURNALD: &str = "/run/systemd/journal/socket";

/// How far earlier runs have read.
#[derive(Default)]
pub(crate) struct Positions {
    pub(crate) logs: Vec<LogPosition>,
    pub(crate) journal: Vec<JournalPosition>,
}

/// The running threads.
pub(crate) struct Sources {
    stop: Arc<AtomicBool>,
    tail: os::Waker,
    threads: Vec<JoinHandle<()>>,
}

impl Sources {
    /// Lets them send what they have and waits for their end.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tail.wake();
        for thread in self.threads {
            thread.thread().unpark();
            // One that panicked has nothing left to send.
            drop(thread.join());
        }
    }
}

/// Starts reading for all jails.
pub(crate) fn start(
    jails: &Arc<[Jail]>,
    positions: Positions,
    journal: Option<PathBuf>,
    zone: &TimeZone,
    hub: Sender<Message>,
) -> io::Result<Sources> {
    let gate = Gate::new(UNDER_WAY);
    let stop = Arc::new(AtomicBool::new(false));
    let ingest = || Ingest::new(Arc::clone(jails), hub.clone(), gate.clone(), zone.clone());
    let (files, file_wishes) = channel();
    let (entries, journal_wishes) = channel();
    let tail = Tail::new(Vec::new(), ingest(), clock::now)?;
    let reader = JournalReader::new(Vec::new(), ingest(), journal.clone(), clock::now);
    let mut chooser = Chooser {
        jails: Arc::clone(jails),
        undecided: Vec::new(),
        positions,
        journal,
        files,
        entries,
        hub: hub.clone(),
        gate: gate.clone(),
        tail: tail.waker(),
    };
    let waker = tail.waker();
    chooser.begin();
    let (on, off) = (Arc::clone(&stop), Arc::clone(&stop));
    let threads = vec![
        thread::Builder::new()
            .name("tail".into())
            .spawn(move || follow_files(tail, &file_wishes, &on))?,
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || follow_journal(reader, &journal_wishes, &off))?,
        {
            let stop = Arc::clone(&stop);
            thread::Builder::new()
                .name("choose".into())
                .spawn(move || {
                    while !stop.load(Ordering::Relaxed) && !chooser.undecided.is_empty() {
                        thread::park_timeout(LOOK_AGAIN);
                        chooser.look();
                    }
                })?
        },
    ];
    Ok(Sources {
        stop,
        tail: waker,
        threads,
    })
}

fn follow_files(mut tail: Tail<Ingest>, wishes: &Receiver<FileWish>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        for wish in wishes.try_iter() {
            tail.add(wish);
        }
        // What is wrong with a single file is its state; an error here is the machine's, and may pass.
        if tail.poll_once(LOOK_AGAIN).is_err() {
            thread::park_timeout(LOOK_AGAIN);
        }
        tail.sink_mut().idle();
    }
    tail.sink_mut().finish();
}

fn follow_journal(
    mut reader: JournalReader<Ingest>,
    wishes: &Receiver<JournalWish>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        for wish in wishes.try_iter() {
            reader.add(wish);
        }
        let pause = reader.poll_once();
        reader.sink_mut().idle();
        if !pause.is_zero() {
            thread::park_timeout(pause);
        }
    }
    reader.sink_mut().finish();
}

struct Chooser {
    jails: Arc<[Jail]>,
    undecided: Vec<JailId>,
    positions: Positions,
    journal: Option<PathBuf>,
    files: Sender<FileWish>,
    entries: Sender<JournalWish>,
    hub: Sender<Message>,
    gate: Gate,
    tail: os::Waker,
}

enum Choice {
    Files,
    Journal,
}

impl Chooser {
    fn begin(&mut self) {
        let jails = Arc::clone(&self.jails);
        for jail in jails.iter().filter(|jail| jail.backend != Backend::Bans) {
            match self.choose(jail) {
                Some(choice) => self.give(jail, choice),
                None => {
                    self.undecided.push(jail.id);
                    self.say_waiting(jail, &SourceState::Waiting);
                }
            }
        }
    }

    fn look(&mut self) {
        let jails = Arc::clone(&self.jails);
        for id in std::mem::take(&mut self.undecided) {
            let jail = &jails[id.0 as usize];
            match self.choose(jail) {
                Some(choice) => {
                    self.say_waiting(jail, &SourceState::Gone);
                    self.give(jail, choice);
                }
                None => self.undecided.push(id),
            }
        }
    }

    fn choose(&self, jail: &Jail) -> Option<Choice> {
        let has_files = !jail.logs.is_empty();
        match jail.backend {
            Backend::Files => return Some(Choice::Files),
            Backend::Journal => return Some(Choice::Journal),
            Backend::Either | Backend::Bans => {}
        }
        let journal = !jail.journal.is_empty() && self.journal_has(jail);
        match (journal, self.last_written(jail)) {
            (true, Some(written)) if clock::now().since(written) < LATELY => Some(Choice::Files),
            (true, _) => Some(Choice::Journal),
            (false, Some(_)) => Some(Choice::Files),
            // Without a match in any journal there is nothing but files to wait for.
            (false, None) if jail.journal.is_empty() && has_files => Some(Choice::Files),
            (false, None) => None,
        }
    }

    /// Whether journald runs and knows the jail's service.
    fn journal_has(&self, jail: &Jail) -> bool {
        let runs = self.journal.is_some() || Path::new(JOURNALD).exists();
        let mut units = units(&jail.journal).peekable();
        runs && (self.journal.is_some() || units.peek().is_none() || units.any(os::unit_exists))
    }

    /// When the youngest of the jail's log files was last written; `None` if there is none.
    fn last_written(&self, jail: &Jail) -> Option<Timestamp> {
        let written = |path: PathBuf| {
            let since = fs::metadata(path)
                .ok()?
                .modified()
                .ok()?
                .duration_since(UNIX_EPOCH)
                .ok()?;
            Some(Timestamp::from_micros(since.as_micros() as i64))
        };
        jail.logs
            .iter()
            .flat_map(|log| expand(&log.pattern))
            .filter_map(written)
            .max()
    }

    fn give(&mut self, jail: &Jail, choice: Choice) {
        let name = jail.name.as_str();
        match choice {
            Choice::Files => {
                let stored = self
                    .positions
                    .logs
                    .iter()
                    .filter(|position| position.jail == name)
                    .cloned();
                let wish = FileWish {
                    jail: jail.id,
                    patterns: jail
                        .logs
                        .iter()
                        .map(|log| (log.pattern.clone(), log.tail))
                        .collect(),
                    findtime: jail.policy.findtime,
                    stored: stored.collect(),
                };
                // The thread ends only with us.
                drop(self.files.send(wish));
                self.tail.wake();
            }
            Choice::Journal => {
                let stored = self
                    .positions
                    .journal
                    .iter()
                    .find(|position| position.jail == name);
                let wish = JournalWish {
                    jail: jail.id,
                    matches: jail.journal.clone(),
                    trusted_uids: jail.trusted_uids.clone(),
                    findtime: jail.policy.findtime,
                    stored: stored.map(|position| (position.cursor.clone(), position.time)),
                };
                drop(self.entries.send(wish));
            }
        }
    }

    /// What an undecided jail waits for: any of its files, or its unit.
    fn say_waiting(&self, jail: &Jail, state: &SourceState) {
        let files = jail.logs.iter().map(|log| (log.pattern.clone(), "file"));
        let units = units(&jail.journal).map(|unit| (format!("journal of {unit}"), "journal"));
        let read = |(path, kind): (String, &'static str)| Read::State {
            jail: jail.id,
            path,
            kind,
            state: state.clone(),
            position: 0,
        };
        let said = files.chain(units).map(read).collect();
        drop(self.hub.send(Message::Read(said, self.gate.enter())));
    }
}
