//! What a start begins with: the configuration, compiled, and whatever stands against running.

use super::{Manners, Options, STATUS_SOCKET, Server, database, fail2ban_answers};
use crate::DiskFiles;
use crate::configuration::{Configuration, Origin, no_jail, report};
use crate::control::Access;
use crate::log::Level;
use crate::plan::{Plan, Surroundings, compile};
use crate::setup::{Reload, Setup};
use base::{Diagnostic, Severity, Timestamp};
use conf::{Choice, Manner, Tree};
use std::path::PathBuf;

/// Whose members may ask how things stand.
const GROUP: &str = "stockade";
const STORE: &str = "/var/lib/stockade/stockade.sqlite3";

/// Everything that is known before the first thread is made.
pub(super) struct Begun {
    pub(super) setup: Setup,
    pub(super) plan: Plan,
    /// What the status says of where the configuration is from.
    pub(super) describe: String,
    pub(super) configuration: Configuration,
    /// Where clients find the daemon.
    pub(super) sockets: Vec<(PathBuf, Access)>,
    /// The store's file; none for one in memory.
    pub(super) store: Option<PathBuf>,
    /// fail2ban's database, to be taken over once.
    pub(super) import: Option<PathBuf>,
    /// The table is there even without a jail.
    pub(super) owns_table: bool,
    /// Bans are lifted at the end.
    pub(super) flushes: bool,
    /// The firewall is let alone until a jail asks for it.
    pub(super) is_lazy: bool,
    /// What is to be told once there is a log.
    pub(super) notes: Vec<(Level, String)>,
}

/// Reads and compiles the configuration.
pub(super) fn begin(options: &Options, now: Timestamp) -> Result<Begun, Vec<Diagnostic>> {
    match &options.manner {
        Manners::Stockade => own(options, now),
        Manners::Fail2ban(server) => Ok(told(options, server, now)),
    }
}

/// In our own manner: finds out at once whatever stands against running.
fn own(options: &Options, now: Timestamp) -> Result<Begun, Vec<Diagnostic>> {
    let files = DiskFiles;
    let tree = Tree::find(&files, options.config.as_deref(), Manner::Stockade);
    let (config, mut diagnostics) = conf::load(&files, &tree, Choice::Enabled);
    let mut setup = Setup::of(&config);
    let plan = compile(
        config,
        &Surroundings::of_this_machine(now),
        &mut diagnostics,
    );
    forget_broken(&mut setup, &plan);
    let mut against = Vec::new();
    if plan.jails.is_empty() {
        against.push(no_jail(&plan, &tree));
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
    if !against.is_empty() {
        return Err(against);
    }
    let path = options.db.clone().unwrap_or_else(|| STORE.into());
    let keeps = !options.dry_run || options.db.is_some();
    let import = database::of_fail2ban(&tree, &setup.globals, &path);
    let mut sockets = vec![(options.socket.clone(), Access::Owner)];
    // Who asks the fail2ban of this tree asks us.
    if tree.is_fail2bans() && !options.dry_run && !fail2ban_answers() {
        let theirs = setup.globals.socket.as_ref().map(PathBuf::from);
        let theirs = theirs.filter(|path| *path != options.socket);
        sockets.extend(theirs.map(|path| (path, Access::Owner)));
    }
    // Without the group nobody but root has to do with us.
    if let Some(group) = os::group_id(GROUP) {
        let path = options.socket.with_file_name(STATUS_SOCKET);
        sockets.push((path, Access::Group(group)));
    }
    Ok(Begun {
        plan,
        describe: tree.describe(),
        configuration: Configuration::new(Origin::Directory(options.config.clone()), now),
        sockets,
        import: import.filter(|_| keeps),
        store: keeps.then_some(path),
        owns_table: true,
        flushes: false,
        is_lazy: false,
        notes: Vec::new(),
        setup,
    })
}

/// In the manner of `fail2ban-server`: what is wrong costs its jail, and a client may still put it right.
fn told(options: &Options, server: &Server, now: Timestamp) -> Begun {
    let mut setup = Setup::empty(conf::Globals::of_server());
    let mut notes = Vec::new();
    let applied = setup.apply(Reload::All, &server.stream);
    for words in &applied.others {
        if let Err(why) = setup.set_global(words) {
            notes.push((Level::Error, why.message()));
        }
    }
    for (jail, why) in &applied.wrong {
        notes.push((
            Level::Error,
            format!("[{jail}] cannot run: {}", why.message()),
        ));
    }
    let configuration = Configuration::new(Origin::Client, now);
    let plan = configuration.compile(setup.config());
    forget_broken(&mut setup, &plan);
    let store = match (&options.db, setup.globals.dbfile.as_deref()) {
        (Some(path), _) => Some(path.clone()),
        (None, None) => None,
        (None, Some(name)) if name.eq_ignore_ascii_case("none") || name == ":memory:" => None,
        (None, Some(name)) => Some(PathBuf::from(name)),
    };
    Begun {
        plan,
        describe: "what a client of fail2ban has sent".into(),
        configuration,
        sockets: vec![(options.socket.clone(), Access::Owner)],
        store,
        import: None,
        owns_table: false,
        flushes: true,
        is_lazy: true,
        notes,
        setup,
    }
}

/// What cannot be compiled is no jail of which commands could change anything.
fn forget_broken(setup: &mut Setup, plan: &Plan) {
    let nothing = Setup::empty(setup.globals.clone());
    for (jail, _) in &plan.broken {
        setup.undo(&nothing, jail.as_str());
    }
}
