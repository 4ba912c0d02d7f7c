//! Who must not be banned because the machine or its admin would be cut off.
//!
//! The machine's own addresses and its default gateways, always; the peers of present remote log-ins for an hour
//! from their log-in. They are read again when the log-in records change and once a minute.

use base::{Prefix, Span, Timestamp};
use engine::Input;
use std::net::IpAddr;
use std::time::SystemTime;

const LOGIN_GRACE: Span = Span::from_secs(3600);
const READ_AGAIN: Span = Span::from_secs(60);

/// What was read last.
#[derive(Default)]
pub(crate) struct Protection {
    read: Option<Timestamp>,
    logins_changed: Option<SystemTime>,
    /// The peer of the session that started us: known even where log-ins are not recorded.
    starter: Option<(IpAddr, Timestamp)>,
}

impl Protection {
    /// `ssh_connection` is the variable of that name, as sshd sets it for its sessions.
    pub(crate) fn new(ssh_connection: Option<&str>, now: Timestamp) -> Self {
        let peer = ssh_connection
            .and_then(|text| text.split(' ').next())
            .and_then(|text| text.parse().ok());
        Self {
            starter: peer.map(|peer| (peer, now)),
            ..Self::default()
        }
    }

    /// The engine's input, if anything may have changed since the last time.
    pub(crate) fn refresh(&mut self, now: Timestamp) -> Option<Input<'static>> {
        let changed = os::logins_changed();
        let fresh = self
            .read
            .is_some_and(|read| now >= read && now.since(read) < READ_AGAIN);
        if fresh && changed == self.logins_changed {
            return None;
        }
        self.read = Some(now);
        self.logins_changed = changed;
        let logins = os::logins()
            .into_iter()
            .map(|login| (login.address, login.time));
        let peers = logins
            .chain(self.starter)
            .map(|(peer, time)| (Prefix::host(peer), time + LOGIN_GRACE));
        let gateways = os::default_gateways()
            .into_iter()
            .map(|gateway| (Prefix::host(gateway), None));
        Some(Input::Protected {
            own: os::own_addresses().into_iter().map(Prefix::host).collect(),
            prefixes: gateways
                .chain(
                    peers
                        .filter(|(_, until)| *until > now)
                        .map(|(peer, until)| (peer, Some(until))),
                )
                .collect(),
        })
    }
}
