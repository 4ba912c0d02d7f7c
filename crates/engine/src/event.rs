//! What the engine tells the world.

use crate::{IgnoreSource, JailId};
use base::{FailureId, Prefix, Seconds, Span, Timestamp};

/// One thing worth telling; log lines, metrics and watchers are made from it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A failure was counted.
    Found {
        /// The jail.
        jail: JailId,
        /// For whom.
        id: FailureId,
        /// The time in the log.
        time: Timestamp,
    },
    /// A failure that somebody told by hand was counted.
    Attempted {
        /// The jail.
        jail: JailId,
        /// For whom.
        id: FailureId,
        /// When.
        time: Timestamp,
    },
    /// A counted failure weighs more, because it is of somebody who was banned here before.
    FoundAgain {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// The time in the log.
        time: Timestamp,
        /// Former bans in this jail.
        bans: u32,
        /// For how many failures it counts.
        weight: u32,
        /// It would count for more than `maxretry`, which it is cut to.
        cut: bool,
        /// It alone is enough for a ban.
        enough: bool,
    },
    /// Somebody is to be banned who was banned before, where bans grow.
    BannedBefore {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// Former bans.
        bans: u32,
        /// When the last one began.
        last: Timestamp,
        /// The jail's ban time.
        usual: Span,
        /// The length of this ban.
        length: Seconds,
    },
    /// A ban has grown: its length is not the jail's ban time.
    Grown {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// Its length.
        length: Seconds,
        /// Which ban it is, from 1.
        count: u32,
        /// Its last moment.
        until: Timestamp,
    },
    /// So many bans of one network stand that it is to be banned as a whole.
    Aggregated {
        /// The jail.
        jail: JailId,
        /// The network.
        prefix: Prefix,
        /// How many.
        children: u32,
        /// Them, with blanks between; not all if they are very many.
        listed: Box<str>,
    },
    /// The jail's rule of growing bans failed; the ban lasts the jail's ban time.
    GrowthFailed {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// Why.
        error: String,
    },
    /// A failure was not counted, or a stored ban not restored.
    Ignored {
        /// The jail.
        jail: JailId,
        /// Of whom.
        id: FailureId,
        /// By which rule.
        why: IgnoreReason,
    },
    /// A ban is acknowledged: the kernel holds it and the store answered.
    Banned {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// When it began: the last failure.
        time: Timestamp,
        /// Its last moment; `None` for ever.
        until: Option<Timestamp>,
        /// Failures that led to it; 0 by hand.
        failures: u32,
        /// Users that were tried and how often, most frequent first; at most 20.
        users: Vec<(String, u32)>,
        /// Which ban of this one it is, from 1.
        count: u32,
        /// It comes from the store or was found in the kernel.
        restored: bool,
        /// The number of the effect that first enforced it.
        seq: u64,
    },
    /// An acknowledged ban is over.
    Unbanned {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// When it began.
        time: Timestamp,
        /// Its last moment as it stood.
        until: Option<Timestamp>,
        /// Failures that led to it.
        failures: u32,
        /// What ended it.
        why: LiftReason,
    },
    /// Somebody failed whose ban should long have kept them out; told once for each ban.
    Ineffective {
        /// The jail.
        jail: JailId,
        /// Who is banned: the address, or a network around it.
        id: FailureId,
        /// From the acknowledgement of the ban to the failure.
        after: Span,
    },
    /// Enough failures again although the ban stands.
    AlreadyBanned {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// From the ban's begin to the new failure: a long time hints at a ban without effect.
        after: Span,
        /// The last moment, perhaps later than before; `None` for ever.
        until: Option<Timestamp>,
        /// It is later than before.
        longer: bool,
    },
    /// Enough failures, but so long ago that the ban would already be over.
    ExpiredIgnored {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
    },
    /// Enough failures, but this one must not be banned; counting goes on.
    Protected {
        /// The jail.
        jail: JailId,
        /// Who would have been banned.
        id: FailureId,
        /// Why not.
        why: ProtectReason,
    },
    /// A text that looks like an address and is none: neither counted nor banned.
    MalformedAddress {
        /// The jail.
        jail: JailId,
        /// The text.
        text: Box<str>,
    },
    /// Enough failures, but nothing that we can ban: no action, or none that could keep out who is no address.
    NotEnforceable {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
    },
    /// The kernel refused a ban or its lifting; it stays wanted and is tried again.
    EnforceFailed {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// The kernel's answer.
        error: String,
    },
    /// The store could not write; guarding goes on without it.
    StoreFailed {
        /// The jail and whom it was about; `None` if about all.
        ban: Option<(JailId, FailureId)>,
        /// The store's answer.
        error: String,
    },
}

/// Which rule ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IgnoreReason {
    /// `ignoreself`: one of the machine's own addresses.
    OwnAddress,
    /// The jail's list, by an entry from here.
    Listed(IgnoreSource),
    /// `ignorecommand`, which is asked before the engine hears of a failure.
    Command,
}

/// Why somebody must not be banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectReason {
    /// It is or holds one of the machine's own addresses.
    OwnAddress,
    /// It holds somebody on the jail's list of the ignored.
    Ignored,
    /// It is or holds a gateway or a peer of the admin's session.
    Protected,
}

/// What ended a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiftReason {
    /// Its time.
    Expired,
    /// A request.
    Request,
    /// Whom it concerns is now protected.
    Protected,
    /// This network around it is banned as a whole.
    Aggregated(Prefix),
    /// Its jail is no more.
    JailRemoved,
    /// Its jail has nothing left that enforces bans.
    Unenforceable,
    /// Whom it concerns is now on the jail's list of the ignored, or `ignorecommand` says so.
    Ignored,
}
