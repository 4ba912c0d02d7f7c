//! What a daemon answers.

use serde::{Deserialize, Serialize};

/// What was asked for, or why not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer<T> {
    /// It was refused or failed as a whole.
    Failed(Failed),
    /// It was done.
    Done(T),
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The version of the messages.
    pub v: u32,
    /// What is wrong, one sentence.
    pub error: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
}

/// The answer to `ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The version of the messages.
    pub v: u32,
    /// The daemon's own version.
    pub version: String,
    /// The daemon's process.
    pub pid: u32,
}

/// The answer to `reload`: the names of jails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// The version of the messages.
    pub v: u32,
    /// New ones, and those that are back.
    pub added: Vec<String>,
    /// Those of which something is different now.
    pub changed: Vec<String>,
    /// Those that are no more; their bans are lifted.
    pub removed: Vec<String>,
    /// How many are as they were.
    pub unchanged: u64,
    /// Those that are wrong.
    pub broken: Vec<BrokenJail>,
}

/// The answer to `ignore`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoreAnswer {
    /// The version of the messages.
    pub v: u32,
    /// The entries as they are now.
    pub jails: Vec<Ignored>,
    /// New ones.
    #[serde(default)]
    pub added: Vec<String>,
    /// Those that were to be added and were there.
    #[serde(default)]
    pub present: Vec<String>,
    /// Those that are no more.
    #[serde(default)]
    pub removed: Vec<String>,
    /// Those that were to be removed and were not there.
    #[serde(default)]
    pub absent: Vec<String>,
    /// What cannot be an entry, and why.
    #[serde(default)]
    pub refused: Vec<Refusal>,
}

/// Whom a jail ignores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// The jail.
    pub jail: String,
    /// The entries of its `ignoreip`, as they are written.
    pub ignoreip: Vec<String>,
    /// The machine's own addresses are ignored besides.
    pub ignoreself: bool,
    /// A command is asked besides.
    pub ignorecommand: bool,
}

/// A jail whose configuration is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenJail {
    /// Its name.
    pub jail: String,
    /// What is wrong, with file and line.
    pub error: String,
    /// It runs on as it was before; else it does not run.
    pub runs_as_before: bool,
}

/// The answer to `attempt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptAnswer {
    /// The version of the messages.
    pub v: u32,
    /// It was counted; false for whom the jail ignores.
    pub counted: bool,
}

/// The answer to `status`, flat: the status and the version beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The version of the messages.
    pub v: u32,
    /// The state of everything.
    #[serde(flatten)]
    pub status: Status,
}

/// The state of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `ok`, or the worst thing that is wrong, one line.
    pub health: String,
    /// What is wrong, one sentence each; empty when all is well.
    #[serde(default)]
    pub problems: Vec<String>,
    /// The daemon's process.
    pub pid: u32,
    /// Since when it runs.
    pub started: i64,
    /// The configuration that it runs.
    pub config: String,
    /// The jails in the order of the configuration.
    pub jails: Vec<JailStatus>,
    /// Where bans are enforced.
    pub enforcement: Enforcement,
    /// Where bans are kept.
    pub store: Store,
}

/// The state of one jail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JailStatus {
    /// Its name.
    pub name: String,
    /// `running`, `waiting`, `error` or `stopped`.
    pub state: String,
    /// Why it is not running, or what an admin should know of it.
    pub reason: Option<String>,
    /// What it reads.
    pub sources: Vec<Source>,
    /// Ids with counted failures at present.
    pub failing: u64,
    /// Failures counted since the start.
    pub failed_total: u64,
    /// Ids forgotten before their time because there were too many; left out while 0.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub evicted: u64,
    /// Lines that bans would have told if newer ones had not taken their room; left out while 0.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub lost_lines: u64,
    /// Bans in force that do not keep their owners out; left out while 0.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub ineffective: u64,
    /// Bans in force.
    pub banned: u64,
    /// Bans since the start, restored ones included.
    pub banned_total: u64,
    /// Failures counted since the store was begun: it does not go back with a restart.
    #[serde(default)]
    pub failed_ever: u64,
    /// Bans since the store was begun, restored ones counted once.
    #[serde(default)]
    pub banned_ever: u64,
    /// What its actions beside the kernel's bans do; left out where it has none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub actions: Vec<Action>,
    /// Addresses and prefixes in force, oldest end first; only in the status of one jail.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub bans: Vec<Ban>,
}

/// One action of a jail that is carried out by scripts or letters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What it is called in this jail.
    pub name: String,
    /// How often something failed since the start.
    pub errors: u64,
    /// What failed last.
    pub last_error: Option<String>,
    /// What waits to be done.
    pub waiting: u64,
    /// Bans that it was told of late because too much waited; left out while 0.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub put_off: u64,
}

/// One source of a jail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// `file`, `journal` or `bans` (the daemon's own bans).
    pub kind: String,
    /// The file's path, or the journal's match.
    pub path: String,
    /// `following`, `catching up`, `waiting` or `error: …`.
    pub state: String,
    /// Bytes read of a file, or the journal's time in seconds.
    pub position: u64,
    /// How often it could not be opened or read since the start; left out while 0.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub errors: u64,
    /// How often the file was emptied while it was read; left out while 0. What was written since the last read, and
    /// is in no copy beside the log, was lost then.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub truncations: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Where bans are enforced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforcement {
    /// `nft`, or `recorder` in a dry run.
    pub backend: String,
    /// The table's family and name.
    pub table: String,
    /// True if the kernel keeps others from changing the table.
    pub owner: bool,
    /// True if the kernel holds what it should.
    pub in_sync: bool,
    /// Elements that the kernel should hold.
    pub elements: u64,
}

/// Where bans are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// The file, or `memory`.
    pub path: String,
    /// `ok`, or what is wrong.
    pub state: String,
}

/// A ban in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// The jail.
    pub jail: String,
    /// The address or prefix.
    pub ip: String,
    /// When it began.
    pub time: i64,
    /// When it ends; never if absent.
    pub until: Option<i64>,
    /// Failures that led to it.
    pub failures: u64,
    /// Users that were tried, 20 at most.
    pub users: Vec<User>,
}

/// A user name and how often it was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name as the log has it.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// The answer to `banned`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannedAnswer {
    /// The version of the messages.
    pub v: u32,
    /// The bans by jail and address.
    pub bans: Vec<Ban>,
}

/// The answer to `ban`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanAnswer {
    /// The version of the messages.
    pub v: u32,
    /// Banned: in the kernel and in the store.
    pub banned: Vec<String>,
    /// Banned before and still.
    pub already: Vec<String>,
    /// Not banned, and why.
    pub refused: Vec<Refusal>,
}

/// An address that was not banned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The text as it was given.
    pub ip: String,
    /// Why not.
    pub reason: String,
}

/// The answer to `unban` and `unban_all`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnbanAnswer {
    /// The version of the messages.
    pub v: u32,
    /// The bans that were lifted.
    pub unbanned: Vec<Unbanned>,
    /// Given texts that nothing was banned for; no error.
    pub absent: Vec<String>,
}

/// A ban that was lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unbanned {
    /// The jail.
    pub jail: String,
    /// The address or prefix.
    pub ip: String,
}

/// The answer to `stop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopAnswer {
    /// The version of the messages.
    pub v: u32,
    /// True if the table was removed.
    pub flushed: bool,
    /// Bans that stand on in the kernel until their time.
    pub standing: u64,
}

/// The answer to `watch`; events follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchAnswer {
    /// The version of the messages.
    pub v: u32,
    /// How many events are kept for a client that is slow.
    pub kept: u64,
}

/// Events that a slow client has missed, in the place where they were in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The version of the messages.
    pub v: u32,
    /// `lost`.
    pub event: String,
    /// How many.
    pub count: u64,
}

/// One object of what a client receives that watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Watched {
    /// Some are missing.
    Lost(Lost),
    /// Something happened.
    Event(Event),
}

/// One object of an event stream: a ban began or ended, or a failure was counted or ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The version of the messages.
    pub v: u32,
    /// `ban` or `unban`; to who watches also `failure` and `ignored`.
    pub event: String,
    /// The jail.
    pub jail: String,
    /// The address or prefix; of a failure also another id.
    pub ip: String,
    /// When it happened; of a failure the time in the log.
    pub time: i64,
    /// When the ban ends; never if absent.
    pub until: Option<i64>,
    /// Failures that led to the ban; of a failure those that count when it is told, or `maxretry` if they led to a ban.
    pub failures: u64,
    /// Users that were tried, 20 at most.
    pub users: Vec<User>,
    /// Why it was ignored, or why a ban ended before its time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
    /// The matched lines, only if asked for: logs hold secrets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lines: Option<Vec<String>>,
}
