//! The configuration is read again while the daemon guards: the thread that owns the readers of logs.
//!
//! Reading and compiling a configuration takes its time, and for the moment of the change nobody may read logs in the
//! name of a jail's former form. Neither is for the hub to wait for. So this thread stops the readers, if anything is to be
//! read in another way, hands the new jails to the hub, and starts readers that go on where the others ended: nothing is
//! read twice or left out.

use crate::commands::{Commands, Reply};
use crate::configuration::Configuration;
use crate::hub::{By, Message, Swapped};
use crate::ignore::{self, Entry, Watcher};
use crate::ingest::{self, AllLearnt, Positions, Sources};
use crate::last_words::LastWords;
use crate::log::{Kind, Level, Log};
use crate::plan::{Jail, Plan, merge};
use crate::setup::Setup;
use crate::{clock, control};
use engine::JailId;
use jiff::tz::TimeZone;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use wire::fail2ban::Value;

mod ignore_change;

pub(crate) use ignore_change::IgnoreChange;

/// What the thread is told.
pub(crate) enum Order {
    /// Change or tell whom jails ignore. The answer, one line, goes to who asked.
    Ignore(IgnoreChange, SyncSender<String>),
    /// Answer a command in fail2ban's manner.
    Command(Value, SyncSender<Reply>),
    /// Read the configuration again. The answer, one line, goes to who asked.
    Reload(Option<SyncSender<String>>),
    /// Stop the readers and end.
    Stop,
}

/// What runs for the configuration at hand.
pub(crate) struct Running {
    /// What the jails are, as commands see and change them.
    pub(crate) setup: Setup,
    pub(crate) jails: Arc<[Jail]>,
    sources: Option<Sources>,
    watcher: Option<Watcher>,
    /// How many configurations there were before.
    generation: u64,
}

/// Starts the watcher of the jails' `ignoreip`, and waits for its first lists.
pub(crate) fn watch(
    jails: &[Jail],
    generation: u64,
    hub: &Sender<Message>,
    log: &Log,
) -> io::Result<Watcher> {
    let words = LastWords::new("the watcher of ignoreip", hub.clone());
    ignore::start(jails, log, move |said| {
        words.tell(Message::Ignore(generation, said));
    })
}

/// What the watcher looks after, jail by jail.
fn watched(jails: &[Jail]) -> Vec<(JailId, &[Entry])> {
    let there = jails.iter().filter(|jail| !jail.is_removed);
    let watched = there.filter(|jail| !ignore::sources(&jail.ignore).is_empty());
    watched
        .map(|jail| (jail.id, jail.ignore.as_slice()))
        .collect()
}

/// What the thread works with.
pub(crate) struct Reloader {
    pub(crate) hub: Sender<Message>,
    pub(crate) zone: TimeZone,
    /// Journal files to read in place of the system's.
    pub(crate) journal: Option<PathBuf>,
    pub(crate) log: Arc<Log>,
    /// The store's file, or `memory`.
    pub(crate) store: String,
    /// The daemon ends: commands that still wait are not worked on.
    pub(crate) ending: Arc<AtomicBool>,
    /// Where the configuration comes from.
    pub(crate) configuration: Configuration,
}

impl Reloader {
    /// Starts the readers and the thread that owns them.
    pub(crate) fn start(
        self,
        setup: Setup,
        jails: Arc<[Jail]>,
        positions: Positions,
        watcher: Watcher,
        orders: Receiver<Order>,
    ) -> io::Result<JoinHandle<()>> {
        let sources = self.read(&jails, positions, AllLearnt::default())?;
        let running = Running {
            setup,
            jails,
            sources: Some(sources),
            watcher: Some(watcher),
            generation: 0,
        };
        let words = LastWords::new("the reader of the configuration", self.hub.clone());
        thread::Builder::new().name("reload".into()).spawn(move || {
            let _words = words;
            self.run(running, &orders);
        })
    }

    fn read(
        &self,
        jails: &Arc<[Jail]>,
        positions: Positions,
        learnt: AllLearnt,
    ) -> io::Result<Sources> {
        let (journal, hub) = (self.journal.clone(), self.hub.clone());
        ingest::start(jails, positions, learnt, journal, &self.zone, hub)
    }

    fn run(self, mut running: Running, orders: &Receiver<Order>) {
        for order in orders {
            match order {
                // Who asked learns it from the channel.
                Order::Command(..) if self.ending.load(Ordering::Relaxed) => {}
                Order::Command(command, reply) => {
                    let (reloader, running) = (&self, &mut running);
                    let answer = Commands { reloader, running }.answer(&command);
                    // A client that went away has nobody left to tell.
                    drop(reply.try_send(answer));
                }
                Order::Reload(reply) => {
                    let line = match self.reread(&mut running) {
                        Ok(answer) => wire::encode(&answer),
                        Err(why) => control::failed(&why),
                    };
                    if let Some(reply) = reply {
                        drop(reply.try_send(line));
                    }
                }
                Order::Ignore(change, reply) => {
                    let line = change.carry_out(&self, &mut running);
                    drop(reply.try_send(line));
                }
                Order::Stop => break,
            }
        }
        drop(running.sources.map(Sources::stop));
    }

    /// Reads the configuration again and goes over to it. An error says why none of it can be used.
    pub(crate) fn reread(&self, running: &mut Running) -> Result<wire::ReloadAnswer, String> {
        let (config, plan) = self.configuration.read().map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            self.tell(&format!("the configuration was read again and cannot be used, so that nothing changes: {first}"));
            first
        })?;
        let before = std::mem::replace(&mut running.setup, Setup::of(&config));
        for (jail, _) in &plan.broken {
            running.setup.undo(&before, jail.as_str());
        }
        self.swap(running, plan, By::Files)
    }

    /// Goes over to a plan. An error means that the daemon ends.
    pub(crate) fn swap(
        &self,
        running: &mut Running,
        plan: Plan,
        by: By,
    ) -> Result<wire::ReloadAnswer, String> {
        let stopping = || "the daemon is stopping".to_owned();
        let merged = merge(&running.jails, plan);
        if watched(&merged.jails) != watched(&running.jails) {
            running.generation += 1;
            // Its first lists are with the hub before the jails that they are for.
            let watcher = watch(&merged.jails, running.generation, &self.hub, &self.log);
            let watcher = watcher.map_err(|error| {
                let text = format!("the watcher of ignoreip (it cannot be started again: {error})");
                drop(self.hub.send(Message::Died(text)));
                stopping()
            })?;
            running.watcher = Some(watcher);
        }
        // Where all is read as before, the readers go on: what they know of the jails is the same.
        let reads_alike = merged.reread.is_empty() && merged.removed.is_empty();
        let sources = running.sources.take_if(|_| !reads_alike);
        let mut learnt = sources.map(Sources::stop).unwrap_or_default();
        let (reply, swapped) = sync_channel(1);
        let told = self.hub.send(Message::Reload {
            merged: Box::new(merged),
            generation: running.generation,
            by,
            reply,
        });
        let Some(Swapped {
            jails,
            positions,
            reread,
            answer,
        }) = told.ok().and_then(|()| swapped.recv().ok())
        else {
            return Err(stopping());
        };
        running.jails = Arc::clone(&jails);
        if running.sources.is_some() {
            return Ok(answer);
        }
        learnt.retain(|jail: JailId| !reread.contains(&jail));
        match self.read(&jails, positions, learnt) {
            Ok(started) => running.sources = Some(started),
            Err(error) => {
                // Better started again than blind.
                let text = format!("the readers of logs (they cannot be started again: {error})");
                drop(self.hub.send(Message::Died(text)));
            }
        }
        Ok(answer)
    }

    fn tell(&self, text: &str) {
        self.log
            .write(clock::now(), Level::Error, Kind::Rare, "server", text);
    }
}
