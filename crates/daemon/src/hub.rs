//! The hub: one thread, one closed list of messages, one owner of the engine.
//!
//! Whatever happens comes here as a message, becomes an input of the engine, and the engine's effects go out to
//! the performers. The hub waits for nobody: it hands over and goes on; answers come back as messages. Failures
//! are stepped before the position behind them is stored, so that a crash reads again rather than loses.

use crate::board::{Board, SourceNews};
use crate::clock;
use crate::enforce::{Command, EnforcerHandle, Report};
use crate::events;
use crate::gate::Pass;
use crate::heartbeat::Pulse;
use crate::ignore::Questions;
use crate::keep::{Keeper, Kept, Order, Recalled, Written};
use crate::log::{Kind, Level, Log};
use crate::plan::{Jail, Merged};
use crate::protect::Protection;
use crate::resolve::Resolver;
use crate::source::Standing;
use base::{JailName, Prefix, Span, Timestamp};
use engine::{Effect, Engine, Event, Input, JailId, RequestId};
use jiff::tz::TimeZone;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;
use store::Write;

mod act;
mod blind;
mod doubt;
mod explain;
mod finish;
mod ignore;
mod reached;
mod reload;
mod requests;
mod restore;
mod totals;
mod translate;
mod watch;

pub(crate) use act::Acting;
use blind::Blindness;
use doubt::Looks;
use explain::Explaining;
pub(crate) use ignore::Lists;
pub(crate) use reached::Reached;
pub(crate) use reload::{By, Swapped};
pub(crate) use requests::Asked;
pub(crate) use totals::Totals;
pub(crate) use translate::failures;
use translate::store_ban;
pub(crate) use watch::Watch;
use watch::Watchers;

/// Everything that can happen to the hub.
pub(crate) enum Message {
    /// What a source read.
    Read(Batch),
    /// A host name of a failure has these addresses.
    Resolved {
        jail: JailId,
        failure: Box<detect::Failure>,
        name: String,
        addresses: Vec<Prefix>,
    },
    /// Who is ignored, as names and files have it now.
    Ignore(u64, crate::ignore::Said),
    /// `ignorecommand` has answered.
    IgnoreAnswer(crate::ignore::Answer),
    /// The enforcer speaks.
    Enforcer(Report),
    /// The store's thread speaks.
    Kept(Kept),
    /// An action's worker is back.
    Acted,
    /// A client asks; the answer is one line.
    Ask(wire::Request, SyncSender<String>),
    /// A client wants to be told of events; what is answered is one line if it may not be.
    Watch(Watch, SyncSender<Result<(), String>>),
    /// The configuration has changed, and the readers that it concerns have ended.
    Reload {
        merged: Box<Merged>,
        /// The number of its watcher of `ignoreip`.
        generation: u64,
        by: By,
        reply: SyncSender<Swapped>,
    },
    /// The history of bans is kept so long from now on.
    PurgeAge(Span),
    /// A part is no more, and why. Guarding blindly would be worse than to end and be started again.
    Died(String),
    /// A signal asks for the end.
    Stop,
}

/// What a source read, in order.
pub(crate) struct Batch {
    pub(crate) said: Vec<Read>,
    pub(crate) pass: Pass,
    /// Where failures go that were heard: their memory serves for the next ones, and goes back to the thread that it is of.
    pub(crate) heard: Option<Sender<Vec<detect::Failure>>>,
}

/// A failure with more memory is not given back.
const MAX_KEPT: usize = 1_024;

/// One thing that a source says.
pub(crate) enum Read {
    /// The lines of one read of this jail's source follow.
    Begins(JailId),
    /// A failure.
    Failure(JailId, detect::Failure),
    /// Everything up to here is said.
    Position(Write),
    /// A source of a jail is in this state now.
    State {
        jail: JailId,
        path: String,
        kind: &'static str,
        standing: Standing,
    },
    /// A jail reads nothing of this kind any more.
    Left { jail: JailId, kind: &'static str },
    /// Something to tell, once per cause.
    Notice(JailId, String),
}

/// The hub and all that it owns.
pub(crate) struct Hub {
    pub(crate) engine: Engine,
    pub(crate) jails: Arc<[Jail]>,
    pub(crate) board: Board,
    pub(crate) enforcer: EnforcerHandle,
    pub(crate) acting: Acting,
    pub(crate) questions: Questions,
    pub(crate) keeper: Keeper,
    pub(crate) resolver: Resolver<(JailId, detect::Failure)>,
    pub(crate) protection: Protection,
    pub(crate) log: Arc<Log>,
    pub(crate) zone: TimeZone,
    pub(crate) purge_age: Span,
    effects: Vec<Effect>,
    /// Bans of the start that the enforcer was given all at once.
    restoring: Vec<u64>,
    waiting: HashMap<RequestId, Asked>,
    next_request: u64,
    purged: Timestamp,
    reached: Reached,
    lists: Lists,
    looks: Looks,
    /// Explanations that wait for what the kernel says.
    explaining: Vec<Explaining>,
    watchers: Watchers,
    pulse: Pulse,
    is_dry_run: bool,
    flushes: bool,
    totals: Totals,
    blindness: Blindness,
}

/// What the hub is made of.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) jails: Arc<[Jail]>,
    pub(crate) board: Board,
    pub(crate) enforcer: EnforcerHandle,
    pub(crate) acting: Acting,
    pub(crate) questions: Questions,
    pub(crate) keeper: Keeper,
    pub(crate) resolver: Resolver<(JailId, detect::Failure)>,
    pub(crate) protection: Protection,
    pub(crate) log: Arc<Log>,
    pub(crate) zone: TimeZone,
    pub(crate) purge_age: Span,
    /// How far earlier runs have read.
    pub(crate) reached: Reached,
    /// Lists of the ignored, as the watcher said at the start.
    pub(crate) lists: Lists,
    /// Beats with every step.
    pub(crate) pulse: Pulse,
    /// Nothing reaches the kernel.
    pub(crate) is_dry_run: bool,
    /// Bans are lifted at the end.
    pub(crate) flushes: bool,
    /// What was counted by earlier runs.
    pub(crate) totals: Totals,
}

/// How the hub ended.
pub(crate) struct End {
    /// Nothing had died and nothing failed on the way down.
    in_order: bool,
    /// Bans that stay in the kernel.
    standing: usize,
    /// Why the table is not as it should be.
    failure: Option<String>,
}

/// The rare look around: protected addresses, purge, sources.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
const PURGE_EVERY: Span = Span::from_secs(3600);

impl Hub {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            engine,
            jails,
            board,
            enforcer,
            acting,
            questions,
            keeper,
            resolver,
            protection,
            log,
            zone,
            purge_age,
            reached,
            lists,
            pulse,
            is_dry_run,
            flushes,
            totals,
        } = parts;
        Self {
            engine,
            jails,
            board,
            enforcer,
            acting,
            questions,
            keeper,
            resolver,
            protection,
            log,
            zone,
            purge_age,
            effects: Vec::new(),
            restoring: Vec::new(),
            waiting: HashMap::new(),
            next_request: 0,
            purged: clock::now(),
            reached,
            lists,
            looks: Looks::default(),
            explaining: Vec::new(),
            watchers: Watchers::default(),
            pulse,
            is_dry_run,
            flushes,
            totals,
            blindness: Blindness::default(),
        }
    }

    /// Runs until it is told to stop. Returns whether everything was in order to the end.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) -> bool {
        loop {
            self.pulse.beat();
            match inbox.recv_timeout(self.patience()) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    let flush = self.flushes;
                    return self.finish(flush, inbox).in_order;
                }
                Ok(Message::Ask(wire::Request::Stop { flush }, reply)) => {
                    let end = self.finish(flush, inbox);
                    // The client may have gone; it is the end either way.
                    drop(reply.send(requests::stop_answer(flush, &end)));
                    return end.in_order;
                }
                Ok(Message::Died(part)) => {
                    let text = format!(
                        "{part} has died: the daemon ends with an error, to be started again; bans stand"
                    );
                    self.log
                        .write(clock::now(), Level::Critical, Kind::Rare, "server", &text);
                    self.finish(false, inbox);
                    return false;
                }
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.keep_house();
        }
    }

    fn patience(&self) -> Duration {
        let Some(deadline) = self.engine.next_deadline() else {
            return HOUSEKEEPING;
        };
        let micros = deadline.since(clock::now()).as_micros().max(0);
        Duration::from_micros(micros.unsigned_abs()).min(HOUSEKEEPING)
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Read(batch) => {
                let failures = self.read(batch.said);
                if let Some(heard) = batch.heard.filter(|_| !failures.is_empty()) {
                    // A source that has ended takes nothing back.
                    drop(heard.send(failures));
                }
                drop(batch.pass);
            }
            Message::Resolved {
                jail,
                failure,
                name,
                addresses,
            } => {
                self.resolved(jail, &failure, &name, addresses);
            }
            Message::Ignore(generation, said) => self.ignore_says(generation, said),
            Message::IgnoreAnswer(answer) => self.ignore_answers(answer),
            Message::Enforcer(report) => self.enforcer_says(report),
            Message::Kept(kept) => self.kept(kept),
            Message::Acted => self.acting.turn(),
            Message::Ask(request, reply) => self.ask(request, reply),
            Message::Watch(watch, reply) => self.watch(watch, &reply),
            Message::PurgeAge(age) => self.purge_age = age,
            Message::Reload {
                merged,
                generation,
                by,
                reply,
            } => {
                self.lists.advance(generation, &merged.jails);
                let swapped = self.reload(*merged, by);
                // Who asked has gone only if the daemon ends.
                drop(reply.send(swapped));
            }
            // The loop takes these itself.
            Message::Stop | Message::Died(_) => {}
        }
        self.perform();
    }

    fn step(&mut self, input: Input<'_>) {
        self.engine.step(clock::now(), input, &mut self.effects);
    }

    /// Hears what a source has read; gives back the failures whose memory may serve again.
    fn read(&mut self, said: Vec<Read>) -> Vec<detect::Failure> {
        let mut failures = Vec::new();
        let now = clock::now();
        // Whoever logged in a moment ago must be known before a ban is decided.
        self.refresh_protection(now);
        for one in said {
            self.pulse.beat();
            match one {
                Read::Begins(jail) => {
                    self.engine
                        .step(now, Input::ReadBegins { jail }, &mut self.effects)
                }
                Read::Failure(jail, found) => {
                    let heard = self.found(now, jail, found);
                    failures.extend(heard.filter(|heard| heard.capacity() <= MAX_KEPT));
                }
                // What the failures before it led to is handed over first.
                Read::Position(write) => {
                    self.engine.step(now, Input::ReadEnds, &mut self.effects);
                    self.perform();
                    self.reached.note(&write);
                    self.keeper.send(Order::Write(write, None));
                }
                Read::State {
                    jail,
                    path,
                    kind,
                    standing,
                } => {
                    for news in self.board.source_says(jail, path, kind, standing) {
                        match news {
                            SourceNews::Jail(level, text) => self.tell(level, "jail", jail, &text),
                            SourceNews::Log(text) => {
                                let level = Level::Info;
                                self.log.write(now, level, Kind::Rare, "filter", &text);
                            }
                        }
                    }
                }
                Read::Left { jail, kind } => {
                    self.board.source_left(jail, kind);
                    let text = "its log file is written and the journal says nothing: reading the file from now on";
                    self.tell(Level::Notice, "jail", jail, text);
                }
                Read::Notice(jail, text) => self.tell(Level::Warning, "filter", jail, &text),
            }
        }
        self.engine.step(now, Input::ReadEnds, &mut self.effects);
        failures
    }

    /// Gives back a failure that was heard.
    fn found(
        &mut self,
        now: Timestamp,
        jail: JailId,
        found: detect::Failure,
    ) -> Option<detect::Failure> {
        self.board.failed(jail, found.time);
        if let Some(name) = found.hostname.clone() {
            if !self.resolver.ask(name, (jail, found)) {
                self.name_dropped(now);
            }
            return None;
        }
        self.admit(now, jail, &found.id, &found);
        Some(found)
    }

    fn resolved(
        &mut self,
        jail: JailId,
        found: &detect::Failure,
        name: &str,
        addresses: Vec<Prefix>,
    ) {
        if addresses.is_empty() {
            let text = format!(
                "[{}] Unable to find a corresponding IP address for {name}",
                self.name_of(jail)
            );
            // Names are the attacker's, and so is their number.
            self.log.write(
                clock::now(),
                Level::Warning,
                Kind::PerFailure,
                "ipdns",
                &text,
            );
        }
        for address in addresses {
            let id = base::FailureId::Prefix(address);
            self.admit(clock::now(), jail, &id, found);
        }
        self.step(Input::ReadEnds);
    }

    fn name_dropped(&mut self, now: Timestamp) {
        let text = "too many host names wait to be looked up; a failure of one more is not counted. \
                    Set usedns = no, or have the service log addresses";
        self.log
            .write(now, Level::Warning, Kind::PerFailure, "ipdns", text);
    }

    fn enforcer_says(&mut self, report: Report) {
        match report {
            Report::Applied { seq, result } => self.step(Input::Applied { seq, result }),
            Report::Inspected(inspection) => self.inspected(&inspection),
            Report::Restored { elements, failed } => {
                // What failed is tried again by the enforcer, which says so; the bans stand either way.
                for seq in std::mem::take(&mut self.restoring) {
                    self.step(Input::Applied {
                        seq,
                        result: Ok(()),
                    });
                }
                if elements + failed > 0 {
                    let text = format!(
                        "{elements} bans stand in the kernel after the start, {failed} not yet"
                    );
                    self.log
                        .write(clock::now(), Level::Info, Kind::Rare, "actions", &text);
                }
            }
            other => {
                for (level, text) in self.board.enforcer_says(other) {
                    self.log
                        .write(clock::now(), level, Kind::Rare, "actions", &text);
                }
            }
        }
    }

    fn enforce(&mut self, command: Command) {
        if self.enforcer.send(command).is_err()
            && let Some((level, text)) = self.board.enforcer_is_gone()
        {
            self.log
                .write(clock::now(), level, Kind::Rare, "actions", &text);
        }
    }

    fn kept(&mut self, kept: Kept) {
        let tell = |log: &Log, level, text: &str| {
            log.write(clock::now(), level, Kind::Rare, "database", text);
        };
        match kept {
            Kept::Written(written) => {
                for text in &written.begun_anew {
                    tell(&self.log, Level::Error, text);
                }
                self.written(written);
            }
            Kept::Recalled(bans, past) => self.recalled(bans, past),
            Kept::Unreadable(error) => {
                let text = format!(
                    "what the store holds of some jails cannot be read: {error}; it is tried again"
                );
                tell(&self.log, Level::Error, &text);
            }
        }
    }

    fn written(&mut self, written: Written) {
        let result = written.failure.clone().map_or(Ok(()), Err);
        for seq in written.numbers {
            self.step(Input::Committed {
                seq,
                result: result.clone(),
            });
        }
        if !written.begun_anew.is_empty() {
            // The file may not know all the bans that stand.
            for ban in self.engine.bans() {
                let row = translate::standing_row(&self.jails, &ban);
                self.keeper.send(Order::Write(Write::Stands(row), None));
            }
        }
        if written.is_unread {
            let text = "the store can be read now: the bans that it holds are restored";
            self.log
                .write(clock::now(), Level::Notice, Kind::Rare, "database", text);
            let jails = self.jails.iter().filter(|jail| !jail.is_removed);
            self.keeper
                .send(Order::Recall(jails.map(Recalled::new).collect()));
        }
        if let Some((level, text)) = self.board.store_says(written.failure) {
            self.log
                .write(clock::now(), level, Kind::Rare, "database", &text);
        }
    }

    /// Hands the engine's effects to their performers.
    fn perform(&mut self) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                self.perform_one(effect);
            }
        }
    }

    fn perform_one(&mut self, effect: Effect) {
        match effect {
            Effect::Ban { seq, key, until } => {
                let Some(prefix) = self.acting.for_kernel(&key) else {
                    return self.step(Input::Applied {
                        seq,
                        result: Ok(()),
                    });
                };
                let jail = self.name_of(key.jail);
                self.enforce(Command::Ban {
                    seq,
                    jail,
                    prefix,
                    until,
                });
            }
            Effect::Unban { seq, key, expired } => {
                self.acting.forget(&key);
                let Some(prefix) = self.acting.for_kernel(&key) else {
                    return self.step(Input::Applied {
                        seq,
                        result: Ok(()),
                    });
                };
                let (jail, seq) = (self.name_of(key.jail), (!expired).then_some(seq));
                self.enforce(Command::Unban {
                    seq,
                    jail,
                    prefix,
                    expired,
                });
            }
            Effect::Persist(write) => {
                self.acting.note(&write);
                self.watchers.note(&write);
                let (write, seq) = store_ban(&self.jails, write);
                self.keeper.send(Order::Write(write, Some(seq)));
            }
            Effect::Notify(event) => {
                self.notify(&event);
                self.act_on(&event);
            }
            Effect::Reply { id, answer } => self.reply(id, answer),
        }
    }

    fn notify(&mut self, event: &Event) {
        match event {
            Event::Ineffective { jail, id, after } if !self.is_dry_run => {
                self.doubt(*jail, id.clone(), *after);
            }
            Event::Unbanned { jail, id, .. } => self.board.ban_ended(*jail, id),
            _ => {}
        }
        self.tell_watchers(event);
        let concerns_all = matches!(event, Event::StoreFailed { ban: None, .. });
        let name = (!concerns_all).then(|| self.name_of(events::jail_of(event)));
        events::tell(&self.log, &self.zone, name.as_ref(), event);
    }

    fn name_of(&self, jail: JailId) -> JailName {
        self.jails[jail.0 as usize].name.clone()
    }

    fn tell(&self, level: Level, module: &str, jail: JailId, text: &str) {
        let name = &self.jails[jail.0 as usize].name;
        self.log.write(
            clock::now(),
            level,
            Kind::Rare,
            module,
            &format!("[{name}] {text}"),
        );
    }

    fn keep_house(&mut self) {
        let now = clock::now();
        if self
            .engine
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.step(Input::Tick);
        }
        self.refresh_protection(now);
        self.explain_late(now);
        self.acting.turn();
        self.keep_totals(now, false);
        self.look_for_blind_jails(now);
        if now.since(self.purged) >= PURGE_EVERY || now < self.purged {
            self.purged = now;
            let before = now - self.purge_age;
            self.step(Input::Purge { before });
            let followed: HashSet<(&str, &str)> = self
                .board
                .paths()
                .map(|(jail, path)| (self.jails[jail.0 as usize].name.as_str(), path))
                .collect();
            // A jail that was told to be idle goes on later from where it was.
            let idle: HashSet<&str> = self
                .jails
                .iter()
                .filter(|jail| !jail.is_removed && !self.board.reads(jail.id))
                .map(|jail| jail.name.as_str())
                .collect();
            self.reached
                .sweep(|jail, path| followed.contains(&(jail, path)) || idle.contains(jail));
            self.keeper.send(Order::Purge {
                now,
                age: self.purge_age,
            });
        }
        self.perform();
    }

    fn refresh_protection(&mut self, now: Timestamp) {
        if let Some(input) = self.protection.refresh(now) {
            self.engine.step(now, input, &mut self.effects);
        }
    }
}

#[cfg(test)]
mod tests;
