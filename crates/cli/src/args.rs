//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Reads the logs of this machine, finds who is breaking in, and shuts them out in the firewall for a while.
#[derive(Debug, Parser)]
#[command(
    name = "stockade",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Guard this machine, in the foreground
    Run(Run),
    /// Read a whole log and print who would be banned, when and until when; needs no root
    Scan(Scan),
    /// Check a configuration: what each jail would do here, and what is risky or misspelt; needs no root
    Check(Check),
    /// Tell why a line, or an address, leads to a ban or to none, step by step
    Explain(Explain),
    /// Show how the jails stand
    Status(Status),
    /// Watch it live: attackers, jails, rates, newest bans
    Top(Top),
    /// Print numbers for Prometheus
    Metrics(Metrics),
    /// Show what happens as it happens: failures, bans and their ends, and who is ignored
    Watch(Watch),
    /// List who is banned
    Banned(Banned),
    /// Ban addresses, prefixes or other ids by hand
    Ban(Ban),
    /// Lift bans by hand
    Unban(Unban),
    /// Count a failure by hand, as if the log had told it
    Attempt(Attempt),
    /// Whom a jail never counts: add entries to its ignoreip, remove or list them, until the next reload
    #[command(subcommand)]
    Ignore(Ignore),
    /// Read the configuration again and change what differs; all else goes on as before
    Reload(Reload),
    /// End the daemon; bans stand on until their time unless --flush is given
    Stop(Stop),
    /// Change over from fail2ban, or back to it; without an option say what would change
    Migrate(Migrate),
    /// Answer conformance cases: JSON lines in, JSON lines out
    #[command(hide = true)]
    ConformEval(ConformEval),
    /// Print the manual page, for packages
    #[command(hide = true)]
    Manual,
    /// Print what a shell completes, for packages
    #[command(hide = true)]
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Do it: stop fail2ban, guard in its place, and go back to it if a jail or a ban is missing then
    #[arg(long)]
    pub(crate) switch: bool,
    /// Go back to fail2ban
    #[arg(long, conflicts_with_all = ["switch", "native", "names"])]
    pub(crate) back: bool,
    /// As stockade.service, with a database of its own and bans in the kernel, instead of as fail2ban would run
    #[arg(long)]
    pub(crate) native: bool,
    /// Put fail2ban's names into /usr/bin also where fail2ban is not installed
    #[arg(long, requires = "switch")]
    pub(crate) names: bool,
    /// Print what would change as JSON for programs
    #[arg(long, conflicts_with_all = ["switch", "back"])]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell
    pub(crate) shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub(crate) struct ConformEval {
    /// Which kind of cases
    pub(crate) kind: String,
    /// The folder of the configuration trees that the cases name
    #[arg(long, value_name = "DIR")]
    pub(crate) trees: Option<PathBuf>,
}

/// How to reach the daemon, and how to print its answer.
#[derive(Debug, Args)]
pub(crate) struct Client {
    /// The daemon's control socket
    #[arg(long, value_name = "PATH", default_value = daemon::SOCKET)]
    pub(crate) socket: PathBuf,
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The configuration directory [default: /etc/stockade, else /etc/fail2ban, else what is built in]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// Do everything but the firewall and say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The file that bans and log positions are kept in
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// The control socket
    #[arg(long, value_name = "PATH", default_value = daemon::SOCKET)]
    pub(crate) socket: PathBuf,
    /// The name of the firewall table
    #[arg(long, value_name = "NAME", default_value = daemon::TABLE)]
    pub(crate) table: String,
    /// Write the log there instead of the standard error output: a file, or a word of fail2ban's logtarget (SYSLOG, …)
    #[arg(long, value_name = "TARGET")]
    pub(crate) log: Option<PathBuf>,
    /// Run although fail2ban guards the same configuration
    #[arg(long)]
    pub(crate) force: bool,
    /// Read journal files in this directory instead of the system's journal
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) journal: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// The log to read; - for the standard input
    pub(crate) file: PathBuf,
    /// The jail whose rules are used; may be repeated [default: every jail whose filter matches something]
    #[arg(short, long, value_name = "JAIL")]
    pub(crate) jail: Vec<String>,
    /// The configuration directory [default: /etc/stockade, else /etc/fail2ban, else what is built in]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// The time that dates without a year are counted back from, e.g. 2026-11-24 or 2026-11-24T12:00:00
    /// [default: when the file was last written]
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
    /// Print one JSON object for each ban and unban
    #[arg(long)]
    pub(crate) json: bool,
    /// With --json: also the matched lines (logs hold secrets)
    #[arg(long, requires = "json")]
    pub(crate) lines: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration directory [default: /etc/stockade, else /etc/fail2ban, else what is built in]
    pub(crate) dir: Option<PathBuf>,
    /// The same, as the other commands take it
    #[arg(short, long, value_name = "DIR", conflicts_with = "dir")]
    pub(crate) config: Option<PathBuf>,
    /// This jail, enabled or not; may be repeated [default: every jail that is enabled]
    #[arg(short, long, value_name = "JAIL")]
    pub(crate) jail: Vec<String>,
    /// Also the jails that are not enabled
    #[arg(long, conflicts_with = "jail")]
    pub(crate) all: bool,
    /// Also every source, action and regex, each with its engine and why
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Print one JSON object for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The address to explain: what the daemon knows of it, and the last line that is about it
    #[arg(required_unless_present = "line", conflicts_with = "line")]
    pub(crate) ip: Option<String>,
    /// The line of a log to explain; if repeated the last one, and the others came before it
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    pub(crate) line: Vec<String>,
    /// In this jail, enabled or not; may be repeated [default: every jail that is enabled]
    #[arg(short, long, value_name = "JAIL")]
    pub(crate) jail: Vec<String>,
    /// The configuration directory [default: /etc/stockade, else /etc/fail2ban, else what is built in]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// Judge everything at this time and ask no daemon, e.g. 2026-11-24T12:00:00
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
    /// Also show lines of the logs (logs hold secrets)
    #[arg(long)]
    pub(crate) lines: bool,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// One jail, with its bans
    pub(crate) jail: Option<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Metrics {
    /// The daemon's control socket
    #[arg(long, value_name = "PATH", default_value = daemon::SOCKET)]
    pub(crate) socket: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// The daemon's control socket
    #[arg(long, value_name = "PATH", default_value = daemon::SOCKET)]
    pub(crate) socket: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// One jail only
    #[arg(short, long, value_name = "JAIL")]
    pub(crate) jail: Option<String>,
    /// Also the lines that led to a ban (logs hold secrets)
    #[arg(long)]
    pub(crate) lines: bool,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Banned {
    /// One jail only
    pub(crate) jail: Option<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Ban {
    /// The jail to ban in
    pub(crate) jail: String,
    /// Addresses or prefixes; where the jail has shell actions any other id, such as a user name
    #[arg(required = true, value_name = "IP|PREFIX|ID")]
    pub(crate) ips: Vec<String>,
    /// How long, e.g. 90, 1h or "1d 12h"; -1 for ever [default: the jail's bantime]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) time: Option<String>,
    /// Also ignored addresses and this machine's own
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Unban {
    /// Addresses, prefixes or other ids; every ban inside a prefix is lifted
    #[arg(
        required_unless_present = "all",
        conflicts_with = "all",
        value_name = "IP|PREFIX|ID"
    )]
    pub(crate) ips: Vec<String>,
    /// Lift every ban of every jail
    #[arg(long)]
    pub(crate) all: bool,
    /// In this jail only
    #[arg(short, long, value_name = "JAIL", conflicts_with = "all")]
    pub(crate) jail: Option<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Attempt {
    /// The jail to count it in
    pub(crate) jail: String,
    /// Whom it is counted for
    #[arg(value_name = "IP")]
    pub(crate) ip: String,
    /// Lines to keep with it: it weighs as many failures, but at least one
    #[arg(value_name = "LINE")]
    pub(crate) lines: Vec<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ignore {
    /// Ignore these from now on; bans of them are lifted
    Add(IgnoreEntries),
    /// Count these again
    Del(IgnoreEntries),
    /// List whom jails ignore
    List(IgnoreList),
}

#[derive(Debug, Args)]
pub(crate) struct IgnoreEntries {
    /// The jail
    pub(crate) jail: String,
    /// Addresses, networks, host names or file:///PATH
    #[arg(required = true, value_name = "IP|NETWORK|NAME|FILE")]
    pub(crate) entries: Vec<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct IgnoreList {
    /// One jail only
    pub(crate) jail: Option<String>,
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) client: Client,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Also remove the firewall table and with it every ban from the kernel
    #[arg(long)]
    pub(crate) flush: bool,
    #[command(flatten)]
    pub(crate) client: Client,
}
