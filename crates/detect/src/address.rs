//! Whom a match is about: an address, a network, a host name, or any other text.
//!
//! Text that looks like an address and is none (`999.1.1.1`, `192.030.0.6`) is an id like any other text, as in
//! fail2ban; whether such an id may ever be banned is not decided here. Nothing is looked up.

use base::{FailureId, Prefix};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::UseDns;
use crate::captures::{Captures, Name};

/// Whom a match is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Known {
        id: FailureId,
        address: Option<Prefix>,
    },
    /// A name that has to be resolved first.
    Host(String),
    /// A host name, which `usedns = no` does not take.
    Refused,
    /// The line says nothing about it; its session may.
    Unknown,
}

/// Reads the id groups: `fid` goes before `ip4`, `ip6` and `dns`, but not over the address.
pub(crate) fn subject(captures: &Captures, usedns: UseDns) -> Subject {
    let fid = captures.get(Name::FID);
    let Some(host) = host(captures, usedns) else {
        return match fid {
            Some(fid) => Subject::Known {
                id: free_id(fid, usedns),
                address: None,
            },
            None => Subject::Unknown,
        };
    };
    let Some(fid) = fid.filter(|&fid| fid != host.text()) else {
        return host.into_subject();
    };
    let address = match host {
        Host::Address(address, _) => Some(address),
        Host::Raw(_) | Host::Name(_) | Host::Refused(_) => None,
    };
    Subject::Known {
        id: free_id(fid, usedns),
        address,
    }
}

/// True if captures say whom they are about.
pub(crate) fn names_subject(captures: &Captures) -> bool {
    [Name::FID, Name::IP4, Name::IP6, Name::DNS]
        .iter()
        .any(|name| captures.get(*name).is_some())
}

/// An id that is not taken as an address from the start; it is one all the same if it reads as one.
fn free_id(text: &str, usedns: UseDns) -> FailureId {
    let prefix = if usedns == UseDns::Raw {
        None
    } else {
        text.parse().ok()
    };
    prefix.map_or_else(|| FailureId::Raw(text.into()), FailureId::Prefix)
}

enum Host<'a> {
    Address(Prefix, &'a str),
    Raw(&'a str),
    Name(&'a str),
    Refused(&'a str),
}

impl Host<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Address(_, text) | Self::Raw(text) | Self::Name(text) | Self::Refused(text) => {
                text
            }
        }
    }

    fn into_subject(self) -> Subject {
        match self {
            Self::Address(prefix, _) => Subject::Known {
                id: FailureId::Prefix(prefix),
                address: Some(prefix),
            },
            Self::Raw(text) => Subject::Known {
                id: FailureId::Raw(text.into()),
                address: None,
            },
            Self::Name(text) => Subject::Host(text.to_owned()),
            Self::Refused(_) => Subject::Refused,
        }
    }
}

fn host<'a>(captures: &'a Captures, usedns: UseDns) -> Option<Host<'a>> {
    let cidr = captures.get(Name::CIDR).filter(|text| !text.is_empty());
    if let Some(text) = captures.get(Name::IP4) {
        return Some(literal(text, ipv4(text).map(IpAddr::V4), cidr));
    }
    if let Some(text) = captures.get(Name::IP6) {
        return Some(literal(
            text,
            text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            cidr,
        ));
    }
    let name = captures.get(Name::DNS)?;
    if usedns == UseDns::Raw {
        return Some(Host::Raw(name));
    }
    Some(match (name.parse::<Prefix>(), usedns) {
        (Ok(prefix), _) => Host::Address(prefix, name),
        (Err(_), UseDns::No) => Host::Refused(name),
        (Err(_), UseDns::Yes | UseDns::Warn | UseDns::Raw) => Host::Name(name),
    })
}

/// What `parse` makes of it, at a quarter of the price: nearly every failure has one.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let (mut octets, mut rest) = ([0; 4], text.as_bytes());
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let mut value = 0;
        let mut digits = 0;
        while let [digit @ b'0'..=b'9', behind @ ..] = rest {
            value = 10 * value + u32::from(digit - b'0');
            digits += 1;
            rest = behind;
            // A zero in front makes it octal elsewhere: it is no number.
            if digits == 3 || value == 0 {
                break;
            }
        }
        *octet = u8::try_from(value).ok().filter(|_| digits > 0)?;
    }
    rest.is_empty().then(|| octets.into())
}

/// A captured address; one that does not parse, or with an impossible prefix length, is a mere text.
fn literal<'a>(text: &'a str, address: Option<IpAddr>, cidr: Option<&str>) -> Host<'a> {
    let prefix = address.and_then(|address| match cidr {
        None => Some(Prefix::host(address)),
        Some(length) => Prefix::new(address, length.parse().ok()?),
    });
    prefix.map_or(Host::Raw(text), |prefix| Host::Address(prefix, text))
}

#[cfg(test)]
mod tests;
