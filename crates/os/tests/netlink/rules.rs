//! Rules as `nft` shows them.

use super::namespace::{has_nft, in_namespace, run};
use super::*;

/// The rules of a chain as `nft` prints them, blanks at the ends cut.
fn rules(chain: &str) -> Vec<String> {
    run(&format!("nft list chain inet {TABLE} {chain}"))
        .lines()
        .map(str::trim)
        .filter(|l| l.contains("@") || l.contains("jump") || l.contains("hook"))
        .map(str::to_owned)
        .collect()
}

fn check(
    change: impl Fn(&mut Jail) + Send + 'static,
    jump: &'static str,
    look_ups: &'static [&'static str],
) {
    in_namespace(move || {
        if !has_nft() {
            return;
        }
        let mut nft = Nft::open().unwrap();
        let mut jail = jail("sshd", &[22]);
        change(&mut jail);
        install(&mut nft, 0, std::slice::from_ref(&jail));
        let base = "type filter hook prerouting priority mangle; policy accept;";
        assert_eq!(rules("prerouting"), [base, jump]);
        assert_eq!(rules("jail-sshd"), look_ups);
        run(&format!("nft -j list table inet {TABLE}"));
    });
}

const DROP: &[&str] = &[
    "ip saddr @host4-sshd counter packets 0 bytes 0 drop",
    "ip6 saddr @host6-sshd counter packets 0 bytes 0 drop",
    "ip6 saddr & ffff:ffff:ffff:ffff:: == @slash64-sshd counter packets 0 bytes 0 drop",
    "ip saddr @net4-sshd counter packets 0 bytes 0 drop",
    "ip6 saddr @net6-sshd counter packets 0 bytes 0 drop",
];

#[test]
fn one_port() {
    check(|_| (), "tcp dport 22 jump jail-sshd", DROP);
}

#[test]
fn a_range() {
    check(
        |jail| jail.ports = Ports::new([PortRange::new(6000, 6010)]),
        "tcp dport 6000-6010 jump jail-sshd",
        DROP,
    );
}

#[test]
fn ports_and_ranges() {
    check(
        |jail| {
            jail.ports = Ports::new([
                PortRange::single(22),
                PortRange::new(80, 90),
                PortRange::new(65530, 65535),
            ])
        },
        "tcp dport { 22, 80-90, 65530-65535 } jump jail-sshd",
        DROP,
    );
}

#[test]
fn both_protocols() {
    check(
        |jail| jail.protocol = Protocol::Both,
        "meta l4proto { tcp, udp } th dport 22 jump jail-sshd",
        DROP,
    );
}

#[test]
fn everything() {
    check(
        |jail| {
            jail.protocol = Protocol::All;
            jail.ports = Ports::All;
        },
        "jump jail-sshd",
        DROP,
    );
}

#[test]
fn this_host_only() {
    check(
        |jail| jail.scope = Scope::Host,
        "fib daddr type local tcp dport 22 jump jail-sshd",
        DROP,
    );
}

#[test]
fn reject_resets_tcp() {
    check(
        |jail| jail.blocktype = Blocktype::Reject,
        "tcp dport 22 jump jail-sshd",
        &[
            "meta l4proto tcp ip saddr @host4-sshd counter packets 0 bytes 0 reject with tcp reset",
            "meta l4proto tcp ip6 saddr @host6-sshd counter packets 0 bytes 0 reject with tcp reset",
            "meta l4proto tcp ip6 saddr & ffff:ffff:ffff:ffff:: == @slash64-sshd counter packets 0 bytes 0 reject with tcp reset",
            "meta l4proto tcp ip saddr @net4-sshd counter packets 0 bytes 0 reject with tcp reset",
            "meta l4proto tcp ip6 saddr @net6-sshd counter packets 0 bytes 0 reject with tcp reset",
        ],
    );
}

#[test]
fn reject_tells_udp_that_it_is_prohibited() {
    check(
        |jail| {
            jail.blocktype = Blocktype::Reject;
            jail.protocol = Protocol::Udp;
        },
        "udp dport 22 jump jail-sshd",
        &[
            "ip saddr @host4-sshd counter packets 0 bytes 0 reject with icmpx admin-prohibited",
            "ip6 saddr @host6-sshd counter packets 0 bytes 0 reject with icmpx admin-prohibited",
            "ip6 saddr & ffff:ffff:ffff:ffff:: == @slash64-sshd counter packets 0 bytes 0 reject with icmpx admin-prohibited",
            "ip saddr @net4-sshd counter packets 0 bytes 0 reject with icmpx admin-prohibited",
            "ip6 saddr @net6-sshd counter packets 0 bytes 0 reject with icmpx admin-prohibited",
        ],
    );
}

#[test]
fn odd_jail_names_are_names_to_nft() {
    in_namespace(|| {
        if !has_nft() {
            return;
        }
        let mut nft = Nft::open().unwrap();
        let names = ["1st jail", "tcp", "a/b", "%d", "größe", "{ drop }"];
        let jails: Vec<Jail> = names.iter().map(|n| jail(n, &[22])).collect();
        install(&mut nft, 0, &jails);
        put(&mut nft, &jails[3], &[element("10.0.0.1", None)]);
        let text = run(&format!("nft list table inet {TABLE}"));
        // What nft prints it must also read.
        run(&format!("nft -c -f - <<'E'\n{text}\nE"));
        assert_eq!(listed(&mut nft, &jails[3]), ["10.0.0.1"]);
    });
}
