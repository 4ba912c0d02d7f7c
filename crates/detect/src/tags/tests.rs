//! Tags and what they become.

use super::*;

fn check(source: &str, expected: &str) {
    assert_eq!(expand(source, UseDns::Warn).pattern, expected, "{source}");
}

#[test]
fn replaces_tags_and_leaves_the_rest() {
    check(
        "from <IP4>$",
        r"from (?:::f{4,6}:)?(?P<ip4>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$",
    );
    check("<F-IP4/>", V4);
    check("<HOST>", &format!("(?:{}|{NAME})", address()));
    check("<F-ADDR/>", &address());
    check("<ADDR>/<CIDR>", &format!(r"{}/(?P<cidr>\d+)", address()));
    check("<F-ID/>:<F-PORT/>", r"(?P<fid>\S+):(?P<fport>\w+)");
    check("<F-ID>a|b</F-ID>", "(?P<fid>a|b)");
    check("<F-PORT>1</F-PORT>", "(?P<fport>1)");
    check(
        "<F-USER>a</F-USER> <F-ALT_USER_1>b</F-ALT_USER_1>",
        "(?P<user>a) (?P<alt_user_1>b)",
    );
    check("<F-FOO-BAR>a</F-FOO-BAR>", "(?P<foo_bar>a)");
}

#[test]
fn what_is_no_tag_stays() {
    for text in [
        "<host>",
        "<F-user>x</F-user>",
        "<F-HOST/>",
        "<F-USER/>",
        "</F-USER>",
        "<",
        "<>",
        "<HOST",
        "< HOST>",
        "</>",
        "<IP4/>",
        "(?P<name>x)(?<=a)",
        "a < b > c",
        "<é>",
    ] {
        check(text, text);
    }
    check("<<F-USER>x</F-USER>>", "<(?P<user>x)>");
}

#[test]
fn numbers_skipped_lines() {
    check(
        "a<SKIPLINES>b<SKIPLINES>c",
        r"a\n(?P<skiplines0>(?:.*\n)*?)b\n(?P<skiplines1>(?:.*\n)*?)c",
    );
}

#[test]
fn usedns_no_takes_names_out_of_host_alone() {
    assert_eq!(expand("<HOST>", UseDns::No).pattern, address());
    assert_eq!(expand("<DNS>", UseDns::No).pattern, NAME);
}

#[test]
fn tells_where_a_place_of_the_pattern_was_written() {
    let expanded = expand("é<IP4>x<F-USER>yz", UseDns::Warn);
    let ip4 = V4.chars().count();
    let user = "(?P<user>".len();
    for (offset, source) in [
        (0, 0),
        (1, 1),
        (ip4, 1),
        (1 + ip4, 6),
        (2 + ip4, 7),
        (1 + ip4 + user, 7),
        (2 + ip4 + user, 15),
        (3 + ip4 + user, 16),
    ] {
        assert_eq!(expanded.source_offset(offset), source, "{offset}");
    }
}
