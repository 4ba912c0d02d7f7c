//! Which entry of a list is the source.

use super::*;

fn id(text: &str) -> FailureId {
    match text.parse() {
        Ok(prefix) => FailureId::Prefix(prefix),
        Err(_) => FailureId::Raw(text.into()),
    }
}

/// Entries as `SOURCE ID`, in order.
fn check(entries: &[&str], asked: &str, expected: Option<&str>) {
    let mut list = IgnoreList::default();
    for entry in entries {
        let (source, text) = entry.split_once(' ').unwrap();
        let source = match source.split_at_checked(5) {
            Some(("file:", path)) => IgnoreSource::File(path.into()),
            _ if source == "ip" => IgnoreSource::Ip,
            _ => IgnoreSource::Dns(source.into()),
        };
        list.push(source, id(text));
    }
    let found = list.find(&id(asked)).map(ToString::to_string);
    assert_eq!(found.as_deref(), expected, "{asked} in {entries:?}");
}

#[test]
fn the_first_entry_that_holds_it_is_the_source() {
    let name = ["host.example 192.0.2.1", "ip 192.0.2.0/24"];
    check(&name, "192.0.2.1", Some("dns"));
    check(&name, "192.0.2.2", Some("ip"));
    check(&name, "192.0.3.1", None);
    let file = [
        "file:/a 192.0.2.0/24",
        "file:/b 192.0.2.0/25",
        "file:/a root",
    ];
    check(&file, "192.0.2.1", Some("file:/a"));
    check(&file, "192.0.2.0/25", Some("file:/a"));
    check(&file, "192.0.2.0/23", None);
    check(&file, "root", Some("file:/a"));
    check(&file, "toor", None);
}

#[test]
fn single_addresses_come_before_everything_else() {
    check(
        &["host.example 192.0.2.1", "ip 192.0.2.1"],
        "192.0.2.1",
        Some("ip"),
    );
    check(&["ip root", "file:/a root"], "root", Some("ip"));
}

#[test]
fn a_network_with_somebody_in_it_overlaps() {
    let mut list: IgnoreList = ["192.0.2.1".parse().unwrap()].into_iter().collect();
    list.push(IgnoreSource::Dns("n".into()), id("2001:db8::1"));
    for (prefix, expected) in [
        ("192.0.2.0/24", true),
        ("192.0.3.0/24", false),
        ("2001:db8::/64", true),
        ("2001:db8:1::/64", false),
    ] {
        assert_eq!(list.overlaps(&prefix.into()), expected, "{prefix}");
    }
    assert_eq!(list.prefixes().count(), 2);
}

#[test]
fn of_another_list_one_source_is_taken_over() {
    let dns = |name: &str| IgnoreSource::Dns(name.into());
    let mut other = IgnoreList::default();
    for (source, text) in [
        (dns("a"), "192.0.2.1"),
        (dns("b"), "192.0.2.2"),
        (dns("a"), "root"),
    ] {
        other.push(source, id(text));
    }
    let mut list: IgnoreList = ["198.51.100.1".parse().unwrap()].into_iter().collect();
    list.take_over(&dns("a"), &other);
    let found = ["198.51.100.1", "192.0.2.1", "192.0.2.2", "root"];
    let found = found.map(|text| list.find(&id(text)).cloned());
    assert_eq!(
        found,
        [Some(IgnoreSource::Ip), Some(dns("a")), None, Some(dns("a"))]
    );
}
