//! The threads that read, and the one that chooses which of them reads for a jail.

use super::choose::{Chooser, Positions};
use super::ears::Ears;
use super::shards::{Shards, Way, Ways};
use super::{Ingest, Learnt};
use crate::clock;
use crate::gate::Gate;
use crate::hub::Message;
use crate::last_words::LastWords;
use crate::plan::Jail;
use crate::source::journal::Journals;
use crate::source::tail::Tail;
use crate::source::{FileWish, JournalWish};
use engine::JailId;
use jiff::tz::TimeZone;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Batches under way to the hub at most.
const UNDER_WAY: usize = 16;
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Failures of the system's means of watching, one a second, after which the daemon had better be started anew.
const MAX_FAILURES: u32 = 30;

/// What a thread does until it is told to stop.
type Work = Box<dyn FnOnce(&AtomicBool, &LastWords) -> Learnt + Send>;

/// What was learnt of logs, by kind of thread.
#[derive(Default)]
pub(crate) struct AllLearnt {
    files: Learnt,
    journal: Learnt,
}

impl AllLearnt {
    /// Keeps only what belongs to jails of which `keep` is true, all of those that share a log.
    pub(crate) fn retain(&mut self, keep: impl Fn(JailId) -> bool) {
        for learnt in [&mut self.files, &mut self.journal] {
            learnt.retain(|jails, _| jails.iter().all(|jail| keep(*jail)));
        }
    }
}

/// The running threads.
pub(crate) struct Sources {
    stop: Arc<AtomicBool>,
    tails: Vec<os::Waker>,
    /// With whether the thread reads the journal.
    threads: Vec<(JoinHandle<Learnt>, bool)>,
}

impl Sources {
    /// Lets them send what they have and waits for their end; gives what they have learnt of their logs.
    pub(crate) fn stop(self) -> AllLearnt {
        self.stop.store(true, Ordering::Relaxed);
        self.tails.iter().for_each(os::Waker::wake);
        // All before the first is awaited: one that never got a wish ends when the one that chooses does.
        for (thread, _) in &self.threads {
            thread.thread().unpark();
        }
        let mut all = AllLearnt::default();
        for (thread, is_journals) in self.threads {
            // One that panicked has nothing left to send.
            let learnt = thread.join().unwrap_or_default();
            match is_journals {
                true => all.journal.extend(learnt),
                false => all.files.extend(learnt),
            }
        }
        all
    }
}

/// Starts reading for all jails, with what earlier readers of the same logs have learnt of them.
pub(crate) fn start(
    jails: &Arc<[Jail]>,
    positions: Positions,
    learnt: AllLearnt,
    journal: Option<PathBuf>,
    zone: &TimeZone,
    hub: Sender<Message>,
) -> io::Result<Sources> {
    let shards = Shards::of(jails);
    start_shards(jails, shards, positions, learnt, journal, zone, hub)
}

fn start_shards(
    jails: &Arc<[Jail]>,
    shards: Shards,
    positions: Positions,
    learnt: AllLearnt,
    journal: Option<PathBuf>,
    zone: &TimeZone,
    hub: Sender<Message>,
) -> io::Result<Sources> {
    let gate = Gate::new(UNDER_WAY);
    let stop = Arc::new(AtomicBool::new(false));
    let ears = Arc::new(Ears::new(jails.len()));
    let ingest = |learnt| {
        Ingest::new(
            Arc::clone(jails),
            hub.clone(),
            gate.clone(),
            zone.clone(),
            Arc::clone(&ears),
            learnt,
        )
    };
    let AllLearnt {
        files: mut of_files,
        journal: of_journal,
    } = learnt;
    let (mut ways, mut tails) = (Vec::new(), Vec::new());
    for shard in 0..shards.count {
        let own = of_files.extract_if(|jails, _| shards.follows(shard, jails));
        let tail = Tail::new(Vec::new(), ingest(own.collect()), clock::now)?;
        let (wishes, wished) = channel();
        let waker = tail.waker();
        ways.push(Way { wishes, waker });
        tails.push((tail, wished));
    }
    let wakers = ways.iter().map(|way| way.waker.clone()).collect();
    let (entries, journal_wishes) = channel();
    let reader = Journals::new(ingest(of_journal), clock::now);
    let mut chooser = Chooser {
        jails: Arc::clone(jails),
        undecided: Vec::new(),
        listening: Vec::new(),
        positions,
        journal,
        files: Ways { shards, ways },
        entries,
        hub: hub.clone(),
        gate: gate.clone(),
        ears,
    };
    chooser.begin();
    let spawn = |name: &str, work: Work| {
        let (words, stop) = (LastWords::new(name, hub.clone()), Arc::clone(&stop));
        thread::Builder::new()
            .name(name.into())
            .spawn(move || work(&stop, &words))
    };
    let mut threads = Vec::new();
    for (at, (tail, wishes)) in tails.into_iter().enumerate() {
        let name = match at {
            0 => "tail".to_owned(),
            _ => format!("tail-{}", at + 1),
        };
        let follow: Work = Box::new(move |stop, words| follow_files(tail, &wishes, stop, words));
        threads.push((spawn(&name, follow)?, false));
    }
    let follow: Work = Box::new(move |stop, _| follow_journal(reader, &journal_wishes, stop));
    threads.push((spawn("journal", follow)?, true));
    let choose: Work = Box::new(move |stop, _| {
        while !stop.load(Ordering::Relaxed) && !chooser.is_done() {
            thread::park_timeout(LOOK_AGAIN);
            chooser.look();
        }
        Learnt::new()
    });
    threads.push((spawn("choose", choose)?, false));
    Ok(Sources {
        stop,
        tails: wakers,
        threads,
    })
}

fn follow_files(
    mut tail: Tail<Ingest>,
    wishes: &Receiver<FileWish>,
    stop: &AtomicBool,
    words: &LastWords,
) -> Learnt {
    // It sleeps as long as nobody wants anything of it, and ends if nobody will.
    let Ok(first) = wishes.recv() else {
        return tail.sink_mut().finish();
    };
    tail.add(first);
    let mut failures = 0;
    while !stop.load(Ordering::Relaxed) {
        for wish in wishes.try_iter() {
            tail.add(wish);
        }
        // What is wrong with a single file is its state; an error here is the machine's, and may pass.
        failures = match tail.poll_once(LOOK_AGAIN) {
            Ok(()) => 0,
            Err(error) if failures >= MAX_FAILURES => {
                words.tell(Message::Died(format!(
                    "tail (log files cannot be watched: {error})"
                )));
                break;
            }
            Err(_) => {
                thread::park_timeout(LOOK_AGAIN);
                failures + 1
            }
        };
        tail.sink_mut().idle();
    }
    tail.sink_mut().finish()
}

fn follow_journal(
    mut reader: Journals<Ingest>,
    wishes: &Receiver<JournalWish>,
    stop: &AtomicBool,
) -> Learnt {
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
    reader.sink_mut().finish()
}

#[cfg(test)]
mod tests;
