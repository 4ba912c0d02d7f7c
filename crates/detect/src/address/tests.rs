//! Whom a match is about: addresses, networks, names, other ids.

use super::*;

fn check(captures: &[(&str, &str)], usedns: UseDns, expected: &str) {
    let captures: Captures = captures.iter().copied().collect();
    let got = match subject(&captures, usedns) {
        Subject::Known {
            id: FailureId::Prefix(id),
            address,
        } => format!("prefix {id} {address:?}"),
        Subject::Known {
            id: FailureId::Raw(id),
            address,
        } => format!("raw {id} {address:?}"),
        Subject::Host(name) => format!("host {name}"),
        Subject::Refused => "refused".to_owned(),
        Subject::Unknown => "unknown".to_owned(),
    };
    assert_eq!(got, expected, "{captures:?}");
}

#[test]
fn addresses_and_networks() {
    check(
        &[("ip4", "1.2.3.4")],
        UseDns::No,
        "prefix 1.2.3.4 Some(1.2.3.4)",
    );
    check(
        &[("ip4", "10.9.8.7"), ("cidr", "24")],
        UseDns::No,
        "prefix 10.9.8.0/24 Some(10.9.8.0/24)",
    );
    check(
        &[("ip6", "2001:DB8::0:1")],
        UseDns::Raw,
        "prefix 2001:db8::1 Some(2001:db8::1)",
    );
    check(
        &[("ip6", "::ffff:102:304")],
        UseDns::Yes,
        "prefix 1.2.3.4 Some(1.2.3.4)",
    );
    check(
        &[("ip4", "1.2.3.4"), ("ip6", "::1"), ("dns", "a")],
        UseDns::Yes,
        "prefix 1.2.3.4 Some(1.2.3.4)",
    );
}

#[test]
fn what_only_looks_like_an_address_is_a_text() {
    check(&[("ip4", "999.1.1.1")], UseDns::Warn, "raw 999.1.1.1 None");
    check(
        &[("ip4", "192.030.0.6")],
        UseDns::Warn,
        "raw 192.030.0.6 None",
    );
    check(
        &[("ip4", "1.2.3.4"), ("cidr", "99")],
        UseDns::Warn,
        "raw 1.2.3.4 None",
    );
    check(&[("ip6", "1:2:3")], UseDns::Warn, "raw 1:2:3 None");
}

#[test]
fn names_follow_usedns() {
    check(&[("dns", "example.com")], UseDns::Yes, "host example.com");
    check(&[("dns", "example.com")], UseDns::Warn, "host example.com");
    check(&[("dns", "example.com")], UseDns::No, "refused");
    check(
        &[("dns", "example.com")],
        UseDns::Raw,
        "raw example.com None",
    );
    check(
        &[("dns", "1.2.3.4")],
        UseDns::No,
        "prefix 1.2.3.4 Some(1.2.3.4)",
    );
    check(&[("dns", "1.2.3.4")], UseDns::Raw, "raw 1.2.3.4 None");
}

#[test]
fn an_id_goes_before_the_address() {
    check(
        &[("fid", "SAME"), ("ip6", "2001:db8::1")],
        UseDns::Warn,
        "raw SAME Some(2001:db8::1)",
    );
    check(
        &[("fid", "1.2.3.4"), ("ip4", "1.2.3.4")],
        UseDns::Warn,
        "prefix 1.2.3.4 Some(1.2.3.4)",
    );
    check(&[("fid", "1.2.3.4")], UseDns::Warn, "prefix 1.2.3.4 None");
    check(&[("fid", "1.2.3.4")], UseDns::Raw, "raw 1.2.3.4 None");
    check(&[("fid", "bob")], UseDns::No, "raw bob None");
    check(&[("mlfid", "x")], UseDns::No, "unknown");
}

proptest::proptest! {
    #[test]
    fn ipv4_is_what_parse_makes_of_it(text in "(0|00|1|9|10|25[0-9]|256|999|007|[0-9]{0,4})([.]|[.]{2}|,)?(0|[0-9]{1,3})[.]([0-9]{1,3})[.](0|[0-9]{1,4})[ .]?") {
        proptest::prop_assert_eq!(ipv4(&text), text.parse().ok());
    }

    #[test]
    fn ipv4_is_read_as_it_is_written(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        proptest::prop_assert_eq!(ipv4(&address.to_string()), Some(address));
    }
}
