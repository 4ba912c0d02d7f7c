//! Whole configurations, as callers see them.

mod alone;
mod diagnostics;
mod jails;
mod trees;

use super::*;
use base::Diagnostic;
use std::path::Path;

fn files(parts: &[(&str, &str)]) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    for (name, text) in parts {
        files.insert(format!("/c/{name}"), *text);
    }
    files
}

fn load_at(parts: &[(&str, &str)], choice: Choice<'_>) -> (Config, Vec<Diagnostic>) {
    let files = files(parts);
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
    load(&files, &tree, choice)
}

const COMPLETE: &[(&str, &str)] = &[
    (
        "jail.conf",
        "[DEFAULT]\nport = 0:65535\nprotocol = tcp\nbanaction = iptables-multiport\n\
         action = %(banaction)s[port=\"%(port)s\", protocol=\"%(protocol)s\"]\nfilter = %(__name__)s[mode=%(mode)s]\nmode = normal\n\
         [one]\nenabled = true\nport = ssh,2222\nlogpath = /var/log/a\n  /var/log/b* tail\nmaxretry = 7\nbantime = 1h\n\
         ignoreip = 10.0.0.0/8, ::1 host.example\n[off]\nenabled = false\nbroken = %(nothing)s\n",
    ),
    (
        "filter.d/one.conf",
        "[INCLUDES]\nbefore = common.conf\n[Definition]\nprefregex = ^<F-CONTENT>.+</F-CONTENT>$\n\
         failregex = ^<_prefix>bad <HOST>$\n    <more-<mode>>\nmore-normal = ^worse <HOST>$\nmore-wild = ^x <HOST>\n\
         journalmatch = _COMM=one\n[Init]\nmaxlines = 2\n",
    ),
    ("filter.d/common.conf", "[Definition]\n_prefix = \\s*\n"),
    (
        "action.d/iptables-multiport.conf",
        "[Definition]\nactionban = iptables -I f2b-<name> 1 -s <ip> -j <blocktype>\n[Init]\nname = default\n\
         port = ssh\nprotocol = tcp\nblocktype = REJECT --reject-with icmp-port-unreachable\n\
         [Init?family=inet6]\nblocktype = REJECT --reject-with icmp6-port-unreachable\n",
    ),
];

#[test]
fn a_jail_is_put_together_from_its_layers() {
    let (config, found) = load_at(COMPLETE, Choice::Enabled);
    assert_eq!(found, []);
    assert!(config.broken.is_empty(), "{:?}", config.broken);
    let [jail] = config.jails.as_slice() else {
        panic!("{:?}", config.jails)
    };
    let texts = |values: &[Value]| {
        values
            .iter()
            .map(|value| value.text.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&jail.filter.failregex),
        ["^\\s*bad <HOST>$", "^worse <HOST>$"]
    );
    assert_eq!(
        jail.filter.prefregex.as_ref().map(|v| v.text.as_str()),
        Some("^<F-CONTENT>.+</F-CONTENT>$")
    );
    assert_eq!(
        (jail.filter.maxlines, jail.maxretry, jail.maxmatches),
        (2, 7, 5)
    );
    assert_eq!(jail.bantime.map(base::Span::as_secs), Some(3600));
    assert_eq!(texts(&jail.ignoreip), ["10.0.0.0/8", "::1", "host.example"]);
    let logs: Vec<(&str, bool)> = jail
        .logpath
        .iter()
        .map(|log| (log.pattern.as_str(), log.tail))
        .collect();
    assert_eq!(logs, [("/var/log/a", false), ("/var/log/b*", true)]);
    assert_eq!(jail.filter.failregex[0].origin.line, 5);
    let [action] = jail.actions.as_slice() else {
        panic!("{:?}", jail.actions)
    };
    // The tag with a conditional twin stays for run time.
    assert_eq!(
        action.params["actionban"],
        "iptables -I f2b-one 1 -s <ip> -j <blocktype>"
    );
    let stock = action.stock.as_ref().unwrap();
    assert_eq!(
        stock
            .port
            .as_ref()
            .map(|port| (port.text.as_str(), port.origin.line)),
        Some(("ssh,2222", 10))
    );
    assert_eq!((stock.blocktype, stock.native), (Blocktype::Reject, false));
}

#[test]
fn arguments_beat_init_and_jails_beat_filters() {
    let mut parts = COMPLETE.to_vec();
    parts.push(("jail.local", "[one]\nmode = wild\nfilter = one[mode=wild, maxlines=3]\nfailregex = %(known/failregex)s\n  ^own <HOST>$\nmaxlines = 4\n"));
    let (config, _) = load_at(&parts, Choice::Enabled);
    let jail = &config.jails[0];
    let texts: Vec<&str> = jail
        .filter
        .failregex
        .iter()
        .map(|value| value.text.as_str())
        .collect();
    assert_eq!(texts, ["^\\s*bad <HOST>$", "^x <HOST>", "^own <HOST>$"]);
    assert_eq!(jail.filter.maxlines, 4);
}

#[test]
fn one_broken_jail_costs_itself_alone_and_says_where() {
    let mut parts = COMPLETE.to_vec();
    parts.push(("jail.d/x.conf", "[two]\nenabled = true\nfilter = missing\n[three]\nenabled = true\nbantime = %(nowhere)s\nfilter = one\n[four]\nenabled = true\nfilter = one[mode\n[five]\nenabled = true\nfilter = one\naction = gone[x=1]\n[six]\nenabled = true\nfilter = one\nmaxretry = many\n"));
    let (config, found) = load_at(&parts, Choice::Enabled);
    let names: Vec<&str> = config.jails.iter().map(|jail| jail.name.as_str()).collect();
    assert_eq!(names, ["one", "six"]);
    let broken: Vec<String> = config
        .broken
        .iter()
        .map(|(_, diagnostic)| diagnostic.to_string())
        .collect();
    let expected = [
        (
            "two",
            "there is no readable filter.d/missing.conf",
            "x.conf:3",
        ),
        (
            "three",
            "unknown option 'nowhere' in %(nowhere)s",
            "x.conf:6",
        ),
        ("four", "invalid filter", "x.conf:10"),
        (
            "five",
            "there is no readable action.d/gone.conf",
            "x.conf:14",
        ),
    ];
    for (text, (jail, why, place)) in broken.iter().zip(expected) {
        assert!(
            text.contains(jail) && text.contains(why) && text.contains(place),
            "{text}"
        );
    }
    assert_eq!(broken.len(), expected.len());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .to_string()
            .contains("maxretry = 'many' is no whole number; 3 is taken instead"),
        "{}",
        found[0]
    );
}

#[test]
fn changed_actions_are_not_taken_for_stock_ones() {
    let changed = |name: &str, text: &str| {
        let mut parts = COMPLETE.to_vec();
        parts.push((name, text));
        load_at(&parts, Choice::Enabled).0.jails[0].actions[0]
            .stock
            .is_none()
    };
    assert!(changed(
        "action.d/iptables-multiport.local",
        "[Definition]\nactionban = mine\n"
    ));
    assert!(changed(
        "action.d/iptables-multiport.d/x.conf",
        "[Definition]\nactionban = mine\n"
    ));
    assert!(!changed(
        "action.d/iptables-multiport.local",
        "[Init]\nblocktype = DROP\n"
    ));
    assert!(changed(
        "jail.local",
        "[one]\naction = iptables-multiport[actionban=\"x\"]\n"
    ));
}

#[test]
fn the_built_in_tree_is_whole() {
    let files = MemoryFiles::default();
    let tree = Tree::find(&files, None, Manner::Stockade);
    let (config, found) = load(&files, &tree, Choice::Enabled);
    assert_eq!(found, []);
    assert!(config.broken.is_empty(), "{:?}", config.broken);
    let names: Vec<&str> = config.jails.iter().map(|jail| jail.name.as_str()).collect();
    let expected = [
        "sshd",
        "mysqld-auth",
        "postgresql",
        "nginx-http-auth",
        "vsftpd",
        "dovecot",
        "postfix-sasl",
        "recidive",
    ];
    assert_eq!(names, expected);
    for jail in &config.jails {
        assert_eq!(jail.enabled, Enabled::Auto);
        assert!(
            jail.actions
                .iter()
                .all(|action| action.stock.as_ref().is_some_and(|stock| stock.native))
        );
        assert!(!jail.filter.failregex.is_empty());
    }
    assert_eq!(config.jails[0].trusted_uid, ["0"]);
    assert!(
        config.jails[2]
            .filter
            .needs
            .as_ref()
            .is_some_and(|needs| needs.contains("'%m %h"))
    );
}

#[test]
fn drop_ins_lie_over_the_built_in_tree() {
    let parts = [
        (
            "jail.local",
            "[sshd]\nenabled = true\nport = 2222\nmaxretry = 3\n[recidive]\nenabled = false\n",
        ),
        ("stockade.local", "[Definition]\ntable_owner = no\n"),
    ];
    let (config, found) = load_at(&parts, Choice::Enabled);
    assert_eq!(found, []);
    assert_eq!(config.jails.len(), 7);
    assert!(!config.globals.table_owner);
    let sshd = &config.jails[0];
    assert_eq!((sshd.enabled, sshd.maxretry), (Enabled::Yes, 3));
    assert_eq!(
        sshd.actions[0]
            .stock
            .as_ref()
            .unwrap()
            .port
            .as_ref()
            .unwrap()
            .text,
        "2222"
    );
}

/// Pieces of the dialect, so that chance comes upon whole constructs.
const PIECE: &str = "\\[(DEFAULT|sshd|j|Init|Definition|INCLUDES|Init\\?family=inet6)\\]\n|\
    (enabled|filter|action|failregex|before|after|maxretry|bantime|logpath|a|b|actionban|port) ?= ?|\
    %\\((a|b|known/a|known/failregex|sshd/a|default/b|__name__)\\)s|<(a|b|known/a|HOST|ip|a<b>)>|\
    auto|true|sshd|f|stockade|j\\.conf|\\[a=\"1\", b=2\\]|[ \n%\\[\\]<>=;#\"é\\\\]|\n  ";

fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::strategy::Strategy;
    proptest::collection::vec(PIECE, 0..25).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes_as_a_drop_in_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let mut files = MemoryFiles::default();
        files.insert("/c/jail.local", bytes);
        let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
        // A drop-in of rubbish takes nothing away from the built-in tree.
        proptest::prop_assert!(load(&files, &tree, Choice::All).0.jails.len() >= 8);
    }

    #[test]
    fn any_files_are_read_without_panic(jail in pieces(), filter in pieces(), action in pieces(), main in pieces()) {
        let jail = format!("[DEFAULT]\nenabled = true\nfilter = f\naction = a\n{jail}");
        let parts = [("jail.conf", jail.as_str()), ("filter.d/f.conf", &filter), ("action.d/a.conf", &action), ("fail2ban.conf", &main)];
        let (config, found) = load_at(&parts, Choice::All);
        for fault in found.iter().chain(config.broken.iter().map(|(_, fault)| fault)) {
            let shown = fault.to_string();
            proptest::prop_assert!(fault.help.is_some(), "{shown}");
            proptest::prop_assert!(fault.origin.is_some() || shown.contains("/c"), "{shown}");
            if let (Some(origin), Some((start, length))) = (&fault.origin, fault.span) {
                proptest::prop_assert!((start + length) as usize <= origin.text.chars().count(), "{shown}");
            }
        }
    }
}
