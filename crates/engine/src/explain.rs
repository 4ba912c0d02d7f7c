//! What is known of one id in one jail: for people who ask why it is, or is not, banned. Nothing is changed by it.

use crate::{BanKey, BanView, Engine, IgnoreReason, JailId, Past, ProtectReason};
use base::{FailureId, Prefix, Timestamp};

/// The failures of one id that count at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What is compared with `maxretry`.
    pub estimate: i64,
    /// All failures since the entry was made, old ones included.
    pub failures: u32,
    /// Where its window begins: the first failure, or later.
    pub first: Timestamp,
    /// The last failure.
    pub last: Timestamp,
    /// The last lines that told of it, oldest first.
    pub lines: Vec<String>,
}

impl Engine {
    /// The failures of an id that a jail counts, with so many lines at most; an address is looked for as the network that
    /// the jail counts it in.
    pub fn counted(&self, jail: JailId, id: &FailureId, lines: usize) -> Option<Counted> {
        let jail = self.jail(jail)?;
        jail.window.counted(&jail.policy.subject(id), lines)
    }

    /// The rule by which failures of this one are not counted in a jail.
    pub fn why_ignored(&self, jail: JailId, id: &FailureId) -> Option<IgnoreReason> {
        self.guard.ignored(&self.jail(jail)?.policy, id)
    }

    /// Why what a jail would ban for this address must not be banned.
    pub fn why_protected(
        &self,
        now: Timestamp,
        jail: JailId,
        prefix: &Prefix,
    ) -> Option<ProtectReason> {
        let policy = &self.jail(jail)?.policy;
        let id = FailureId::Prefix(policy.network(prefix));
        self.guard.protected(now, policy, &id)
    }

    /// The ban that keeps this one out in a jail: its own, or that of a network around it.
    pub fn ban_around(&self, jail: JailId, id: &FailureId) -> Option<BanView<'_>> {
        let FailureId::Prefix(prefix) = id else {
            let id = self.jail(jail)?.policy.subject(id).into_owned();
            return self.ban(&BanKey { jail, id });
        };
        let network = self.jail(jail)?.policy.network(prefix);
        let key = |prefix| BanKey {
            jail,
            id: FailureId::Prefix(prefix),
        };
        let own = [*prefix, network].map(key);
        let found = own.into_iter().find_map(|key| self.ban_of(key));
        // By hand, networks of any length are banned.
        let around = || {
            (0..prefix.length())
                .rev()
                .find_map(|length| self.ban(&key(prefix.widened(length))))
        };
        match found {
            Some(key) => self.ban(&key),
            None => around(),
        }
    }

    /// The bans of this address in a jail before, as far as the jail's bans grow by them.
    pub fn past_of(&self, jail: JailId, prefix: &Prefix) -> Option<Past> {
        let id = FailureId::Prefix(self.jail(jail)?.policy.network(prefix));
        self.history.of(&BanKey { jail, id })
    }
}
