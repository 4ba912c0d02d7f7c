//! Elements of the sets, to and from bytes.

use super::super::message::{Attributes, Builder};
use base::{Family, Prefix};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Into which of a jail's sets a prefix goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetKind {
    /// Single IPv4 addresses.
    Host4,
    /// Single IPv6 addresses.
    Host6,
    /// IPv6 networks of length 64.
    Slash64,
    /// IPv4 networks.
    Net4,
    /// All other IPv6 networks.
    Net6,
}

impl SetKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Host4,
        Self::Host6,
        Self::Slash64,
        Self::Net4,
        Self::Net6,
    ];

    /// The only set for `prefix`.
    pub fn of(prefix: &Prefix) -> Self {
        match (prefix.family(), prefix.is_host(), prefix.length()) {
            (Family::Inet4, true, _) => Self::Host4,
            (Family::Inet4, false, _) => Self::Net4,
            (Family::Inet6, true, _) => Self::Host6,
            (Family::Inet6, false, 64) => Self::Slash64,
            (Family::Inet6, false, _) => Self::Net6,
        }
    }

    /// True if members must not overlap.
    pub fn is_interval(self) -> bool {
        matches!(self, Self::Net4 | Self::Net6)
    }

    /// The family of the members.
    pub fn family(self) -> Family {
        match self {
            Self::Host4 | Self::Net4 => Family::Inet4,
            Self::Host6 | Self::Slash64 | Self::Net6 => Family::Inet6,
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Host4 => "host4",
            Self::Host6 => "host6",
            Self::Slash64 => "slash64",
            Self::Net4 => "net4",
            Self::Net6 => "net6",
        }
    }
}

/// A banned prefix and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What is banned.
    pub prefix: Prefix,
    /// The time that is left; `None` is for ever. The kernel counts milliseconds, so parts of one count as one.
    pub timeout: Option<Duration>,
}

/// The kernel takes no more milliseconds than fit 64 bits of nanoseconds, which is 584 years.
const LONGEST: u64 = u64::MAX / 1_000_000 - 1;
const KEY: u16 = 1;
const FLAGS: u16 = 3;
const TIMEOUT: u16 = 4;
const EXPIRATION: u16 = 5;
const LIST_ELEMENT: u16 = 1;
const DATA_VALUE: u16 = 1;
const INTERVAL_END: u32 = 1;

/// The most bytes that [`push`] appends: two keys of 16 bytes, their headers, flags and a time-out.
pub(super) const MOST_BYTES: usize = 2 * (4 + 4 + 4 + 16) + 8 + 12;

/// Appends a prefix as the element or, in an interval set, the pair of elements that stand for it.
pub(super) fn push(builder: &mut Builder, prefix: &Prefix, timeout: Option<Duration>) {
    builder.nest(LIST_ELEMENT, |b| {
        key(b, prefix.address());
        if let Some(left) = timeout {
            b.be64(TIMEOUT, milliseconds(left));
        }
    });
    if SetKind::of(prefix).is_interval()
        && let Some(end) = next(prefix.last_address())
    {
        // No end says: up to the last address there is.
        builder.nest(LIST_ELEMENT, |b| {
            key(b, end);
            b.be32(FLAGS, INTERVAL_END);
        });
    }
}

/// Appends the element that a prefix begins with, to ask for it.
pub(super) fn push_key(builder: &mut Builder, prefix: &Prefix) {
    builder.nest(LIST_ELEMENT, |b| key(b, prefix.address()));
}

fn key(builder: &mut Builder, address: IpAddr) {
    builder.nest(KEY, |b| match address {
        IpAddr::V4(a) => b.bytes(DATA_VALUE, &a.octets()),
        IpAddr::V6(a) => b.bytes(DATA_VALUE, &a.octets()),
    });
}

/// Whole milliseconds, rounded up and never 0, which would say for ever.
fn milliseconds(left: Duration) -> u64 {
    let whole = left.as_micros().div_ceil(1000).max(1);
    u64::try_from(whole).unwrap_or(LONGEST).min(LONGEST)
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(a) => a
            .to_bits()
            .checked_add(1)
            .map(Ipv4Addr::from_bits)
            .map(IpAddr::V4),
        IpAddr::V6(a) => a
            .to_bits()
            .checked_add(1)
            .map(Ipv6Addr::from_bits)
            .map(IpAddr::V6),
    }
}

/// One element as the kernel lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    key: IpAddr,
    /// Before `false` in order: an interval ends where its neighbour begins.
    begins: bool,
    left: Option<Duration>,
}

impl Listed {
    /// True if this is what `prefix` begins with.
    pub(super) fn is_at(&self, prefix: &Prefix) -> bool {
        self.begins && self.key == prefix.address()
    }

    /// True if these are not twice the same, whatever time they have left.
    pub(super) fn differ(&self, other: &Self) -> bool {
        (self.key, self.begins) != (other.key, other.begins)
    }
}

/// Reads the value of one list element.
pub(super) fn parse(family: Family, value: &[u8]) -> Option<Listed> {
    let element = Attributes::of(value);
    let key = element.nested(KEY).find(DATA_VALUE)?;
    let key = match family {
        Family::Inet4 => IpAddr::from(<[u8; 4]>::try_from(key).ok()?),
        Family::Inet6 => IpAddr::from(<[u8; 16]>::try_from(key).ok()?),
    };
    let left = element.be64(EXPIRATION).or(element.be64(TIMEOUT));
    Some(Listed {
        key,
        begins: element.be32(FLAGS).unwrap_or(0) & INTERVAL_END == 0,
        left: left.filter(|ms| *ms > 0).map(Duration::from_millis),
    })
}

/// Puts what was listed of one set, and then sorted, together again.
pub(super) fn assemble(kind: SetKind, listed: &[Listed]) -> Vec<Element> {
    if !kind.is_interval() {
        let length = if kind == SetKind::Slash64 {
            64
        } else {
            kind.family().bits()
        };
        return listed
            .iter()
            .filter_map(|l| Some((Prefix::new(l.key, length)?, l.left)))
            .map(|(prefix, timeout)| Element { prefix, timeout })
            .collect();
    }
    let mut found = Vec::with_capacity(listed.len() / 2);
    for (index, begin) in listed.iter().enumerate().filter(|(_, l)| l.begins) {
        // An end whose beginning has expired already may still be listed; it begins nothing.
        let end = listed.get(index + 1).map(|l| l.key);
        for prefix in cover(begin.key, end) {
            found.push(Element {
                prefix,
                timeout: begin.left,
            });
        }
    }
    found
}

/// The prefixes that make up the addresses from `first` to before `end` (`None`: to the last there is). What we
/// wrote is one; what somebody else wrote may be more.
fn cover(first: IpAddr, end: Option<IpAddr>) -> Vec<Prefix> {
    let mut found = Vec::new();
    let mut at = Some(first);
    while let Some(address) = at.filter(|a| end.is_none_or(|e| *a < e)) {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let widest = (0..=bits).find_map(|length| {
            let prefix = Prefix::new(address, length)?;
            let fits = end.is_none_or(|e| prefix.last_address() < e);
            (prefix.address() == address && fits).then_some(prefix)
        });
        let Some(prefix) = widest else {
            break;
        };
        at = next(prefix.last_address());
        found.push(prefix);
    }
    found
}

#[cfg(test)]
mod tests;
