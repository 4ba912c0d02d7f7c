//! Why somebody is, or is not, banned: the steps from a line of a log to a packet that is dropped.

use serde::{Deserialize, Serialize};

/// The answer to `explain`; also what is found without a daemon has this form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainAnswer {
    /// The version of the messages.
    pub v: u32,
    /// The time that everything is judged at.
    pub now: i64,
    /// The address that was asked about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip: Option<String>,
    /// The line that was asked about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<String>,
    /// A daemon has answered; else all is told from the configuration and the logs.
    pub live: bool,
    /// One for each jail.
    pub jails: Vec<Chain>,
    /// What is to be said of the whole, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
}

/// The steps in one jail, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The jail.
    pub jail: String,
    /// What comes out.
    pub result: Verdict,
    /// Whom it is about: an address, a network, or an id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The first cause that nobody is banned; none if nothing is in the way.
    pub cause: Option<Cause>,
    /// All that is known.
    pub steps: Vec<Step>,
}

/// What comes out of a jail's steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A step keeps it from being counted or banned.
    Stopped,
    /// No step stops it for certain, but one is suspicious.
    Doubtful,
    /// It counts, and more failures are needed.
    Counts,
    /// Nothing is in the way of a ban.
    #[default]
    Free,
    /// It is banned.
    Banned,
}

/// The first cause that stopped it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// At which step.
    pub step: Stage,
    /// One sentence, without a full stop.
    pub text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub step: Stage,
    /// How it went.
    pub outcome: Outcome,
    /// One sentence, without a full stop.
    pub text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
    /// The same in numbers and names.
    #[serde(flatten)]
    pub facts: Facts,
}

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The jail exists, is enabled and sound.
    Jail,
    /// Something is read for it.
    Source,
    /// The line has a date.
    Date,
    /// The prefregex matches.
    Prefregex,
    /// A failregex matches.
    Failregex,
    /// No ignoreregex does.
    Ignoreregex,
    /// It is about somebody.
    Whom,
    /// Who is not ignored.
    Ignore,
    /// And fails often enough.
    Count,
    /// So that an action bans.
    Ban,
    /// And the kernel drops what comes.
    Kernel,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should for a ban.
    Ok,
    /// It goes no further.
    Stop,
    /// It goes on, but something looks wrong.
    Doubt,
    /// It goes on when more happens.
    Wait,
    /// It cannot be told here.
    Unknown,
}

/// What is known of a step, in numbers and names; what does not concern it is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// A log, or the file of the configuration that an expression stands in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// The line of that file of the configuration, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_line: Option<u32>,
    /// Which expression of its option, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<u64>,
    /// The expression that came closest, as it is written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pattern: Option<String>,
    /// How many characters of it were found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pattern_reached: Option<u64>,
    /// What was searched: the line without its date.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub searched: Option<String>,
    /// Up to which character of that something was found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reached: Option<u64>,
    /// The format that found the date.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub template: Option<String>,
    /// The time of the line or of the last failure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<i64>,
    /// How many seconds that is after now; before it if negative.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offset: Option<i64>,
    /// Bytes read of a log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<u64>,
    /// Failures that count now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<i64>,
    /// How many make a ban.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub maxretry: Option<u32>,
    /// Within how many seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub findtime: Option<i64>,
    /// What is banned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub banned: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<i64>,
    /// Until when; left out for ever, too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<i64>,
    /// Which ban of this one it is, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bans: Option<u32>,
    /// Packets that all bans of the jail have dropped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub packets: Option<u64>,
    /// The lines that were counted, only if asked for: logs hold secrets.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lines: Vec<String>,
}
