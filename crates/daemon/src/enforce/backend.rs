//! What reconciling needs of a firewall.

use super::EnforceJail;
use super::ledger::Hold;
use base::{Prefix, Timestamp};
use os::netlink::nft::SetKind;
use os::netlink::sock_diag::{Outcome, Target};
use std::fmt;

/// One change; several make a transaction that holds as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Hold this until then, whatever was before.
    Put {
        /// The index of the jail.
        jail: usize,
        prefix: Prefix,
        hold: Hold,
    },
    /// Hold this no longer.
    Remove { jail: usize, prefix: Prefix },
    /// Hold exactly these of this kind.
    Replace {
        jail: usize,
        kind: SetKind,
        members: Vec<(Prefix, Hold)>,
    },
}

/// Why a transaction did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Something of ours is not there any more.
    Lost(String),
    /// Something in it cannot be done; less of it may.
    Refused(String),
    /// Nothing can be done at all at present.
    Unavailable(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(text) | Self::Refused(text) | Self::Unavailable(text) => f.write_str(text),
        }
    }
}

/// What a look at the firewall found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nobody but us changed anything.
    Quiet,
    /// Somebody did, and all of ours stands.
    Foreign,
    /// Something of ours is gone.
    Lost(String),
}

/// What a jail holds: per jail, in the order of the jails.
pub(super) type Holdings = Vec<Vec<(Prefix, Hold)>>;

/// A firewall with one table of ours. Jails are named by their index in the list that was last given.
pub(super) trait Backend: Send {
    /// Its name in the status.
    fn name(&self) -> &'static str;

    /// True if nobody else can change the table.
    fn is_owner(&self) -> bool;

    /// True if nothing is ever done, so that what would be done has to be told.
    fn only_tells(&self) -> bool {
        false
    }

    /// True if a network may take the place of others by single writes; else their set is always written whole.
    fn moves_networks(&self) -> bool;

    /// From how many changes on building everything anew may be cheaper.
    fn bulk(&self) -> usize {
        usize::MAX
    }

    /// Makes everything stand for these jails and keeps what they hold already, which is returned.
    fn adopt(&mut self, jails: &[EnforceJail], now: Timestamp) -> Result<Holdings, Fault>;

    /// Takes these jails for the former ones. Those of the same name keep what they hold.
    fn change_jails(&mut self, jails: &[EnforceJail]) -> Result<(), Fault>;

    /// Makes everything anew, with exactly these bans, in one transaction.
    fn rebuild(
        &mut self,
        jails: &[EnforceJail],
        holdings: &Holdings,
        now: Timestamp,
    ) -> Result<(), Fault>;

    /// Carries out a transaction.
    fn apply(
        &mut self,
        jails: &[EnforceJail],
        writes: &[Write],
        now: Timestamp,
    ) -> Result<(), Fault>;

    /// Looks whether anybody changed anything. `samples` are a few bans for each jail, to be asked for if so.
    fn look(&mut self, jails: &[EnforceJail], samples: &[Vec<Prefix>]) -> Result<Seen, Fault>;

    /// All that the jails hold; `None` if that cannot be asked.
    fn holdings(
        &mut self,
        jails: &[EnforceJail],
        now: Timestamp,
    ) -> Result<Option<Holdings>, Fault>;

    /// True if exactly this one is held; costs the same however many are. `None` if that cannot be asked.
    fn holds(&mut self, jail: &EnforceJail, prefix: &Prefix) -> Result<Option<bool>, Fault>;

    /// The local ports that somebody is connected to; none if that cannot be asked.
    fn ports_of(&mut self, peer: &Prefix) -> Vec<u16>;

    /// Packets that the rules of a jail have dropped since they were laid; `None` if that cannot be asked.
    fn dropped(&mut self, _jail: &EnforceJail) -> Option<u64> {
        None
    }

    /// Cuts open connections.
    fn destroy(&mut self, targets: &[Target]) -> Result<Outcome, String>;

    /// Removes everything.
    fn remove(&mut self) -> Result<(), Fault>;
}
