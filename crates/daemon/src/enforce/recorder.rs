//! A firewall that does nothing: the reconciler tells what it would do.

use super::EnforceJail;
use super::backend::{Backend, Fault, Holdings, Seen, Write};
use base::{Prefix, Timestamp};
use os::netlink::sock_diag::{Outcome, Target};

/// Takes everything and holds nothing.
#[derive(Debug)]
pub(super) struct Recorder;

impl Backend for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn is_owner(&self) -> bool {
        false
    }

    fn only_tells(&self) -> bool {
        true
    }

    fn moves_networks(&self) -> bool {
        true
    }

    fn adopt(&mut self, jails: &[EnforceJail], _: Timestamp) -> Result<Holdings, Fault> {
        Ok(vec![Vec::new(); jails.len()])
    }

    fn change_jails(&mut self, _: &[EnforceJail]) -> Result<(), Fault> {
        Ok(())
    }

    fn rebuild(&mut self, _: &[EnforceJail], _: &Holdings, _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }

    fn apply(&mut self, _: &[EnforceJail], _: &[Write], _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }

    fn look(&mut self, _: &[EnforceJail], _: &[Vec<Prefix>]) -> Result<Seen, Fault> {
        Ok(Seen::Quiet)
    }

    fn holdings(&mut self, _: &[EnforceJail], _: Timestamp) -> Result<Option<Holdings>, Fault> {
        Ok(None)
    }

    fn holds(&mut self, _: &EnforceJail, _: &Prefix) -> Result<Option<bool>, Fault> {
        Ok(None)
    }

    fn ports_of(&mut self, _: &Prefix) -> Vec<u16> {
        Vec::new()
    }

    fn destroy(&mut self, _: &[Target]) -> Result<Outcome, String> {
        Ok(Outcome::default())
    }

    fn remove(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}
