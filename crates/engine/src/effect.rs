//! Everything that the engine wants done, as one closed list. The performers batch what comes together.

use crate::{BanKey, Event, JailId, RequestId};
use base::{FailureId, NamedTexts, Span, Timestamp};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The kernel, or whatever carries this ban out, shall hold this one until then, whatever it held for it before; nothing, if that time has passed
    /// meanwhile. To be answered by `Applied`.
    Ban {
        /// The number to answer with.
        seq: u64,
        /// Who, and in which jail's set.
        key: BanKey,
        /// The kernel's own time-out ends it then; `None` for never.
        until: Option<Timestamp>,
    },
    /// The kernel shall no longer hold this one; none there is no error. To be answered by `Applied` unless
    /// `expired`.
    Unban {
        /// The number to answer with.
        seq: u64,
        /// Who, and in which jail's set.
        key: BanKey,
        /// The kernel's time-out already did it: the enforcer only forgets the ban.
        expired: bool,
    },
    /// The store shall write this, in the order given. To be answered by `Committed`.
    Persist(StoreWrite),
    /// Tell whoever listens.
    Notify(Event),
    /// The request is done.
    Reply {
        /// Which one.
        id: RequestId,
        /// How it went.
        answer: Answer,
    },
}

/// One change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreWrite {
    /// A ban began.
    Ban {
        /// The number to answer with.
        seq: u64,
        /// The jail.
        jail: JailId,
        /// The row.
        record: BanRecord,
    },
    /// A standing ban was made longer: the row takes the place of the former one. fail2ban does not write this
    /// and forgets the longer time at a restart.
    Prolong {
        /// The number to answer with.
        seq: u64,
        /// The jail.
        jail: JailId,
        /// The row.
        record: BanRecord,
    },
    /// A standing ban lasts otherwise, because the ban time of its jail was changed. fail2ban does not write this
    /// either.
    Length {
        /// The number to answer with.
        seq: u64,
        /// The jail.
        jail: JailId,
        /// Exactly this one.
        id: FailureId,
        /// From the ban's begin; `None` for ever.
        length: Option<Span>,
    },
    /// A ban was lifted: no restart may bring it back. None there is no error.
    Delete {
        /// The number to answer with.
        seq: u64,
        /// The jail.
        jail: JailId,
        /// Exactly this one.
        id: FailureId,
        /// And those inside, which its ban took in.
        inside: bool,
    },
    /// Every ban of every jail was lifted.
    DeleteAll {
        /// The number to answer with.
        seq: u64,
    },
}

/// A ban as the store keeps it: enough for fail2ban's schema 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanRecord {
    /// Who is banned.
    pub id: FailureId,
    /// Where the length counts from: the last failure.
    pub time: Timestamp,
    /// How long; `None` for ever.
    pub length: Option<Span>,
    /// Which ban of this one it is, from 1.
    pub count: u32,
    /// Failures that led to it.
    pub failures: u32,
    /// Users that were tried and how often, sorted by name.
    pub users: Vec<(String, u32)>,
    /// The lines that told it, oldest first.
    pub matches: Vec<String>,
    /// Other captured values by their lower-case names, and marks of ours whose names begin with `stockade_`.
    pub captures: NamedTexts,
}

impl BanRecord {
    /// The last moment of the ban; `None` for ever.
    pub fn until(&self) -> Option<Timestamp> {
        self.length.map(|length| self.time + length)
    }
}

/// The reply to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What became of each id, in the order of the request.
    Ban(Vec<(FailureId, BanOutcome)>),
    /// What was lifted.
    Unban {
        /// The bans that stood, in order of jail and address.
        lifted: Vec<BanKey>,
        /// What the kernel or the store could not do, one sentence each; at most 20.
        errors: Vec<String>,
    },
    /// Whether the attempt was counted; false if it was ignored.
    Attempt(bool),
    /// There is no such jail.
    UnknownJail,
    /// The same request is already being worked on.
    DuplicateId,
}

/// What became of one id that was to be banned by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BanOutcome {
    /// It is banned, in the kernel and in the store; or in the kernel alone, when the store failed and said so.
    Banned,
    /// It already was, and is so for at least as long as asked.
    AlreadyBanned,
    /// It was not banned.
    Refused(RefusalReason),
    /// The kernel refused. The ban is kept and tried again.
    Failed(String),
    /// It is not decided yet; never seen in a reply.
    Waiting,
}

/// Why a ban by hand is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// It holds one of the machine's own addresses; `force` overrides.
    OwnAddress,
    /// It is, or holds or lies in, this entry of the jail's `ignoreip` or another prefix that overlaps; `force` overrides.
    Ignored,
    /// It holds a gateway or a peer of the admin's session; `force` overrides.
    Protected,
    /// The jail has no action that we can carry out.
    NotEnforceable,
    /// It is no address, and the jail has no action that could keep out anybody else; or it was meant as an address and
    /// is none.
    NoAddress,
    /// The time asked for is already over.
    Expired,
}
