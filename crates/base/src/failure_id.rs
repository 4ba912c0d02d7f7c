//! Whom a failure is counted for, and whom a ban is of: an address, a network, or any other text.

use crate::Prefix;
use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Whom a failure is counted for. In their order addresses and networks come before other texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureId {
    /// An address or a network.
    Prefix(Prefix),
    /// Any other text: a user name, a session, or what merely looks like an address (`999.1.1.1`).
    Raw(Box<str>),
}

impl FailureId {
    /// The first one of all in their order.
    pub const FIRST: Self = Self::Prefix(Prefix::FIRST);

    /// The id of an address or a network.
    pub const fn of(prefix: Prefix) -> Self {
        Self::Prefix(prefix)
    }

    /// The id of a single address.
    pub fn host(address: IpAddr) -> Self {
        Self::of(Prefix::host(address))
    }

    /// The address or the network, if it is one.
    pub fn prefix(&self) -> Option<Prefix> {
        match self {
            Self::Prefix(prefix) => Some(*prefix),
            Self::Raw(_) => None,
        }
    }

    /// True for a network of more than one address.
    pub fn is_network(&self) -> bool {
        self.prefix().is_some_and(|prefix| !prefix.is_host())
    }

    /// True if `other` is the same or, in a network, lies inside.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(prefix), Self::Prefix(other)) => prefix.contains(other),
            _ => self == other,
        }
    }

    /// True for a text that was meant as an address and is none: `999.1.1.1`, `192.030.0.6`, `1::2::3`.
    pub fn is_malformed_address(&self) -> bool {
        match self {
            Self::Prefix(_) => false,
            Self::Raw(text) => looks_like_address(text),
        }
    }
}

/// True for a text that was meant as an address. Never called with a good one.
fn looks_like_address(text: &str) -> bool {
    let text = text.trim_matches(['[', ']']);
    let text = text.split_once('/').map_or(text, |(address, _)| address);
    let only = |set: &dyn Fn(char) -> bool| !text.is_empty() && text.chars().all(set);
    let dots = text.matches('.').count();
    let colons = text.matches(':').count();
    (dots == 3 && only(&|c| c.is_ascii_digit() || c == '.'))
        || (colons >= 2 && only(&|c| c.is_ascii_hexdigit() || c == ':' || c == '.'))
}

/// What reads as an address or a network is one; every other text is an id, too.
impl FromStr for FailureId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.parse() {
            Ok(prefix) => Self::Prefix(prefix),
            Err(_) => Self::Raw(text.into()),
        })
    }
}

impl From<&str> for FailureId {
    fn from(text: &str) -> Self {
        text.parse().unwrap_or_else(|never| match never {})
    }
}

impl fmt::Display for FailureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Raw(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for FailureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Raw(text) => fmt::Debug::fmt(text, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_an_address_if_it_reads_as_one() {
        let check = |text: &str, network: bool, malformed: bool| {
            let id = FailureId::from(text);
            let got = (id.is_network(), id.is_malformed_address());
            assert_eq!(got, (network, malformed), "{text}");
        };
        check("192.0.2.1", false, false);
        check("192.0.2.0/24", true, false);
        check("[2001:db8::1]", false, false);
        check("mallory", false, false);
        check("a:b", false, false);
        check("10.0.0.0/33", false, true);
        check("999.1.1.1", false, true);
        check("192.030.0.6", false, true);
        check("1::2::3", false, true);
        check("", false, false);
        let text = FailureId::from("::ffff:192.0.2.1").to_string();
        assert_eq!(text, "192.0.2.1");
    }

    #[test]
    fn only_networks_hold_others() {
        let holds = |one: &str, other: &str| FailureId::from(one).contains(&other.into());
        assert!(holds("192.0.2.0/24", "192.0.2.7"));
        assert!(holds("mallory", "mallory"));
        assert!(!holds("mallory", "mallory2"));
        assert!(!holds("0.0.0.0/0", "mallory"));
        assert!(!holds("mallory", "192.0.2.7"));
        assert!(FailureId::from("ffff::") < FailureId::from("0"));
    }
}
