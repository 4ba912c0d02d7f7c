//! A firewall that is let alone until a jail asks for it.
//!
//! Under fail2ban's names jails ban by commands of their own, and a machine without nf_tables, or a container that may
//! not touch it, must run all the same, with no table of ours in anybody's way.

use super::EnforceJail;
use super::backend::{Backend, Fault, Holdings, Seen, Write};
use super::nft::NftBackend;
use super::recorder::Recorder;
use base::{Prefix, Timestamp};
use os::netlink::sock_diag::{Outcome, Target};

/// Nothing until there is something to enforce, nf_tables from then on.
pub(super) struct OnDemand {
    table: String,
    owner: bool,
    opened: Option<NftBackend>,
    idle: Recorder,
}

impl OnDemand {
    pub(super) fn new(table: &str, owner: bool) -> Self {
        Self {
            table: table.to_owned(),
            owner,
            opened: None,
            idle: Recorder,
        }
    }

    /// What serves these jails.
    fn serving(&mut self, jails: &[EnforceJail]) -> Result<&mut dyn Backend, Fault> {
        if self.opened.is_none() && !jails.is_empty() {
            let opened = NftBackend::open(&self.table, self.owner)
                .map_err(|error| Fault::Unavailable(format!("{}; {}", error.what, error.help)))?;
            // Its table is made whole at once: what comes next may be a single change.
            let opened = self.opened.insert(opened);
            opened.rebuild(jails, &vec![Vec::new(); jails.len()], crate::clock::now())?;
        }
        Ok(self.current())
    }

    fn current(&mut self) -> &mut dyn Backend {
        match &mut self.opened {
            Some(opened) => opened,
            None => &mut self.idle,
        }
    }

    fn seen(&self) -> &dyn Backend {
        match &self.opened {
            Some(opened) => opened,
            None => &self.idle,
        }
    }
}

impl Backend for OnDemand {
    fn name(&self) -> &'static str {
        match self.opened {
            Some(_) => "nft",
            None => "none",
        }
    }

    fn is_owner(&self) -> bool {
        self.seen().is_owner()
    }

    fn moves_networks(&self) -> bool {
        self.seen().moves_networks()
    }

    fn bulk(&self) -> usize {
        self.seen().bulk()
    }

    fn adopt(&mut self, jails: &[EnforceJail], now: Timestamp) -> Result<Holdings, Fault> {
        if jails.is_empty() {
            return Ok(Vec::new());
        }
        // A firewall that cannot be had is told of with the first ban, and tried again: the other jails have nothing to
        // do with it.
        match NftBackend::open(&self.table, self.owner) {
            Ok(opened) => self.opened.insert(opened).adopt(jails, now),
            Err(_) => Ok(vec![Vec::new(); jails.len()]),
        }
    }

    fn change_jails(&mut self, jails: &[EnforceJail]) -> Result<(), Fault> {
        self.serving(jails)?.change_jails(jails)
    }

    fn rebuild(
        &mut self,
        jails: &[EnforceJail],
        holdings: &Holdings,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.serving(jails)?.rebuild(jails, holdings, now)
    }

    fn apply(
        &mut self,
        jails: &[EnforceJail],
        writes: &[Write],
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.serving(jails)?.apply(jails, writes, now)
    }

    fn look(&mut self, jails: &[EnforceJail], samples: &[Vec<Prefix>]) -> Result<Seen, Fault> {
        self.current().look(jails, samples)
    }

    fn holdings(
        &mut self,
        jails: &[EnforceJail],
        now: Timestamp,
    ) -> Result<Option<Holdings>, Fault> {
        self.current().holdings(jails, now)
    }

    fn holds(&mut self, jail: &EnforceJail, prefix: &Prefix) -> Result<Option<bool>, Fault> {
        self.current().holds(jail, prefix)
    }

    fn ports_of(&mut self, peer: &Prefix) -> Vec<u16> {
        self.current().ports_of(peer)
    }

    fn dropped(&mut self, jail: &EnforceJail) -> Option<u64> {
        self.current().dropped(jail)
    }

    fn destroy(&mut self, targets: &[Target]) -> Result<Outcome, String> {
        self.current().destroy(targets)
    }

    fn remove(&mut self) -> Result<(), Fault> {
        self.current().remove()
    }
}
