//! From "start" to "stopped": the order in which the parts come up and go down.
//!
//! Up: configuration, privileges, locks, store, kernel, bans restored, sources, socket, ready. What makes guarding
//! impossible ends the start with every reason at once; everything else is reported and the rest goes on.

use crate::board::Board;
use crate::control::{self, failed};
use crate::enforce::{EnforceConfig, Enforcer, Report};
use crate::heartbeat::{Heartbeat, Pulse};
use crate::hub::{Acting, Hub, Message, Parts};
use crate::ignore::{self, Questions};
use crate::ingest;
use crate::keep::{Keeper, Order};
use crate::last_words::LastWords;
use crate::log::{Kind, Level, Log, Target};
use crate::plan::{Plan, Surroundings, compile};
use crate::protect::Protection;
use crate::resolve::Resolver;
use crate::{DiskFiles, clock};
use base::{Diagnostic, Severity, Timestamp};
use conf::{Choice, Globals, Manner, Tree};
use engine::Engine;
use jiff::tz::TimeZone;
use os::{Notifier, Signal, Signals};
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use store::{Opened, Place, Store, Write};

mod locks;

/// The control socket's usual place.
pub const SOCKET: &str = "/run/stockade/stockade.sock";
/// The firewall table's usual name.
pub const TABLE: &str = "stockade";
const STORE: &str = "/var/lib/stockade/stockade.sqlite3";
const FAIL2BAN_SOCKETS: [&str; 2] = [
    "/run/fail2ban/fail2ban.sock",
    "/var/run/fail2ban/fail2ban.sock",
];
/// The sockets of this network namespace, for everybody to read.
const UNIX_SOCKETS: &str = "/proc/net/unix";
/// How long a client waits for its answer; less than its own patience.
const ANSWER: Duration = Duration::from_secs(50);

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
    /// The log file; the standard error output if absent.
    pub log: Option<PathBuf>,
    /// Run beside a live fail2ban.
    pub force: bool,
    /// A directory of journal files to read instead of the system's.
    pub journal: Option<PathBuf>,
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
    let zone = TimeZone::system();
    let started = clock::now();
    // Before any thread is made: a signal must find this one only.
    let signals =
        Signals::block().map_err(|error| cannot(format!("signals cannot be received: {error}")))?;
    let (plan, globals, config) = load(options, started)?;
    let log = Arc::new(open_log(options, &globals, &zone)?);
    let tell = |level, text: &str| log.write(clock::now(), level, Kind::Rare, "server", text);
    tell(
        Level::Info,
        &format!("Starting Stockade v{}", env!("CARGO_PKG_VERSION")),
    );
    for (name, diagnostic) in &plan.broken {
        log.write(
            clock::now(),
            Level::Error,
            Kind::Rare,
            "jail",
            &format!("[{name}] {}", diagnostic.message),
        );
    }
    let path = options.db.clone().unwrap_or_else(|| STORE.into());
    let keeps = !options.dry_run || options.db.is_some();
    let mut locks = Vec::new();
    if keeps {
        locks.extend(locks::store(&path, &tell)?);
    }
    if !options.dry_run {
        locks.extend(locks::table(&options.table, &tell)?);
    }
    let opened = open_store(&path, keeps, &zone, started);
    for note in &opened.notes {
        log.write(clock::now(), Level::Error, Kind::Rare, "database", note);
    }
    let guard = Guard {
        options,
        plan,
        globals,
        config,
        zone,
        started,
        log: Arc::clone(&log),
    };
    let ended = guard.begin(opened, signals)?;
    drop(locks);
    tell(Level::Info, "Exiting Stockade");
    Ok(ended)
}

/// Reads and compiles the configuration, and finds out at once whatever stands against running.
fn load(options: &Options, now: Timestamp) -> Result<(Plan, Globals, String), Vec<Diagnostic>> {
    let files = DiskFiles;
    let tree = Tree::find(&files, options.config.as_deref(), Manner::Stockade);
    let (config, mut diagnostics) = conf::load(&files, &tree, Choice::Enabled);
    let globals = config.globals.clone();
    let plan = compile(
        config,
        &Surroundings::of_this_machine(now),
        &mut diagnostics,
    );
    let mut against = Vec::new();
    if plan.jails.is_empty() {
        let message = match plan.broken.len() {
            0 => format!("no jail is enabled in {}", tree.describe()),
            n => format!(
                "none of the {n} enabled jails of {} can run",
                tree.describe()
            ),
        };
        against.push(
            Diagnostic::new(Severity::Error, message)
                .with_help("enable a jail with enabled = true in jail.local"),
        );
    }
    if !options.dry_run && !os::has_net_admin() {
        against.push(
            Diagnostic::new(
                Severity::Error,
                "changing the firewall needs CAP_NET_ADMIN, which this process has not",
            )
            .with_help(
                "run it as root (sudo stockade run), or see what it would do with --dry-run",
            ),
        );
    }
    if !options.force && !options.dry_run && tree.is_fail2bans() && fail2ban_answers() {
        against.push(
            Diagnostic::new(
                Severity::Error,
                format!("fail2ban is running and guards {}: two guardians would undo each other", tree.describe()),
            )
            .with_help(
                "stop it first (systemctl stop fail2ban; `stockade migrate` will do the whole switch), or use --force",
            ),
        );
    }
    report(&diagnostics, &plan);
    if against.is_empty() {
        Ok((plan, globals, tree.describe()))
    } else {
        Err(against)
    }
}

/// Findings of the configuration go to whoever started us, with their lines.
fn report(diagnostics: &[Diagnostic], plan: &Plan) {
    use std::io::Write as _;
    let broken = plan.broken.iter().map(|(_, diagnostic)| diagnostic);
    for diagnostic in diagnostics
        .iter()
        .filter(|one| one.severity > Severity::Notice)
        .chain(broken)
    {
        // Without a standard error output the log below has the same.
        drop(writeln!(io::stderr(), "{diagnostic}"));
    }
}

fn open_log(options: &Options, globals: &Globals, zone: &TimeZone) -> Result<Log, Vec<Diagnostic>> {
    let target = options.log.clone().map_or(Target::Stderr, Target::File);
    let level = Level::parse(&globals.loglevel).unwrap_or(Level::Info);
    Log::open(target, level, zone.clone())
        .map_err(|error| cannot(format!("the log cannot be opened: {error}")))
}

fn open_store(path: &Path, keeps: bool, zone: &TimeZone, now: Timestamp) -> Opened {
    if !keeps {
        let held = store::Held::default();
        return Opened {
            store: Store::memory(),
            place: Place::Memory,
            held,
            notes: Vec::new(),
        };
    }
    let stamp = crate::log::local(now, zone).replace([' ', ':', '-'], "");
    Store::open(path, &stamp, now)
}

/// Everything that the start has found; the rest of the way up, and down again.
struct Guard<'a> {
    options: &'a Options,
    plan: Plan,
    globals: Globals,
    config: String,
    zone: TimeZone,
    started: Timestamp,
    log: Arc<Log>,
}

impl Guard<'_> {
    fn begin(self, mut opened: Opened, signals: Signals) -> Result<Ended, Vec<Diagnostic>> {
        let (sender, inbox) = channel();
        let jails: Arc<[crate::plan::Jail]> = self.plan.jails.into();
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
            owner: self.globals.table_owner,
            jails: jails
                .iter()
                .filter_map(|jail| jail.enforce.clone())
                .collect(),
            dry_run: self.options.dry_run,
        };
        let words = LastWords::new("the enforcer", sender.clone());
        let enforcer = Enforcer::start(config, move |report| words.tell(Message::Enforcer(report)))
            .map_err(|error| {
                vec![Diagnostic::new(Severity::Error, error.what).with_help(error.help)]
            })?;

        let names = jails
            .iter()
            .map(|jail| Write::JailEnabled(jail.name.to_string()))
            .collect::<Vec<_>>();
        let (state, stored, positions) = read_store(&mut opened, &names, &self.log);
        let path = match &opened.place {
            Place::File(path) => path.display().to_string(),
            Place::Memory => "memory".to_owned(),
        };
        let words = LastWords::new("the store's thread", sender.clone());
        let keeper = Keeper::start(opened.store, opened.place.clone(), move |report| {
            words.tell(Message::Kept(report));
        })
        .map_err(|error| cannot(format!("the store's thread cannot start: {error}")))?;
        keeper.send(Order::Purge {
            now: self.started,
            age: self.globals.dbpurgeage,
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
        let words = LastWords::new("the watcher of ignoreip", sender.clone());
        let tell_hub = move |said| words.tell(Message::Ignore(said));
        let watcher = ignore::start(&jails, &self.log, tell_hub)
            .map_err(|error| cannot(format!("the watcher of ignoreip cannot start: {error}")))?;
        let ssh = std::env::var("SSH_CONNECTION").ok();
        let mut board = Board::new(
            self.started,
            self.config.clone(),
            self.plan.broken,
            wire::Store { path, state },
        );
        // The enforcer has told what it found before it returned.
        let mut adopted = Vec::new();
        let mut policies: Vec<_> = jails.iter().map(|jail| jail.policy.clone()).collect();
        for message in inbox.try_iter() {
            match message {
                Message::Enforcer(Report::Adopted(found)) => adopted.extend(found),
                // Stored bans of whoever is ignored now are not restored.
                Message::Ignore(said) => said.take_in(&mut policies, &self.log),
                Message::Enforcer(report) => {
                    for (level, text) in board.enforcer_says(report) {
                        self.log
                            .write(clock::now(), level, Kind::Rare, "actions", &text);
                    }
                }
                _ => {}
            }
        }
        let acting = Acting::new(&jails, &self.log, self.options.dry_run, sender.clone());
        let questions = Questions::new(&jails, sender.clone());
        let pulse = Pulse::default();
        let mut hub = Hub::new(Parts {
            engine: Engine::new(policies),
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
            purge_age: self.globals.dbpurgeage,
            pulse: pulse.clone(),
            is_dry_run: self.options.dry_run,
        });
        hub.restore(stored, adopted);
        let hub = thread::Builder::new()
            .name("hub".into())
            .spawn(move || hub.run(&inbox))
            .map_err(|error| cannot(format!("the hub's thread cannot start: {error}")))?;

        let sources = ingest::start(
            &jails,
            positions,
            self.options.journal.clone(),
            &self.zone,
            sender.clone(),
        )
        .map_err(|error| cannot(format!("the sources cannot start: {error}")))?;
        let socket = open_socket(&self.options.socket, &sender, &self.log);
        let notifier = Notifier::from_environment();
        notifier.ready(&format!("guarding with {} jails", jails.len()));
        watch(&signals, &notifier, &pulse, &self.log, &|| {
            hub.is_finished()
        });
        notifier.stopping();
        drop(watcher);
        sources.stop();
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
        drop(socket);
        Ok(ended)
    }
}

/// Without its socket the daemon still guards; only nobody can ask it.
fn open_socket(path: &Path, hub: &Sender<Message>, log: &Log) -> Option<control::ControlSocket> {
    let questions = hub.clone();
    let served = control::serve(path, move |request| {
        let (reply, answer) = sync_channel(1);
        match questions.send(Message::Ask(request, reply)) {
            Ok(()) => match answer.recv_timeout(ANSWER) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => failed(
                    "the kernel or the disk has not confirmed it in time; it is still worked on",
                ),
                Err(RecvTimeoutError::Disconnected) => failed("the daemon is stopping"),
            },
            Err(_) => failed("the daemon is stopping"),
        }
    });
    let told = |error: &io::Error| {
        let text = format!("no control socket at {}: {error}", path.display());
        log.write(clock::now(), Level::Error, Kind::Rare, "server", &text);
    };
    served.inspect_err(told).ok()
}

/// Says which jails there are and hands out what the store held.
fn read_store(
    opened: &mut Opened,
    enabled: &[Write],
    log: &Log,
) -> (String, Vec<store::Ban>, ingest::Positions) {
    let held = std::mem::take(&mut opened.held);
    if held.passed_over > 0 {
        let text = format!(
            "{} stored bans are of no address and were passed over",
            held.passed_over
        );
        log.write(clock::now(), Level::Warning, Kind::Rare, "database", &text);
    }
    let written = opened
        .store
        .disable_all_jails()
        .and_then(|()| opened.store.write(enabled));
    let state = match (written, &opened.place) {
        (Err(error), _) => format!("cannot be written: {error}"),
        (Ok(()), Place::Memory) if !opened.notes.is_empty() => {
            "in memory only: a restart forgets the bans".to_owned()
        }
        (Ok(()), _) => "ok".to_owned(),
    };
    (
        state,
        held.bans,
        ingest::Positions {
            logs: held.logs,
            journal: held.journal,
        },
    )
}

/// Waits for the end: a signal, or the hub's own. Feeds the watchdog as long as the hub gets on.
fn watch(
    signals: &Signals,
    notifier: &Notifier,
    pulse: &Pulse,
    log: &Log,
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
            Some(Signal::Hangup) => {
                let text =
                    "reload is not supported yet; restart to take a new configuration (bans stand)";
                log.write(clock::now(), Level::Warning, Kind::Rare, "server", text);
            }
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
