//! From "start" to "stopped": the order in which the parts come up and go down.
//!
//! Up: configuration, privileges, locks, store, kernel, bans restored, sources, socket, ready. What makes guarding
//! impossible ends the start with every reason at once; everything else is reported and the rest goes on.

use crate::board::Board;
use crate::clock;
use crate::commands;
use crate::control::{self, Access};
use crate::enforce::{EnforceConfig, Enforcer, Firewall, Report};
use crate::heartbeat::{Heartbeat, Pulse};
use crate::hub::{Acting, Hub, Lists, Message, Parts, Reached, Totals};
use crate::ignore::Questions;
use crate::keep::{Keeper, Order};
use crate::last_words::LastWords;
use crate::log::{Kind, Level, Log, PRODUCT, Setup, Target, Threshold};
use crate::protect::Protection;
use crate::reload::{self, Reloader};
use crate::resolve::Resolver;
use answers::Answers;
use base::{Diagnostic, Severity, Timestamp};
use begin::Begun;
use conf::Globals;
use engine::Engine;
use jiff::tz::TimeZone;
use os::{Notifier, Signal, Signals};
use pidfile::Pidfile;
use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use store::Opened;
use wire::fail2ban::Value;

mod answers;
mod begin;
mod database;
mod locks;
mod pidfile;

/// The control socket's usual place.
pub const SOCKET: &str = "/run/stockade/stockade.sock";
/// The name of the socket beside it where a group may ask.
pub const STATUS_SOCKET: &str = "status.sock";
/// The firewall table's usual name.
pub const TABLE: &str = "stockade";
const FAIL2BAN_SOCKETS: [&str; 2] = [
    "/run/fail2ban/fail2ban.sock",
    "/var/run/fail2ban/fail2ban.sock",
];
/// The sockets of this network namespace, for everybody to read.
const UNIX_SOCKETS: &str = "/proc/net/unix";

/// How to run.
pub struct Options {
    /// The configuration directory, if not the usual ones.
    pub config: Option<PathBuf>,
    /// Leave the kernel alone and say what would be done.
    pub dry_run: bool,
    /// The store, if not at its usual place; in a dry run without it nothing is kept.
    pub db: Option<PathBuf>,
    /// The control socket.
    pub socket: PathBuf,
    /// The firewall table.
    pub table: String,
    /// Where the log goes, as fail2ban's `logtarget` has it; the standard error output if absent.
    pub log: Option<PathBuf>,
    /// Run beside a live fail2ban.
    pub force: bool,
    /// A directory of journal files to read instead of the system's.
    pub journal: Option<PathBuf>,
    /// Whose manners it has.
    pub manner: Manners,
}

/// Whose manners a daemon has: the name that was called decides (contract, first line).
pub enum Manners {
    /// Our own: it reads its configuration itself, and bans outlive it.
    Stockade,
    /// Those of `fail2ban-server`: a client tells it what its jails are, and what it has banned it lifts at its end.
    Fail2ban(Server),
}

/// What `fail2ban-server` is started with.
pub struct Server {
    /// What its jails are, as commands of a client; those of the server alone where a client will send the others.
    pub stream: Vec<Value>,
    /// Written with the number of the process, and removed at the end.
    pub pidfile: Option<PathBuf>,
    /// Called as soon as clients are answered.
    pub ready: fn(),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything was written and closed.
    Clean,
    /// A part had died on the way.
    Troubled,
}

/// Guards the machine until a signal or a client ends it. The error says why it could not begin.
pub fn run(options: &Options) -> Result<Ended, Vec<Diagnostic>> {
    let zone = clock::zone();
    let started = clock::now();
    os::keep_files_private();
    // Before any thread is made: a signal must find this one only.
    let signals =
        Signals::block().map_err(|error| cannot(format!("signals cannot be received: {error}")))?;
    // Before any thread is made, too: it can be had once.
    let activated = match &options.manner {
        Manners::Fail2ban(_) => os::activated_socket("fail2ban"),
        Manners::Stockade => None,
    };
    let mut begun = begin::begin(options, started)?;
    if activated.is_some() {
        begun.sockets.clear();
    }
    let (log, note) = open_log(options, &begun.setup.globals, &zone)?;
    let log = Arc::new(log);
    let tell = |level, text: &str| log.write(clock::now(), level, Kind::Rare, "server", text);
    tell(Level::Info, &"-".repeat(50));
    tell(
        Level::Info,
        &format!("Starting {}", options.manner.product()),
    );
    for (level, text) in begun.notes.iter().chain(&note) {
        tell(*level, text);
    }
    for (name, diagnostic) in &begun.plan.broken {
        log.write(
            clock::now(),
            Level::Error,
            Kind::Rare,
            "jail",
            &format!("[{name}] {}", diagnostic.message),
        );
    }
    let mut locks = Vec::new();
    if let Some(path) = &begun.store {
        locks.extend(locks::store(path, options.manner.patience(), &tell)?);
    }
    if !options.dry_run && begun.owns_table {
        locks.extend(locks::table(&options.table, Duration::ZERO, &tell)?);
    }
    let _pidfile = match &options.manner {
        Manners::Fail2ban(server) => server
            .pidfile
            .as_deref()
            .map(|path| Pidfile::write(path, &tell)),
        Manners::Stockade => None,
    };
    let globals = &begun.setup.globals;
    let mut opened = database::open(begun.store.as_deref(), globals, &zone, started);
    if let Some(theirs) = &begun.import {
        if fail2ban_answers() {
            let text = "fail2ban is running: what its database holds is not taken over";
            log.write(clock::now(), Level::Notice, Kind::Rare, "database", text);
        } else {
            database::import(&mut opened, theirs, &begun.plan.jails, &log);
        }
    }
    if let Some(text) = &opened.upgraded {
        log.write(clock::now(), Level::Notice, Kind::Rare, "database", text);
    }
    for note in &opened.notes {
        log.write(clock::now(), Level::Error, Kind::Rare, "database", note);
    }
    let guard = Guard {
        options,
        activated,
        begun,
        zone,
        started,
        log: Arc::clone(&log),
    };
    let ended = guard.begin(opened, signals)?;
    drop(locks);
    tell(Level::Info, &format!("Exiting {}", options.manner.name()));
    Ok(ended)
}

type Note = (Level, String);

/// The log, and what is to be said in it of a target that could not be had.
fn open_log(
    options: &Options,
    globals: &Globals,
    zone: &TimeZone,
) -> Result<(Log, Option<Note>), Vec<Diagnostic>> {
    // The configuration has said so already where it is none.
    let level = Threshold::parse(&globals.loglevel).unwrap_or(Level::Info.into());
    let open = |target| {
        Log::open(Setup {
            product: options.manner.product(),
            syslogsocket: globals
                .syslogsocket
                .clone()
                .unwrap_or_else(|| "auto".into()),
            ..Setup::new(target, level.clone(), zone.clone())
        })
    };
    let cannot = |error| cannot(format!("the log cannot be opened: {error}"));
    if let Manners::Fail2ban(_) = options.manner {
        let name = globals.logtarget.as_deref().unwrap_or("STDERR");
        return match Target::parse(name).and_then(open) {
            Ok(log) => Ok((log, None)),
            // Better guarded without a log than not at all.
            Err(error) => {
                let log = open(Target::stderr()).map_err(cannot)?;
                let text = format!("Unable to log to {name}: {error}");
                Ok((log, Some((Level::Error, text))))
            }
        };
    }
    let target = match options.log.as_deref().map(|path| (path, path.to_str())) {
        None => Ok(Target::stderr()),
        Some((_, Some(text))) => Target::parse(text),
        Some((path, None)) => Ok(Target::file(path.to_owned())),
    };
    let log = target.and_then(open).map_err(cannot)?;
    Ok((log, None))
}

impl Manners {
    fn name(&self) -> &'static str {
        match self {
            Self::Stockade => "Stockade",
            Self::Fail2ban(_) => "Fail2ban",
        }
    }

    /// How long the one before may take to leave: a script that stops and starts does not wait in between.
    fn patience(&self) -> Duration {
        match self {
            Self::Stockade => Duration::ZERO,
            Self::Fail2ban(_) => Duration::from_secs(10),
        }
    }

    /// Who it says it is.
    fn product(&self) -> String {
        match self {
            Self::Stockade => PRODUCT.to_owned(),
            Self::Fail2ban(_) => format!("Fail2ban v{}", commands::VERSION),
        }
    }
}

/// Everything that the start has found; the rest of the way up, and down again.
struct Guard<'a> {
    options: &'a Options,
    /// A socket that the service manager has bound.
    activated: Option<UnixListener>,
    begun: Begun,
    zone: TimeZone,
    started: Timestamp,
    log: Arc<Log>,
}

impl Guard<'_> {
    fn begin(self, mut opened: Opened, signals: Signals) -> Result<Ended, Vec<Diagnostic>> {
        let (sender, inbox) = channel();
        let Begun {
            setup,
            plan,
            describe,
            configuration,
            sockets,
            flushes,
            is_lazy,
            ..
        } = self.begun;
        let globals = setup.globals.clone();
        let jails: Arc<[crate::plan::Jail]> = plan.jails.into();
        let tell = |text: &str| {
            self.log
                .write(clock::now(), Level::Info, Kind::Rare, "jail", text);
        };
        for jail in jails.iter() {
            tell(&format!("Creating new jail '{}'", jail.name));
        }
        for (jail, note) in jails.iter().flat_map(|jail| {
            let notes = jail.notes.iter().chain(&jail.action_notes);
            notes.map(move |note| (jail, note))
        }) {
            let text = format!("[{}] {note}", jail.name);
            self.log
                .write(clock::now(), Level::Notice, Kind::Rare, "jail", &text);
        }
        let config = EnforceConfig {
            table: self.options.table.clone(),
            owner: globals.table_owner,
            jails: jails
                .iter()
                .filter_map(|jail| jail.enforce.clone())
                .collect(),
            firewall: match (self.options.dry_run, is_lazy) {
                (true, _) => Firewall::DryRun,
                (false, true) => Firewall::OnDemand,
                (false, false) => Firewall::Always,
            },
        };
        let words = LastWords::new("the enforcer", sender.clone());
        let enforcer = Enforcer::start(config, move |report| words.tell(Message::Enforcer(report)))
            .map_err(|error| {
                vec![Diagnostic::new(Severity::Error, error.what).with_help(error.help)]
            })?;

        let held = database::read(&mut opened, &jails, &self.log);
        let history = database::history(&opened.store, &globals);
        let path = match opened.store.path() {
            Some(path) => path.display().to_string(),
            None => "memory".to_owned(),
        };
        let words = LastWords::new("the store's thread", sender.clone());
        let keeper = Keeper::start(opened.store, move |report| {
            words.tell(Message::Kept(report))
        })
        .map_err(|error| cannot(format!("the store's thread cannot start: {error}")))?;
        for write in held.waiting {
            keeper.send(Order::Write(write, None));
        }
        keeper.send(Order::Purge {
            now: self.started,
            age: globals.dbpurgeage,
        });
        let words = LastWords::new("the resolver", sender.clone());
        let resolver = Resolver::start(move |name, (jail, failure), addresses| {
            words.tell(Message::Resolved {
                jail,
                failure: Box::new(failure),
                name,
                addresses,
            });
        })
        .map_err(|error| cannot(format!("the resolver's thread cannot start: {error}")))?;
        let watcher = reload::watch(&jails, 0, &sender, &self.log)
            .map_err(|error| cannot(format!("the watcher of ignoreip cannot start: {error}")))?;
        let ssh = std::env::var("SSH_CONNECTION").ok();
        let mut board = Board::new(
            self.started,
            describe,
            plan.broken,
            wire::Store {
                path: path.clone(),
                state: held.state,
            },
        );
        // The enforcer has told what it found before it returned.
        let mut adopted = Vec::new();
        let mut lists = HashMap::new();
        for message in inbox.try_iter() {
            match message {
                Message::Enforcer(Report::Adopted(found)) => adopted.extend(found),
                // Stored bans of whoever is ignored now are not restored.
                Message::Ignore(_, said) => said.take_in(&mut lists, &self.log),
                Message::Enforcer(report) => {
                    for (level, text) in board.enforcer_says(report) {
                        self.log
                            .write(clock::now(), level, Kind::Rare, "actions", &text);
                    }
                }
                _ => {}
            }
        }
        let is_dry_run = self.options.dry_run;
        let acting = Acting::new(&jails, &self.log, history, is_dry_run, sender.clone());
        let questions = Questions::new(&jails, sender.clone());
        let pulse = Pulse::default();
        let policies = jails.iter().map(|jail| {
            let mut policy = jail.policy.clone();
            if let Some(list) = lists.get(&jail.id) {
                policy.ignoreip = list.clone();
            }
            policy
        });
        let mut engine = Engine::new(policies.collect());
        // Keyed by the system's randomness: nobody can guess the random part of a ban time.
        engine.seed(RandomState::new().hash_one(self.started.as_micros()));
        let mut hub = Hub::new(Parts {
            engine,
            jails: Arc::clone(&jails),
            board,
            enforcer,
            acting,
            questions,
            keeper,
            resolver,
            protection: Protection::new(ssh.as_deref(), self.started),
            log: Arc::clone(&self.log),
            zone: self.zone.clone(),
            purge_age: globals.dbpurgeage,
            reached: Reached::of(&held.positions),
            lists: Lists::of_start(lists),
            pulse: pulse.clone(),
            is_dry_run: self.options.dry_run,
            flushes,
            totals: Totals::new(held.totals),
        });
        hub.restore(held.bans, held.past, adopted);
        let hub = thread::Builder::new()
            .name("hub".into())
            .spawn(move || hub.run(&inbox))
            .map_err(|error| cannot(format!("the hub's thread cannot start: {error}")))?;

        let (orders, ordered) = channel();
        let ending = Arc::new(AtomicBool::new(false));
        let reloader = Reloader {
            hub: sender.clone(),
            zone: self.zone.clone(),
            journal: self.options.journal.clone(),
            log: Arc::clone(&self.log),
            store: path,
            ending: Arc::clone(&ending),
            configuration,
        };
        let reloader = reloader
            .start(setup, Arc::clone(&jails), held.positions, watcher, ordered)
            .map_err(|error| cannot(format!("the sources cannot start: {error}")))?;
        for jail in jails.iter() {
            tell(&format!("Jail '{}' started", jail.name));
        }
        let answers = Answers::new(&sender, &orders);
        let bound = sockets.iter().filter_map(|(path, access)| {
            let answers = answers.for_access(*access);
            open_socket(path, *access, answers, &self.log)
        });
        let activated = self.activated.and_then(|listener| {
            control::serve_activated(listener, answers.for_access(Access::Owner))
                .map_err(|error| cannot_serve(&self.log, "the activated socket", &error))
                .ok()
        });
        let sockets: Vec<_> = bound.chain(activated).collect();
        let bound = sockets.iter().filter_map(|socket| socket.bound().cloned());
        answers.are_bound(bound.collect());
        if let Manners::Fail2ban(server) = &self.options.manner {
            (server.ready)();
        }
        let notifier = Notifier::from_environment();
        notifier.ready(&format!("guarding with {} jails", jails.len()));
        watch(&signals, &notifier, &pulse, &self.log, &orders, &|| {
            hub.is_finished()
        });
        notifier.stopping();
        ending.store(true, Ordering::Relaxed);
        // One that panicked has left its word with the hub.
        drop(orders.send(reload::Order::Stop));
        drop(reloader.join());
        // The hub may have ended by a client's order already.
        drop(sender.send(Message::Stop));
        let ended = match hub.join() {
            Ok(true) => Ended::Clean,
            Ok(false) => Ended::Troubled,
            Err(_) => {
                let text = "the hub has died (it panicked); bans stand";
                self.log
                    .write(clock::now(), Level::Critical, Kind::Rare, "server", text);
                Ended::Troubled
            }
        };
        // Whoever asked for the end gets the answer before the process is gone.
        drop(sockets);
        Ok(ended)
    }
}

/// Without its socket the daemon still guards; only nobody can ask it.
fn open_socket(
    path: &Path,
    access: Access,
    answers: Answers,
    log: &Log,
) -> Option<control::ControlSocket> {
    let shown = path.display().to_string();
    control::serve(path, access, answers)
        .inspect_err(|error| cannot_serve(log, &shown, error))
        .ok()
}

fn cannot_serve(log: &Log, what: &str, error: &io::Error) {
    let text = format!("no control socket at {what}: {error}");
    log.write(clock::now(), Level::Error, Kind::Rare, "server", &text);
}

/// Waits for the end: a signal, or the hub's own. Feeds the watchdog as long as the hub gets on.
fn watch(
    signals: &Signals,
    notifier: &Notifier,
    pulse: &Pulse,
    log: &Log,
    reload: &Sender<reload::Order>,
    ended: &dyn Fn() -> bool,
) {
    let mut heart = Heartbeat::new(notifier.watchdog(), Instant::now());
    while !ended() {
        match signals.wait(heart.patience()) {
            Some(Signal::Terminate | Signal::Interrupt) => return,
            Some(Signal::User1) => {
                if let Err(error) = log.reopen() {
                    let text = format!("the log stays where it was: {error}");
                    log.write(clock::now(), Level::Error, Kind::Rare, "server", &text);
                }
            }
            // Its thread ends only with us.
            Some(Signal::Hangup) => drop(reload.send(reload::Order::Reload(None))),
            None => {}
        }
        if heart.is_due(Instant::now(), pulse.count()) {
            notifier.alive();
        }
    }
}

/// Whether fail2ban runs. Its socket is root's alone, so that without root only the kernel's list tells.
fn fail2ban_answers() -> bool {
    let answers = |path: &&str| match UnixStream::connect(path) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::read_to_string(UNIX_SOCKETS).is_ok_and(|list| is_listening(&list))
        }
        Err(_) => false,
    };
    FAIL2BAN_SOCKETS.iter().any(answers)
}

/// Whether a socket of fail2ban's is bound, in the kernel's list; under which of its names does not matter.
fn is_listening(list: &str) -> bool {
    list.lines()
        .filter_map(|line| line.split_whitespace().nth(7))
        .any(|path| FAIL2BAN_SOCKETS.contains(&path))
}

fn cannot(message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::new(Severity::Error, message)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_socket_of_fail2ban_is_found_in_the_kernels_list() {
        let list = |path: &str| {
            format!(
                "Num       RefCount Protocol Flags    Type St Inode Path\n\
                 0000000000000000: 00000002 00000000 00010000 0001 01 21032 /run/other\n\
                 0000000000000000: 00000002 00000000 00010000 0001 01 21033{path}\n"
            )
        };
        assert!(is_listening(&list(" /var/run/fail2ban/fail2ban.sock")));
        assert!(is_listening(&list(" /run/fail2ban/fail2ban.sock")));
        assert!(!is_listening(&list("")));
        assert!(!is_listening(&list(" /run/fail2ban/fail2ban.sock.old")));
    }
}
