//! The machine's own addresses and the gateways that it talks through.

#![expect(
    unsafe_code,
    reason = "getifaddrs hands out a linked list of C structures"
)]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// The addresses of all interfaces, loopback and link-local ones included, sorted. Empty if the system does not
/// say.
pub fn own_addresses() -> Vec<IpAddr> {
    let mut list: *mut libc::ifaddrs = ptr::null_mut();
    // SAFETY: getifaddrs writes a pointer to a list that it allocates.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Vec::new();
    }
    let mut addresses = Vec::new();
    let mut entry = list;
    while !entry.is_null() {
        // SAFETY: `entry` is a member of the list, which lives until freeifaddrs below.
        let (address, next) = unsafe { ((*entry).ifa_addr, (*entry).ifa_next) };
        // SAFETY: `ifa_addr` is null or points to a socket address of the family that it names, in that list.
        addresses.extend(unsafe { ip_of(address) });
        entry = next;
    }
    // SAFETY: the list is the one that getifaddrs made, and nothing refers to it any more.
    unsafe { libc::freeifaddrs(list) };
    addresses.sort();
    addresses.dedup();
    addresses
}

/// # Safety
/// `address` is null or points to a valid socket address.
unsafe fn ip_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: not null, so valid by the caller's promise; the family says which structure it is.
    unsafe {
        match i32::from((*address).sa_family) {
            libc::AF_INET => {
                let v4 = ptr::read_unaligned(address.cast::<libc::sockaddr_in>());
                Some(Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes()).into())
            }
            libc::AF_INET6 => {
                let v6 = ptr::read_unaligned(address.cast::<libc::sockaddr_in6>());
                Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

/// True if the kernel speaks IPv6: it is not switched off, or some interface has such an address.
pub fn has_ipv6() -> bool {
    let switch = fs::read_to_string("/proc/sys/net/ipv6/conf/all/disable_ipv6");
    match switch.as_deref().map(str::trim) {
        Ok("0") => true,
        _ => own_addresses().iter().any(IpAddr::is_ipv6),
    }
}

/// The gateways of default routes, IPv4 first. Empty without one, or where the kernel does not tell.
pub fn default_gateways() -> Vec<IpAddr> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let v4 = gateways_v4(&read("/proc/net/route"));
    let v6 = gateways_v6(&read("/proc/net/ipv6_route"));
    v4.into_iter()
        .map(IpAddr::V4)
        .chain(v6.into_iter().map(IpAddr::V6))
        .collect()
}

/// `/proc/net/route`: interface, destination, gateway, flags, …; addresses as hexadecimal of the machine's order.
fn gateways_v4(table: &str) -> Vec<Ipv4Addr> {
    let gateway = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let hex = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
        (hex(1)? == 0 && hex(2)? != 0 && hex(7)? == 0)
            .then_some(Ipv4Addr::from(hex(2)?.to_ne_bytes()))
    };
    table.lines().skip(1).filter_map(gateway).collect()
}

/// `/proc/net/ipv6_route`: destination, its length, source, its length, next hop, …; addresses as 32 digits.
fn gateways_v6(table: &str) -> Vec<Ipv6Addr> {
    let gateway = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let hex = |at: usize| u128::from_str_radix(fields.get(at)?, 16).ok();
        (hex(0)? == 0 && hex(1)? == 0 && hex(4)? != 0).then_some(Ipv6Addr::from_bits(hex(4)?))
    };
    table.lines().filter_map(gateway).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_among_the_own_addresses() {
        assert!(own_addresses().iter().any(IpAddr::is_loopback));
    }

    #[test]
    fn default_routes_are_read_from_the_kernels_tables() {
        let v4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let expected = if cfg!(target_endian = "little") {
            "192.0.2.1"
        } else {
            "1.2.0.192"
        };
        assert_eq!(gateways_v4(v4), [expected.parse::<Ipv4Addr>().unwrap()]);
        let v6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
            20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n\
            00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
        assert_eq!(gateways_v6(v6), ["fe80::1".parse::<Ipv6Addr>().unwrap()]);
        assert_eq!(gateways_v4("garbage\nx\n"), Vec::<Ipv4Addr>::new());
        assert_eq!(gateways_v6("garbage\n"), Vec::<Ipv6Addr>::new());
    }
}
