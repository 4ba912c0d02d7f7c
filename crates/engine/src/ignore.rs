//! Who is never counted and who is never banned.
//!
//! Two questions, asked at two moments: `ignored` before a failure is counted, of the very address in the log;
//! `protected` before a ban is decided, of the whole prefix that would be banned. The second is the wider one,
//! because a network may hold somebody whom the single address is not.

use crate::{IgnoreReason, JailPolicy, ProtectReason};
use base::{FailureId, Prefix, PrefixSet, Timestamp};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod list;

pub use list::{IgnoreList, IgnoreSource};

/// The addresses that hold for all jails.
#[derive(Debug)]
pub(crate) struct Guard {
    own: PrefixSet,
    /// Few: gateways and sessions. With the last moment of the protection; `None` for always.
    protected: BTreeMap<Prefix, Option<Timestamp>>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            own: loopback().collect(),
            protected: BTreeMap::new(),
        }
    }
}

fn loopback() -> impl Iterator<Item = Prefix> {
    [
        Prefix::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8),
        Prefix::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    ]
    .into_iter()
    .flatten()
}

impl Guard {
    /// Takes new lists in place of the old ones. Of one prefix named twice the longer protection holds.
    pub(crate) fn replace(
        &mut self,
        own: Vec<Prefix>,
        protected: Vec<(Prefix, Option<Timestamp>)>,
    ) {
        self.own = loopback().chain(own).collect();
        self.protected.clear();
        for (prefix, until) in protected {
            self.protected
                .entry(prefix)
                .and_modify(|old| *old = old.zip(until).map(|(a, b)| a.max(b)))
                .or_insert(until);
        }
    }

    /// The rule by which failures of this one are not counted.
    pub(crate) fn ignored(&self, policy: &JailPolicy, id: &FailureId) -> Option<IgnoreReason> {
        if let FailureId::Prefix(prefix) = id
            && policy.ignoreself
            && self.own.find_around(prefix).is_some()
        {
            return Some(IgnoreReason::OwnAddress);
        }
        let source = policy.ignoreip.find(id)?;
        Some(IgnoreReason::Listed(source.clone()))
    }

    /// Why this one must not be banned in a jail.
    pub(crate) fn protected(
        &self,
        now: Timestamp,
        policy: &JailPolicy,
        id: &FailureId,
    ) -> Option<ProtectReason> {
        self.protected_for_all(now, id).or_else(|| {
            policy
                .ignoreip
                .overlaps(id)
                .then_some(ProtectReason::Ignored)
        })
    }

    /// Why this one must not be banned in any jail. Who is no address is nobody's address.
    pub(crate) fn protected_for_all(
        &self,
        now: Timestamp,
        id: &FailureId,
    ) -> Option<ProtectReason> {
        let prefix = &id.prefix()?;
        if self.own.overlaps(prefix) {
            return Some(ProtectReason::OwnAddress);
        }
        self.protected
            .iter()
            .any(|(p, until)| {
                until.is_none_or(|until| now <= until) && (p.contains(prefix) || prefix.contains(p))
            })
            .then_some(ProtectReason::Protected)
    }
}
