//! What the configuration says, in types: plain texts with the place where each stands.
//!
//! Nothing is compiled or looked up here: a regex, a port name and a user name are still texts.

use base::{Diagnostic, JailName, Origin, Span};
use std::collections::BTreeMap;

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What concerns no single jail.
    pub globals: Globals,
    /// Jails that can be used, in the order of the files.
    pub jails: Vec<JailSpec>,
    /// Jails that are wanted and cannot be used.
    pub broken: Vec<(JailName, Diagnostic)>,
}

/// Options of fail2ban.conf and stockade.conf.
#[derive(Clone, Debug, PartialEq)]
pub struct Globals {
    /// fail2ban's level name, or a number.
    pub loglevel: String,
    /// fail2ban's log target as written.
    pub logtarget: Option<String>,
    /// The socket of the system's log daemon as written.
    pub syslogsocket: Option<String>,
    /// `auto`, or a bool's word.
    pub allowipv6: String,
    /// How long the history of bans is kept.
    pub dbpurgeage: Span,
    /// How many matched lines are kept with a ban.
    pub dbmaxmatches: u32,
    /// fail2ban's database as written; `None` where the tree does not say.
    pub dbfile: Option<String>,
    /// fail2ban's socket as written.
    pub socket: Option<String>,
    /// Own the nf_tables table where the kernel can.
    pub table_owner: bool,
    /// Carry stock ban actions out natively.
    pub banaction_native: bool,
    /// A jail without an action bans all the same, in name only, as fail2ban's does.
    pub bans_in_name: bool,
    /// The embedded tree is the base.
    pub embedded: bool,
}

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The text after all substitutions.
    pub text: String,
    /// The line that it comes from.
    pub origin: Origin,
}

/// Whether a jail is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// It runs.
    Yes,
    /// It does not run; only given if the choice asks for it.
    No,
    /// It runs as soon as its source exists; only where the embedded tree is the base.
    Auto,
}

/// One jail.
#[derive(Clone, Debug, PartialEq)]
pub struct JailSpec {
    /// The section's name.
    pub name: JailName,
    /// Whether it is to run.
    pub enabled: Enabled,
    /// Where its lines come from.
    pub backend: BackendSpec,
    /// Its log files.
    pub logpath: Vec<LogPath>,
    /// `auto` or an encoding's name.
    pub logencoding: Value,
    /// What to look for.
    pub filter: FilterSpec,
    /// Failures that ban.
    pub maxretry: u32,
    /// Matched lines kept with an address.
    pub maxmatches: u32,
    /// The window in which failures are counted.
    pub findtime: Span,
    /// The length of a ban; `None` is for ever.
    pub bantime: Option<Span>,
    /// The machine's own addresses are never counted.
    pub ignoreself: bool,
    /// Who is never counted, one entry each.
    pub ignoreip: Vec<Value>,
    /// A command that says who is never counted.
    pub ignorecommand: Option<Value>,
    /// How answers of that command are kept.
    pub ignorecache: Option<Value>,
    /// How bans grow.
    pub increment: Increment,
    /// What a ban does.
    pub actions: Vec<ActionSpec>,
    /// Users whose journal entries are believed, as names or numbers; empty = the reader decides.
    pub trusted_uid: Vec<String>,
    /// Bits of an IPv6 address that are counted and banned together.
    pub ipv6_prefix: u8,
    /// Bits of an IPv4 address that are counted and banned together.
    pub ipv4_prefix: u8,
    /// When networks are banned as a whole, one `LENGTH:NUMBER` each.
    pub aggregate: Vec<Value>,
    /// The section's header.
    pub origin: Origin,
}

/// `backend`, read but not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendSpec {
    /// `auto`, `polling`, `pyinotify`, `systemd` or whatever is written there, in lower case.
    pub name: String,
    /// The options in brackets.
    pub options: Vec<(String, String)>,
    /// As written; the section's header where the default applies.
    pub value: Value,
}

/// The `bantime.*` options as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Increment {
    /// Bans grow at all.
    pub enabled: bool,
    /// `bantime.factor`.
    pub factor: Option<Value>,
    /// `bantime.formula`.
    pub formula: Option<Value>,
    /// `bantime.multipliers`.
    pub multipliers: Option<Value>,
    /// `bantime.maxtime`.
    pub maxtime: Option<Value>,
    /// `bantime.rndtime`.
    pub rndtime: Option<Value>,
    /// Bans of all jails count.
    pub overalljails: bool,
}

/// One entry of `logpath`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    /// A path, maybe with `*`, `?` or `[…]`.
    pub pattern: String,
    /// Start at the end of the file.
    pub tail: bool,
    /// Where it stands.
    pub origin: Origin,
}

/// Names behind captured addresses: whether they are resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UseDns {
    /// Resolve silently.
    Yes,
    /// Resolve and warn.
    #[default]
    Warn,
    /// Do not resolve.
    No,
    /// Take the text as the id.
    Raw,
}

/// What a jail looks for.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterSpec {
    /// The file's stem; empty if the jail has no filter.
    pub name: String,
    /// The options in brackets.
    pub options: Vec<(String, String)>,
    /// What each line must match first.
    pub prefregex: Option<Value>,
    /// Failures.
    pub failregex: Vec<Value>,
    /// Exceptions.
    pub ignoreregex: Vec<Value>,
    /// Lines looked at together.
    pub maxlines: u32,
    /// The jail or the filter says how many lines, even if it says one.
    pub maxlines_given: bool,
    /// Date formats, one a line.
    pub datepattern: Option<Value>,
    /// Journal matches, one a line.
    pub journalmatch: Vec<Value>,
    /// Whether names are resolved.
    pub usedns: UseDns,
    /// The zone of stamps that carry none.
    pub logtimezone: Option<Value>,
    /// The filter was read for the journal.
    pub logtype_journal: bool,
    /// What an admin must change before the service logs addresses.
    pub needs: Option<String>,
}

/// One action of a jail.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionSpec {
    /// The file's stem in `action.d`.
    pub name: String,
    /// What it is called in this jail.
    pub actname: String,
    /// What fail2ban's server would get: the commands, the tags known before a ban replaced; `[Init]` and the jail's
    /// options as they stand, with keys such as `blocktype?family=inet6`.
    pub params: BTreeMap<String, String>,
    /// What it stands for in the kernel.
    pub stock: Option<StockBan>,
    /// Where the jail names it.
    pub origin: Origin,
}

/// Native enforcement that an action stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockBan {
    /// The ports as written; `None` = all.
    pub port: Option<Value>,
    /// `tcp`, `udp`, `both`, `all`, or several with commas.
    pub protocol: String,
    /// How packets are refused.
    pub blocktype: Blocktype,
    /// Which traffic is meant.
    pub scope: Scope,
    /// It is our own action.
    pub native: bool,
}

/// How packets are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocktype {
    /// Silently.
    Drop,
    /// With an answer.
    Reject,
}

/// Which traffic is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Also what is forwarded.
    All,
    /// What ends on this machine.
    Host,
}
