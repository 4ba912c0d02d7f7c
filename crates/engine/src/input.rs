//! Everything that can happen to the engine, as one closed list.

use crate::{BanRecord, IgnoreList, JailPolicy, Past};
use base::{FailureId, NamedTexts, Prefix, Span, Texts, Timestamp};

/// A jail: its place in the list that the engine was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JailId(pub u32);

/// One ban: a jail bans an address, a network or any other id at most once at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BanKey {
    /// The jail.
    pub jail: JailId,
    /// Who is banned.
    pub id: FailureId,
}

/// Names a request until its reply; the asker chooses it and must not use it twice at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A row that the store held at the start.
pub type RestoredBan = BanRecord;

/// One failure that a jail's rules found. It borrows all that it tells: the engine copies only what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// Whom it is counted for.
    pub id: &'a FailureId,
    /// The time in the log.
    pub time: Timestamp,
    /// The user that was tried, if the failure names one.
    pub user: Option<&'a str>,
    /// Users that were tried before it; they are counted where it names none itself.
    pub users: &'a Texts,
    /// The lines that told it, oldest first.
    pub matches: &'a Texts,
    /// Other captured values by their lower-case names.
    pub captures: &'a NamedTexts,
}

impl Failure<'_> {
    /// Tells the users that it counts for.
    pub(crate) fn each_tried(&self, mut tell: impl FnMut(&str)) {
        match self.user {
            Some(user) => tell(user),
            None => self.users.iter().for_each(tell),
        }
    }
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
        /// Addresses, networks and other ids as given; the jail's own prefix lengths are not applied.
        ids: Vec<FailureId>,
        /// How long; `None` for the jail's ban time.
        time: Option<BanTime>,
        /// Also if they are ignored, protected or our own.
        force: bool,
    },
    /// Lift every ban that is equal to one of these or lies inside.
    Unban {
        /// In this jail; `None` for all.
        jail: Option<JailId>,
        /// Addresses, networks and other ids.
        ids: Vec<FailureId>,
    },
    /// Lift every ban of every jail.
    UnbanAll,
    /// Count a failure that no log told; who is ignored is ignored here, too.
    Attempt {
        /// In this jail.
        jail: JailId,
        /// For whom.
        id: FailureId,
        /// Lines to be kept with it; it weighs as many failures, but at least one.
        matches: Texts,
    },
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<'a> {
    /// A rule found a failure.
    Failure {
        /// Whose rule.
        jail: JailId,
        /// What it found.
        failure: Failure<'a>,
    },
    /// The failures of a read were all told: what they lead to is decided now. Every other input than a failure
    /// does that, too.
    ReadEnds,
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
        /// Its rows; their matched lines are not needed and may be left out. Those of bans that are over restore
        /// nothing.
        bans: Vec<RestoredBan>,
    },
    /// At the start, before the rows: how often somebody was banned in a jail.
    Remembered {
        /// The jail.
        jail: JailId,
        /// Who.
        id: FailureId,
        /// How often, and when last.
        past: Past,
    },
    /// The jail's rules are these from now on; its failures, bans and counters stay. A ban that lasts as long as the
    /// jail's bans do changes its end with them.
    Policy {
        /// The jail.
        jail: JailId,
        /// Its new rules.
        policy: Box<JailPolicy>,
    },
    /// There is one more jail; its id is the next one.
    Added {
        /// Its rules.
        policy: Box<JailPolicy>,
    },
    /// A jail is no more: its bans are lifted and its failures forgotten. The store keeps its rows, so that they come
    /// back with the jail. Its id is used again if it does, by [`Input::Policy`].
    Removed {
        /// The jail.
        jail: JailId,
    },
    /// Former bans that the store no longer knows are forgotten.
    Purge {
        /// Those that ended long enough before this.
        before: Timestamp,
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
    /// Whom a jail ignores from now on, in place of its former list. Bans that this forbids are lifted, except
    /// forced ones.
    IgnoreList {
        /// The jail.
        jail: JailId,
        /// The whole list.
        list: IgnoreList,
    },
    /// `ignorecommand` says that somebody whose ban stands is ignored: it is lifted, unless forced.
    Spared {
        /// The jail.
        jail: JailId,
        /// Who is banned there.
        id: FailureId,
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
