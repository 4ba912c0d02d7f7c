//! Everything that can happen to the engine, as one closed list.

use crate::BanRecord;
use base::{FailureId, Prefix, Span, Timestamp};
use std::collections::BTreeMap;

/// A jail: its place in the list that the engine was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JailId(pub u32);

/// One ban: a jail bans an address or a network at most once at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BanKey {
    /// The jail.
    pub jail: JailId,
    /// Who is banned.
    pub prefix: Prefix,
}

/// Names a request until its reply; the asker chooses it and must not use it twice at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A row that the store held at the start.
pub type RestoredBan = BanRecord;

/// One failure that a jail's rules found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whom it is counted for.
    pub id: FailureId,
    /// The time in the log.
    pub time: Timestamp,
    /// Users that were tried.
    pub users: Vec<String>,
    /// The lines that told it, oldest first.
    pub matches: Vec<String>,
    /// Other captured values by their lower-case names.
    pub captures: BTreeMap<String, String>,
}

/// How long a ban by hand lasts from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanTime {
    /// This long.
    For(Span),
    /// For ever.
    Permanent,
}

/// What a person or a program asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Ban these.
    Ban {
        /// In this jail.
        jail: JailId,
        /// Addresses and networks as given; the jail's own prefix lengths are not applied.
        prefixes: Vec<Prefix>,
        /// How long; `None` for the jail's ban time.
        time: Option<BanTime>,
        /// Also if they are ignored, protected or our own.
        force: bool,
    },
    /// Lift every ban that is equal to one of these or lies inside.
    Unban {
        /// In this jail; `None` for all.
        jail: Option<JailId>,
        /// Addresses and networks.
        prefixes: Vec<Prefix>,
    },
    /// Lift every ban of every jail.
    UnbanAll,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A rule found a failure.
    Failure {
        /// Whose rule.
        jail: JailId,
        /// What it found.
        failure: Failure,
    },
    /// The lines of one read of a jail's source come next: the moment for the lazy clean-up.
    ReadBegins {
        /// The jail.
        jail: JailId,
    },
    /// Somebody asks for something.
    Request {
        /// To be given back with the reply.
        id: RequestId,
        /// What is asked.
        request: Request,
    },
    /// The enforcer's answer to one [`Ban`](crate::Effect::Ban) or [`Unban`](crate::Effect::Unban). After an
    /// error it tries again by itself, and a later success under the same number (or under the latest number
    /// of that ban) is welcome. Each number is answered, also of an effect that a later one made void.
    Applied {
        /// The number in the effect.
        seq: u64,
        /// The kernel's answer.
        result: Result<(), String>,
    },
    /// The store's answer to one [`Persist`](crate::Effect::Persist).
    Committed {
        /// The number in the effect.
        seq: u64,
        /// The store's answer.
        result: Result<(), String>,
    },
    /// At the start: what the store holds for a jail.
    Restored {
        /// The jail.
        jail: JailId,
        /// Its rows; their matched lines are not needed and may be left out.
        bans: Vec<RestoredBan>,
    },
    /// At the start, after the store's rows: found in the kernel, while no row of the store says that this ban
    /// still runs.
    Adopted {
        /// The jail whose set held it.
        jail: JailId,
        /// Who is banned there.
        prefix: Prefix,
        /// Until when; `None` for ever.
        until: Option<Timestamp>,
    },
    /// Who must not be banned from now on; replaces what was said before. Loopback is always among `own`.
    Protected {
        /// The machine's own addresses: `ignoreself` ignores them, and no jail bans them.
        own: Vec<Prefix>,
        /// Gateways, and peers of the admin's sessions until the given time.
        prefixes: Vec<(Prefix, Option<Timestamp>)>,
    },
    /// Time passed.
    Tick,
}
