//! The name of an address, as the system's resolver knows it, and this machine's own.

#![expect(unsafe_code, reason = "the resolver has a C interface")]

use std::ffi::CStr;
use std::net::{IpAddr, ToSocketAddrs};
use std::ptr;

/// Bytes of the longest name, with its end.
const LONGEST: usize = 1025;

/// The host name of an address; none if nobody knows one. Waits for the answer.
pub fn host_of(address: IpAddr) -> Option<String> {
    let mut name = [0 as libc::c_char; LONGEST];
    let (v4, v6);
    let (pointer, length): (*const libc::sockaddr, usize) = match address {
        IpAddr::V4(address) => {
            v4 = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: 0,
                sin_addr: libc::in_addr {
                    s_addr: u32::from_ne_bytes(address.octets()),
                },
                sin_zero: [0; 8],
            };
            ((&raw const v4).cast(), size_of_val(&v4))
        }
        IpAddr::V6(address) => {
            v6 = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr {
                    s6_addr: address.octets(),
                },
                sin6_scope_id: 0,
            };
            ((&raw const v6).cast(), size_of_val(&v6))
        }
    };
    // SAFETY: the address is a whole socket address of the given length, and the buffer is written to within its own.
    let answer = unsafe {
        libc::getnameinfo(
            pointer,
            length as libc::socklen_t,
            name.as_mut_ptr(),
            LONGEST as libc::socklen_t,
            ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if answer != 0 {
        return None;
    }
    // SAFETY: on success the buffer holds a C string.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    Some(name.to_string_lossy().into_owned())
}

/// This machine's short name.
pub fn own_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// This machine's full name; the short one where the resolver knows none. Waits for the resolver.
pub fn full_name() -> String {
    let short = own_name();
    let known = (short.as_str(), 0).to_socket_addrs().into_iter().flatten();
    let mut full = known.filter_map(|address| host_of(address.ip()));
    full.find(|name| name.contains('.')).unwrap_or(short)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_machine_has_names() {
        assert!(!super::own_name().is_empty() && !super::full_name().is_empty());
    }

    #[test]
    fn loopback_has_a_name_or_none_and_nobody_is_asked() {
        // Both are what /etc/hosts says.
        for address in ["127.0.0.1", "::1"] {
            let name = super::host_of(address.parse().unwrap());
            assert!(name.is_none_or(|name| !name.is_empty()), "{address}");
        }
    }
}
