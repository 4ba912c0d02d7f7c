//! Cutting the established TCP connections of banned peers.
//!
//! A ban stops packets, but the server's end of an open connection would hang until its own time-out. The kernel can
//! close sockets from outside (SOCK_DESTROY, with CAP_NET_ADMIN and CONFIG_INET_DIAG_DESTROY): both ends see a reset
//! and the serving process is free at once. One listing serves a whole batch of bans.

use super::Ports;
use super::message::{ACK, Builder, DUMP, Message, ne32};
use super::socket::{Error, Socket, Subsystem};
use base::{Prefix, PrefixSet, canonical};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Which connections to cut: of a peer in `peers`, to a local port in `ports`.
#[derive(Clone, Debug)]
pub struct Target {
    /// The banned.
    pub peers: PrefixSet,
    /// The ports that they are banned from.
    pub ports: Ports,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Connections that were cut.
    pub destroyed: usize,
    /// The kernel cannot close sockets from outside.
    pub unsupported: bool,
}

const DIAG_BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const TCP: u8 = 6;
/// All states but TIME_WAIT (6), CLOSE (7) and LISTEN (10), which hold no connection to cut.
const STATES: u32 = !(1 << 6 | 1 << 7 | 1 << 10);
/// Ports, addresses, interface and cookie: what identifies a socket.
const IDENTITY: usize = 48;

/// Cuts the matching connections. A connection that ends by itself meanwhile is no error.
pub fn destroy(targets: &[Target]) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    if targets.iter().all(|t| t.peers.is_empty()) {
        return Ok(outcome);
    }
    let mut socket = Socket::open(Subsystem::SockDiag)?;
    // An IPv6 socket may talk to IPv4 peers, so both families are always asked.
    for family in [AF_INET, AF_INET6] {
        let mut doomed = Vec::new();
        let listing = request(DIAG_BY_FAMILY, DUMP, family, STATES, &[0; IDENTITY])?;
        let listed = socket.dump(&listing, |message| {
            doomed.extend(Connection::parse(message).filter(|c| c.is_in(targets)));
        });
        match listed {
            // The listing may be of two moments; each socket of it is checked by its cookie when it is cut.
            Ok(()) | Err(Error::Interrupted) => {}
            // A kernel without IPv6, or without the module, has no connections of that family to show.
            Err(error) if error.errno() == Some(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
        for connection in doomed {
            let cut = request(DESTROY, ACK, family, u32::MAX, &connection.identity)?;
            match socket.request(&cut, |_| ()) {
                Ok(_) => outcome.destroyed += 1,
                Err(error) => match error.errno() {
                    Some(Errno::NOENT) => {}
                    Some(Errno::OPNOTSUPP) => {
                        outcome.unsupported = true;
                        return Ok(outcome);
                    }
                    _ => return Err(error),
                },
            }
        }
    }
    Ok(outcome)
}

/// The local ports that these peers have connections to, open or opening, in order.
pub fn ports_of(peers: &PrefixSet) -> Result<Vec<u16>, Error> {
    let mut ports = BTreeSet::new();
    let mut socket = Socket::open(Subsystem::SockDiag)?;
    for family in [AF_INET, AF_INET6] {
        let listing = request(DIAG_BY_FAMILY, DUMP, family, STATES, &[0; IDENTITY])?;
        let listed = socket.dump(&listing, |message| {
            let of_peer = |connection: &Connection| {
                let peer = Prefix::host(connection.peer);
                peers.find_around(&peer).is_some()
            };
            let connection = Connection::parse(message).filter(of_peer);
            ports.extend(connection.map(|connection| connection.port));
        });
        match listed {
            Ok(()) | Err(Error::Interrupted) => {}
            Err(error) if error.errno() == Some(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ports.into_iter().collect())
}

fn request(
    kind: u16,
    flags: u16,
    family: u8,
    states: u32,
    identity: &[u8; IDENTITY],
) -> Result<Vec<u8>, Error> {
    let mut builder = Builder::new();
    builder.message(kind, flags, 1);
    builder.raw(&[family, TCP, 0, 0]);
    builder.raw(&states.to_ne_bytes());
    builder.raw(identity);
    Ok(builder.finish()?)
}

/// A connection of the listing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Connection {
    port: u16,
    peer: IpAddr,
    identity: [u8; IDENTITY],
}

impl Connection {
    fn parse(message: &Message<'_>) -> Option<Self> {
        // Family, state, timer, retransmissions; then the identity: two ports, two addresses, interface, cookie.
        let family = *message.payload.first()?;
        let identity: [u8; IDENTITY] = message.payload.get(4..4 + IDENTITY)?.try_into().ok()?;
        let port = u16::from_be_bytes([identity[0], identity[1]]);
        let address: [u8; 16] = identity[20..36].try_into().ok()?;
        let peer = match family {
            AF_INET => IpAddr::from(ne32(&address, 0)?.to_ne_bytes()),
            AF_INET6 => canonical(IpAddr::from(address)),
            _ => return None,
        };
        Some(Self {
            port,
            peer,
            identity,
        })
    }

    fn is_in(&self, targets: &[Target]) -> bool {
        let peer = Prefix::host(self.peer);
        targets
            .iter()
            .any(|t| t.ports.contains(self.port) && t.peers.find_around(&peer).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::PortRange;
    use crate::netlink::message::messages;

    fn connection(family: u8, port: u16, peer: &[u8]) -> Option<Connection> {
        let mut builder = Builder::new();
        builder.message(DIAG_BY_FAMILY, 0, 1);
        builder.raw(&[family, 1, 0, 0]);
        builder.raw(&port.to_be_bytes());
        builder.raw(&40_000u16.to_be_bytes());
        builder.raw(&[9; 16]);
        builder.raw(peer);
        builder.raw(&vec![0; 16 - peer.len()]);
        builder.raw(&[7; 12]);
        let bytes = builder.finish().unwrap();
        Connection::parse(&messages(&bytes).next().unwrap())
    }

    #[test]
    fn chooses_by_peer_and_local_port() {
        let targets = [Target {
            peers: ["10.0.0.0/24", "2001:db8::/64"]
                .iter()
                .map(|p| p.parse().unwrap())
                .collect(),
            ports: Ports::new([PortRange::single(22)]),
        }];
        let check = |family: u8, port: u16, peer: &[u8], expected: bool| {
            let connection = connection(family, port, peer).unwrap();
            assert_eq!(connection.is_in(&targets), expected, "{connection:?}");
        };
        let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 5];
        check(AF_INET, 22, &[10, 0, 0, 5], true);
        check(AF_INET, 23, &[10, 0, 0, 5], false);
        check(AF_INET, 22, &[10, 0, 1, 5], false);
        check(AF_INET6, 22, &mapped, true);
        check(AF_INET6, 22, &[0x20, 1, 0x0d, 0xb8], true);
        check(AF_INET6, 22, &[0x20, 1, 0x0d, 0xb9], false);
        assert_eq!(connection(1, 22, &[]), None);
    }
}
