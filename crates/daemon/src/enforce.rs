//! The enforcer: the one thread that writes bans to the kernel.
//!
//! What is desired and what was applied are separate data; reconciling the two is the only way anything is enforced.
//! A ban, a restart, a foreign flush, a clock that jumped and a failed write all end in the same step: write what
//! differs. The thread takes whatever is queued at once, so that bans which arrive together share one transaction, and
//! a later word on the same address makes an earlier one needless. It never waits for anything but its queue.
//!
//! | module | one idea |
//! |---|---|
//! | `ledger` | desired against applied, one jail |
//! | `networks` | networks inside networks: only the outermost may be in the kernel |
//! | `reconcile` | the decisions, free of threads, clocks and kernels |
//! | `backend` | what the decisions need of a firewall; `nft` is one, `recorder` only tells |
//! | `thread` | queue, clock, watch |

mod backend;
mod error;
#[cfg(test)]
mod kernel_tests;
mod ledger;
#[cfg(test)]
mod model;
mod networks;
mod nft;
mod on_demand;
mod reconcile;
mod recorder;
mod thread;

pub use error::EnforceError;
pub use os::netlink::nft::{Blocktype, Jail as EnforceJail, Protocol, Scope};
pub use os::netlink::{PortRange, Ports};
pub use thread::{Enforcer, EnforcerGone, EnforcerHandle};

use base::{JailName, Prefix, Span, Timestamp};

/// What the enforcer is to guard, and how.
#[derive(Clone, Debug)]
pub struct EnforceConfig {
    /// The name of the nf_tables table, family `inet`.
    pub table: String,
    /// Own the table where the kernel can do that so that it survives a crash: nobody else's flush or edit reaches it.
    pub owner: bool,
    /// The jails that have something to enforce.
    pub jails: Vec<EnforceJail>,
    /// When the kernel is touched.
    pub firewall: Firewall,
}

/// When the kernel's firewall is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// From the start: the table stands even without a jail.
    Always,
    /// As soon as a jail asks for it.
    OnDemand,
    /// Never; what would be done is told.
    DryRun,
}

/// A ban, without its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In which jail.
    pub jail: JailName,
    /// Who.
    pub prefix: Prefix,
    /// Until when; `None` for ever.
    pub until: Option<Timestamp>,
}

/// What the enforcer is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Ban until then, whatever was before. Answered by [`Report::Applied`].
    Ban {
        /// The number to answer with.
        seq: u64,
        /// In which jail.
        jail: JailName,
        /// Who.
        prefix: Prefix,
        /// Until when; `None` for ever.
        until: Option<Timestamp>,
    },
    /// Lift a ban; none there is no error.
    Unban {
        /// The number to answer with; nothing is answered without one.
        seq: Option<u64>,
        /// In which jail.
        jail: JailName,
        /// Who.
        prefix: Prefix,
        /// The kernel's time-out ended it already: forget it.
        expired: bool,
    },
    /// These are all bans that were known before the start: what was adopted and is not among them is lifted, bans made
    /// since then stay. Answered by [`Report::Restored`].
    Restore(Vec<Standing>),
    /// These are the jails from now on. Bans of those that remain stay, also when their ports change.
    SetJails(Vec<EnforceJail>),
    /// Somebody failed whose ban should hold: does the kernel hold it, and how is the banned connected? Answered by
    /// [`Report::Inspected`].
    Inspect {
        /// In which jail.
        jail: JailName,
        /// Who.
        prefix: Prefix,
        /// How long after the ban, for the answer; [`Inspection::ON_DEMAND`] if somebody asks.
        after: Span,
    },
    /// Compare every element with the kernel's, put right what differs, then report the status.
    Verify,
    /// End. Bans stay in the kernel unless `flush`, which removes the table.
    Stop {
        /// Remove everything.
        flush: bool,
    },
}

/// What the enforcer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Found in the kernel at the start. Comes first, also when there is nothing.
    Adopted(Vec<Standing>),
    /// The kernel holds what the command with this number said, or a later command on the same prefix. An error is
    /// tried again for as long as the command stands; its end shows as [`Report::Recovered`].
    Applied {
        /// The number of the command.
        seq: u64,
        /// The kernel's answer.
        result: Result<(), String>,
    },
    /// [`Command::Restore`] is done.
    Restored {
        /// Bans in the kernel now.
        elements: usize,
        /// Bans that could not be put there.
        failed: usize,
    },
    /// Somebody took away what was ours, and it is back.
    Healed {
        /// What was gone.
        what: String,
        /// How many bans were put back.
        missing: usize,
    },
    /// Somebody changed the ruleset; what is ours stands.
    ForeignChange,
    /// The answer to [`Command::Inspect`].
    Inspected(Inspection),
    /// Open connections of the newly banned were cut.
    Destroyed {
        /// How many.
        sockets: usize,
    },
    /// Open connections cannot be cut on this kernel, or not now. Told once.
    CannotDestroy(String),
    /// Something that is desired cannot be applied; it is tried again until it can. Told once until it recovers.
    Failing {
        /// Why.
        error: String,
        /// How many bans and unbans wait.
        waiting: usize,
    },
    /// Everything desired is applied again.
    Recovered,
    /// The answer to [`Command::Verify`]; also sent after the start and after every change but those of single bans.
    Status(EnforceStatus),
    /// A dry run would do this now.
    Would {
        /// Ban or unban.
        ban: bool,
        /// What.
        what: Standing,
    },
    /// The thread ends.
    Stopped {
        /// Bans that stay in the kernel.
        standing: usize,
    },
}

/// What the kernel says of one ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// In which jail.
    pub jail: JailName,
    /// Who.
    pub prefix: Prefix,
    /// As in the question.
    pub after: Span,
    /// Whether it is held.
    pub held: Held,
    /// The local ports that the banned is connected to.
    pub ports: Vec<u16>,
    /// Packets that the rules of the jail have dropped since they were laid, if somebody asks and the kernel says.
    pub dropped: Option<u64>,
}

impl Inspection {
    /// In the place of the time since the ban: nobody came through, somebody asks.
    pub const ON_DEMAND: Span = Span::ZERO;
}

/// Whether the kernel holds a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// It does.
    Yes,
    /// It did not any more, and does again.
    PutBack,
    /// It does not take it, and why.
    Failing(String),
    /// It cannot be asked, or the ban is over.
    Unknown,
}

/// How enforcement stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnforceStatus {
    /// `nft` or `recorder`.
    pub backend: &'static str,
    /// The table.
    pub table: String,
    /// The table is owned: nobody else can change it.
    pub owner: bool,
    /// All that is desired is applied.
    pub in_sync: bool,
    /// Bans in the kernel.
    pub elements: usize,
}
