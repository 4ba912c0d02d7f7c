//! What stands in the table for each jail: which traffic, what happens to it.

use super::super::Ports;
use super::rule::{Rule, Verdict};
use super::{SetKind, Transaction, chain_name, set_name};
use base::JailName;

/// What the firewall needs to know of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jail {
    /// Its name.
    pub name: JailName,
    /// The ports that are closed to the banned.
    pub ports: Ports,
    /// The transport protocols.
    pub protocol: Protocol,
    /// What happens to their packets.
    pub blocktype: Blocktype,
    /// Whose traffic is meant.
    pub scope: Scope,
}

/// Transport protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// TCP and UDP.
    Both,
    /// All there are; with ports: all that have ports.
    All,
}

/// What happens to a banned packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocktype {
    /// Nothing comes back.
    Drop,
    /// A reset for TCP, ICMP "administratively prohibited" for the rest: a plain ICMP answer lets TCP over IPv6
    /// run into its time-out.
    Reject,
}

/// Whose traffic is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that passes.
    All,
    /// What is addressed to this host; forwarded traffic passes. Ports published from containers count as this host's.
    Host,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const DCCP: u8 = 33;
const SCTP: u8 = 132;

impl Protocol {
    /// The numbers to match; empty for all.
    fn numbers(self, ports: &Ports) -> &'static [u8] {
        match (self, ports) {
            (Self::Tcp, _) => &[TCP],
            (Self::Udp, _) => &[UDP],
            (Self::Both, _) => &[TCP, UDP],
            (Self::All, Ports::All) => &[],
            (Self::All, Ports::Ranges(_)) => &[TCP, UDP, DCCP, SCTP],
        }
    }
}

/// The base chain.
pub(super) const BASE_CHAIN: &str = "prerouting";

/// Appends the rule that sends the jail's traffic to its chain.
pub(super) fn push_jump(transaction: &mut Transaction, jail: &Jail) {
    let mut rule = Rule::new(BASE_CHAIN);
    if jail.scope == Scope::Host {
        rule.local_destination();
    }
    let numbers = jail.protocol.numbers(&jail.ports);
    if !numbers.is_empty() {
        rule.protocols(numbers);
    }
    if let Ports::Ranges(ranges) = &jail.ports {
        rule.destination_ports(ranges);
    }
    rule.verdict(Verdict::Jump(chain_name(&jail.name)));
    transaction.append(rule);
}

/// Appends the rules of the jail's own chain.
pub(super) fn push_look_ups(transaction: &mut Transaction, jail: &Jail) {
    let chain = chain_name(&jail.name);
    for kind in SetKind::ALL {
        let set = set_name(kind, &jail.name);
        let mut append = |protocol: Option<u8>, verdict: Verdict| {
            let mut rule = Rule::new(&chain);
            if let Some(number) = protocol {
                rule.protocols(&[number]);
            }
            rule.source_in(kind, &set);
            rule.counter();
            rule.verdict(verdict);
            transaction.append(rule);
        };
        if jail.blocktype == Blocktype::Drop {
            append(None, Verdict::Drop);
            continue;
        }
        let numbers = jail.protocol.numbers(&jail.ports);
        let tcp = numbers.is_empty() || numbers.contains(&TCP);
        if tcp {
            append(Some(TCP), Verdict::ResetTcp);
        }
        if numbers != [TCP] {
            append(None, Verdict::RejectProhibited);
        }
    }
}
