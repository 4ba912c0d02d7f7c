//! Addresses and prefixes in one canonical form.
//!
//! An IPv4-mapped IPv6 address is the IPv4 address: a dual-stack socket logs the one for the other.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The two families that a firewall rule can be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4, 32 bits.
    Inet4,
    /// IPv6, 128 bits.
    Inet6,
}

impl Family {
    /// The length of a single address in bits: 32 or 128.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Inet4 => 32,
            Self::Inet6 => 128,
        }
    }
}

/// `::ffff:a.b.c.d` becomes `a.b.c.d`; everything else stays.
pub fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// A network or a single address: host bits are always zero, IPv4-mapped addresses are IPv4.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// The first one of all in their order: all of IPv4.
    pub const FIRST: Self = Self {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        length: 0,
    };
}

/// IPv4 before IPv6, then by address and by length. Trees of bans ask for it often, so it compares numbers.
impl Ord for Prefix {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_address = match (self.address, other.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => a.to_bits().cmp(&b.to_bits()),
            (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits().cmp(&b.to_bits()),
            (a, b) => return family_of(a).cmp(&family_of(b)),
        };
        by_address.then(self.length.cmp(&other.length))
    }
}

impl PartialOrd for Prefix {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Prefix {
    /// A single address.
    pub fn host(address: IpAddr) -> Self {
        let address = canonical(address);
        Self {
            address,
            length: family_of(address).bits(),
        }
    }

    /// A network; host bits are cleared. `None` if `length` is over the family's bits. A prefix of
    /// IPv4-mapped addresses (`::ffff:0:0/96` and longer) becomes IPv4.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        if length > family_of(address).bits() {
            return None;
        }
        match (address, canonical(address)) {
            (IpAddr::V6(_), v4 @ IpAddr::V4(_)) if length >= 96 => Some(Self {
                address: mask(v4, length - 96),
                length: length - 96,
            }),
            _ => Some(Self {
                address: mask(address, length),
                length,
            }),
        }
    }

    /// The network address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The number of leading bits that count: 0 to 32 or 128.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// The family of the address.
    pub fn family(&self) -> Family {
        family_of(self.address)
    }

    /// True for a single address.
    pub fn is_host(&self) -> bool {
        self.length == self.family().bits()
    }

    /// True if `other` lies inside or is equal.
    pub fn contains(&self, other: &Self) -> bool {
        self.family() == other.family()
            && self.length <= other.length
            && mask(other.address, self.length) == self.address
    }

    /// True if the address lies inside.
    pub fn covers(&self, address: IpAddr) -> bool {
        self.contains(&Self::host(address))
    }

    /// The prefix of `length` bits around this one; itself if it is already as wide.
    #[must_use]
    pub fn widened(&self, length: u8) -> Self {
        if length >= self.length {
            return *self;
        }
        Self {
            address: mask(self.address, length),
            length,
        }
    }

    /// The last address inside.
    pub fn last_address(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(a) => {
                let host = u32::MAX.checked_shr(self.length.into()).unwrap_or(0);
                Ipv4Addr::from_bits(a.to_bits() | host).into()
            }
            IpAddr::V6(a) => {
                let host = u128::MAX.checked_shr(self.length.into()).unwrap_or(0);
                Ipv6Addr::from_bits(a.to_bits() | host).into()
            }
        }
    }
}

fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Inet4,
        IpAddr::V6(_) => Family::Inet6,
    }
}

fn mask(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(a) => {
            let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
            Ipv4Addr::from_bits(a.to_bits() & !host).into()
        }
        IpAddr::V6(a) => {
            let host = u128::MAX.checked_shr(length.into()).unwrap_or(0);
            Ipv6Addr::from_bits(a.to_bits() & !host).into()
        }
    }
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// The part before `/` is no address.
    Address,
    /// The part after `/` is no length and no contiguous mask of the family.
    Length,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "not an IP address",
            Self::Length => "not a prefix length or contiguous network mask",
        })
    }
}

impl std::error::Error for PrefixError {}

/// `ADDRESS`, `[ADDRESS]`, `ADDRESS/LENGTH` or `ADDRESS/MASK`, as fail2ban's `ignoreip` takes them.
impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let bare = address
            .strip_prefix('[')
            .and_then(|a| a.strip_suffix(']'))
            .unwrap_or(address);
        let address: IpAddr = bare.parse().map_err(|_| PrefixError::Address)?;
        let Some(length) = length else {
            return Ok(Self::host(address));
        };
        let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
        let length = if digits {
            length.parse().map_err(|_| PrefixError::Length)?
        } else {
            mask_length(length.parse().map_err(|_| PrefixError::Length)?)
                .ok_or(PrefixError::Length)?
        };
        Self::new(address, length).ok_or(PrefixError::Length)
    }
}

/// The length of a contiguous mask such as `255.255.0.0` or `ffff::`.
fn mask_length(mask: IpAddr) -> Option<u8> {
    let (ones, rest) = match mask {
        IpAddr::V4(m) => (
            m.to_bits().leading_ones(),
            m.to_bits().checked_shl(m.to_bits().leading_ones()),
        ),
        IpAddr::V6(m) => {
            let bits = m.to_bits();
            let rest = bits.checked_shl(bits.leading_ones());
            (bits.leading_ones(), rest.map(|r| u32::from(r != 0)))
        }
    };
    (rest.unwrap_or(0) == 0).then_some(ones as u8)
}

/// Canonical text; a single address without its length.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, old_compatible(self.address)) {
            (_, Some(inner)) => write!(f, "::{inner}")?,
            (address, None) => write!(f, "{address}")?,
        }
        if self.is_host() {
            return Ok(());
        }
        write!(f, "/{}", self.length)
    }
}

/// The IPv4 address at the end of an IPv6 one that is zero before it (`::255.255.0.1`): the C library, and with it
/// fail2ban and its database, writes such an address with dots.
fn old_compatible(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    let low = u32::try_from(address.to_bits()).ok()?;
    (low > 0xffff).then(|| Ipv4Addr::from_bits(low))
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        let got = input
            .parse::<Prefix>()
            .map_or_else(|e| format!("{e:?}"), |p| p.to_string());
        assert_eq!(got, expected, "{input}");
    }

    #[test]
    fn reads_addresses_networks_and_masks() {
        check("1.2.3.4", "1.2.3.4");
        check("::ffff:1", "::255.255.0.1");
        check("::1", "::1");
        check("::ffff", "::ffff");
        check("::1:0:0", "::1:0:0");
        check("1.2.3.4/24", "1.2.3.0/24");
        check("1.2.3.4/255.255.0.0", "1.2.0.0/16");
        check("1.2.3.4/255.0.255.0", "Length");
        check("[2001:DB8::1]", "2001:db8::1");
        check("2001:db8::1/ffff:ffff::", "2001:db8::/32");
        check("2001:db8::1/128", "2001:db8::1");
        check("::ffff:1.2.3.4", "1.2.3.4");
        check("::ffff:1.2.3.4/120", "1.2.3.0/24");
        check("0.0.0.0/0", "0.0.0.0/0");
        check("1.2.3.4/33", "Length");
        check("1.2.3.4/", "Length");
        check("999.1.1.1", "Address");
        check("192.030.0.6", "Address");
        check("", "Address");
    }

    #[test]
    fn is_in_the_order_of_address_and_length() {
        let texts = [
            "0.0.0.0/0",
            "0.0.0.1",
            "9.0.0.0/8",
            "9.0.0.0",
            "10.0.0.0/8",
            "255.1.2.3",
            "::/0",
            "::1",
            "::2",
            "1::/16",
            "2001:db8::/32",
            "2001:db8::/64",
            "2001:db8::",
            "ffff::1",
        ];
        let all: Vec<Prefix> = texts.iter().map(|text| text.parse().unwrap()).collect();
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            let plain = (a.address, a.length).cmp(&(b.address, b.length));
            assert_eq!(a.cmp(b), plain, "{a} {b}");
        }
        assert!(all.is_sorted());
    }

    #[test]
    fn knows_inside_and_outside() {
        let net: Prefix = "10.0.0.0/8".parse().unwrap();
        assert!(net.covers("10.255.0.1".parse().unwrap()));
        assert!(net.covers("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!net.covers("11.0.0.1".parse().unwrap()));
        assert!(!net.contains(&"0.0.0.0/0".parse().unwrap()));
        assert_eq!(net.last_address().to_string(), "10.255.255.255");
        assert_eq!(
            Prefix::host("2001:db8:1::5".parse().unwrap())
                .widened(64)
                .to_string(),
            "2001:db8:1::/64"
        );
    }
}
