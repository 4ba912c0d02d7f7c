//! Names of chains and sets: made from a jail's name, the same in every run, printable by `nft`.

use super::SetKind;
use base::JailName;
use std::fmt::Write as _;

/// nf_tables allows 255 bytes; what we put before the jail's name is shorter than the rest.
const LIMIT: usize = 200;

/// The chain of a jail.
pub fn chain_name(jail: &JailName) -> String {
    format!("jail-{}", escaped(jail.as_str()))
}

/// The set of a jail for one kind of element.
pub fn set_name(kind: SetKind, jail: &JailName) -> String {
    format!("{}-{}", kind.label(), escaped(jail.as_str()))
}

/// Letters, digits, `-`, `_` and `.` as they are, every other byte as `/xx`: `nft` reads that back as a name. Different
/// jails get different names; where the text is too long, a hash of the whole keeps them apart.
fn escaped(jail: &str) -> String {
    let mut name = String::with_capacity(jail.len());
    for byte in jail.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(byte.into()),
            // Writing to a string cannot fail.
            _ => write!(name, "/{byte:02x}").unwrap_or_default(),
        }
    }
    if name.len() > LIMIT {
        name.truncate(LIMIT - 18);
        write!(name, "//{:016x}", fnv1a(jail.as_bytes())).unwrap_or_default();
    }
    name
}

/// FNV-1a: names must be the same in every version, which the standard library's hasher does not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_plain_names_and_escapes_the_rest() {
        let check = |jail: &str, expected: &str| {
            assert_eq!(chain_name(&JailName::new(jail)), expected);
        };
        check("sshd", "jail-sshd");
        check("nginx-http_auth.2", "jail-nginx-http_auth.2");
        check("a b", "jail-a/20b");
        check("a/20b", "jail-a/2f20b");
        check("%d", "jail-/25d");
        check("ü", "jail-/c3/bc");
        let long = "x".repeat(300);
        let name = set_name(SetKind::Slash64, &JailName::new(&long));
        assert!(
            name.len() < 256 && name.starts_with("slash64-xxx"),
            "{name}"
        );
        assert_ne!(
            name,
            set_name(SetKind::Slash64, &JailName::new(&"x".repeat(301)))
        );
    }

    proptest! {
        #[test]
        fn different_jails_never_share_a_name(a in "[a/ 2%]{0,4}", b in "[a/ 2%]{0,4}") {
            prop_assert_eq!(a == b, escaped(&a) == escaped(&b));
        }

        #[test]
        fn names_are_what_nft_reads(jail in "\\PC{0,400}") {
            for kind in SetKind::ALL {
                let name = set_name(kind, &JailName::new(&jail));
                prop_assert!(name.len() < 256);
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)));
                prop_assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()));
            }
        }
    }
}
