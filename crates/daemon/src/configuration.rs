//! Where the configuration of a running daemon comes from, and how it becomes a plan.

use crate::DiskFiles;
use crate::plan::{Plan, Surroundings, compile};
use base::{Diagnostic, Severity, Timestamp};
use conf::{Choice, Config, Manner, Tree};
use std::io::{self, Write as _};
use std::path::PathBuf;

/// A configuration's source.
pub(crate) struct Configuration {
    origin: Origin,
    /// Years are left out of dates as at the start: equal rules must stay equal.
    started: Timestamp,
}

/// Who reads the files.
pub(crate) enum Origin {
    /// The daemon itself: this directory, or the usual ones.
    Directory(Option<PathBuf>),
    /// fail2ban's client, which tells by commands what it found.
    Client,
}

impl Configuration {
    pub(crate) fn new(origin: Origin, started: Timestamp) -> Self {
        Self { origin, started }
    }

    /// Whether the daemon reads it itself.
    pub(crate) fn is_read_here(&self) -> bool {
        matches!(self.origin, Origin::Directory(_))
    }

    /// Reads and compiles it. An error says why none of it can be used.
    pub(crate) fn read(&self) -> Result<(Config, Plan), Vec<Diagnostic>> {
        let Origin::Directory(dir) = &self.origin else {
            let message =
                "this daemon was told its configuration by a client and reads none itself";
            let help = "use fail2ban-client reload";
            return Err(vec![
                Diagnostic::new(Severity::Error, message).with_help(help),
            ]);
        };
        let files = DiskFiles;
        let tree = Tree::find(&files, dir.as_deref(), Manner::Stockade);
        let (config, diagnostics) = conf::load(&files, &tree, Choice::Enabled);
        let plan = self.compiled(config.clone(), diagnostics);
        match plan.jails.is_empty() && plan.broken.is_empty() {
            true => Err(vec![no_jail(&plan, &tree)]),
            false => Ok((config, plan)),
        }
    }

    /// Compiles what commands have made of it.
    pub(crate) fn compile(&self, config: Config) -> Plan {
        self.compiled(config, Vec::new())
    }

    fn compiled(&self, config: Config, mut diagnostics: Vec<Diagnostic>) -> Plan {
        let around = Surroundings::of_this_machine(self.started);
        let plan = compile(config, &around, &mut diagnostics);
        report(&diagnostics, &plan);
        plan
    }
}

/// Why a plan without jails is none.
pub(crate) fn no_jail(plan: &Plan, tree: &Tree) -> Diagnostic {
    let message = match plan.broken.len() {
        0 => format!("no jail is enabled in {}", tree.describe()),
        n => format!(
            "none of the {n} enabled jails of {} can run",
            tree.describe()
        ),
    };
    Diagnostic::new(Severity::Error, message)
        .with_help("enable a jail with enabled = true in jail.local")
}

/// Findings of the configuration go to whoever started us, with their lines.
pub(crate) fn report(diagnostics: &[Diagnostic], plan: &Plan) {
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
