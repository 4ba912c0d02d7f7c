//! What one jail wants, and the bounds on what it may hold in memory.

use crate::{Aggregate, Growth, IgnoreList};
use base::{FailureId, Family, JailName, Prefix, Span};
use std::borrow::Cow;

/// Bytes of an id that is no address. A log's line may be much longer, and each id that fails or is banned stays in
/// memory.
const LONGEST: usize = 1_024;

/// The rules of one jail.
#[derive(Clone, Debug, PartialEq)]
pub struct JailPolicy {
    /// Its name.
    pub name: JailName,
    /// This many failures within `findtime` make a ban.
    pub maxretry: u32,
    /// This many matched lines are kept for each id; 0 keeps none.
    pub maxmatches: u32,
    /// The window.
    pub findtime: Span,
    /// How long a ban lasts; `None` for ever.
    pub bantime: Option<Span>,
    /// How bans of those grow who were banned before; `None` if they do not.
    pub growth: Option<Growth>,
    /// Failures of the machine's own addresses are not counted.
    pub ignoreself: bool,
    /// Failures of these are not counted. An input may bring another list.
    pub ignoreip: IgnoreList,
    /// IPv4 addresses are counted and banned by networks of this length; 32 for single addresses.
    pub ipv4_prefix: u8,
    /// IPv6 addresses are counted and banned by networks of this length; 128 for single addresses.
    pub ipv6_prefix: u8,
    /// When networks are banned as a whole, the narrowest first.
    pub aggregate: Vec<Aggregate>,
    /// Each new ban of another jail is a failure here (`recidive`).
    pub fed_by_bans: bool,
    /// Whom its actions can keep out.
    pub enforceable: Enforceable,
}

/// Whom the actions of a jail can keep out. Each holds all that those before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Enforceable {
    /// There is no action that we can carry out: the jail only detects.
    Nobody,
    /// The kernel keeps addresses and networks out.
    Addresses,
    /// At least one action takes whatever id it is told.
    AnyId,
}

impl Enforceable {
    /// True if this one can be kept out. A text that was meant as an address and is none never is: no firewall can do
    /// it, and a wrong reading may hit somebody else.
    pub fn covers(self, id: &FailureId) -> bool {
        match id {
            FailureId::Prefix(_) => self >= Self::Addresses,
            FailureId::Raw(text) => {
                self == Self::AnyId && !text.is_empty() && !id.is_malformed_address()
            }
        }
    }
}

impl JailPolicy {
    /// Whom the jail counts and bans in place of what the log says: the network around an address, and of other ids no
    /// more than anybody needs.
    pub fn subject<'a>(&self, id: &'a FailureId) -> Cow<'a, FailureId> {
        match id {
            FailureId::Prefix(prefix) => match self.network(prefix) {
                network if network.length() == prefix.length() => Cow::Borrowed(id),
                network => Cow::Owned(FailureId::Prefix(network)),
            },
            FailureId::Raw(text) if text.len() > LONGEST => {
                let ends = text.char_indices().map(|(place, _)| place);
                let end = ends.take_while(|end| *end <= LONGEST).last();
                let kept = text.get(..end.unwrap_or(0)).unwrap_or_default();
                Cow::Owned(FailureId::Raw(kept.into()))
            }
            FailureId::Raw(_) => Cow::Borrowed(id),
        }
    }

    /// The network that the jail counts and bans in place of an address.
    pub fn network(&self, prefix: &Prefix) -> Prefix {
        prefix.widened(match prefix.family() {
            Family::Inet4 => self.ipv4_prefix,
            Family::Inet6 => self.ipv6_prefix,
        })
    }

    /// The longest that a stored ban may last after a restart (behaviour §4.6).
    pub(crate) fn longest_restored(&self) -> Option<Span> {
        match &self.growth {
            Some(growth) => growth.longest,
            None => self.bantime,
        }
    }

    /// The former bans of all jails count in this one.
    pub(crate) fn looks_over_all_jails(&self) -> bool {
        self.growth
            .as_ref()
            .is_some_and(|growth| growth.over_all_jails)
    }
}

/// Bounds that hold for each jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Ids with counted failures. Beyond it one is forgotten: of those that failed once the one whose failure is
    /// oldest, but while those are no more than a quarter, of the others the one whose last failure is oldest.
    pub tracked_ids: usize,
    /// Bytes of matched lines and user names of all those ids. Beyond it new ones overwrite the oldest, whoever's
    /// they are; the failures still count.
    pub story_bytes: usize,
    /// Former bans of all jails that are remembered where bans grow. Beyond it those longest ago are forgotten.
    pub former_bans: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tracked_ids: 100_000,
            story_bytes: 8 << 20,
            former_bans: 200_000,
        }
    }
}
