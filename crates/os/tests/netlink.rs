//! nf_tables and sock_diag against the running kernel, each test in a network namespace of its own.

#![expect(clippy::unwrap_used, reason = "a panic in a test is the report")]

#[path = "netlink/namespace.rs"]
mod namespace;

#[path = "netlink/elements.rs"]
mod elements;
#[path = "netlink/ownership.rs"]
mod ownership;
#[path = "netlink/packets.rs"]
mod packets;
#[path = "netlink/rules.rs"]
mod rules;

use base::{JailName, Prefix};
use os::netlink::nft::{Blocktype, Element, Jail, Nft, Protocol, Scope, Shape};
use os::netlink::{PortRange, Ports};
use std::time::Duration;

const TABLE: &str = "stockade-test";

fn jail(name: &str, ports: &[u16]) -> Jail {
    Jail {
        name: JailName::new(name),
        ports: Ports::new(ports.iter().map(|p| PortRange::single(*p))),
        protocol: Protocol::Tcp,
        blocktype: Blocktype::Drop,
        scope: Scope::All,
    }
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn element(text: &str, seconds: Option<u64>) -> Element {
    Element {
        prefix: prefix(text),
        timeout: seconds.map(Duration::from_secs),
    }
}

fn install(nft: &mut Nft, flags: u32, jails: &[Jail]) {
    let mut transaction = nft.transaction(TABLE);
    transaction.create_table(flags);
    transaction.install(&Shape::default(), jails);
    nft.commit(transaction).unwrap();
}

fn put(nft: &mut Nft, jail: &Jail, elements: &[Element]) {
    let mut transaction = nft.transaction(TABLE);
    transaction.put(&jail.name, elements);
    nft.commit(transaction).unwrap();
}

fn remove(nft: &mut Nft, jail: &Jail, prefixes: &[&str]) {
    let prefixes: Vec<Prefix> = prefixes.iter().map(|p| prefix(p)).collect();
    let mut transaction = nft.transaction(TABLE);
    transaction.remove(&jail.name, &prefixes);
    nft.commit(transaction).unwrap();
}

/// The prefixes of a jail, in order.
fn listed(nft: &mut Nft, jail: &Jail) -> Vec<String> {
    let mut found: Vec<Prefix> = nft
        .elements(TABLE, &jail.name)
        .unwrap()
        .iter()
        .map(|e| e.prefix)
        .collect();
    found.sort_unstable();
    found.iter().map(ToString::to_string).collect()
}

/// The seconds left of a prefix, rounded to the nearest; `None` for ever.
fn left(nft: &mut Nft, jail: &Jail, text: &str) -> Option<u64> {
    let elements = nft.elements(TABLE, &jail.name).unwrap();
    let found = elements.iter().find(|e| e.prefix == prefix(text)).unwrap();
    found.timeout.map(|t| (t.as_millis() as u64 + 500) / 1000)
}
