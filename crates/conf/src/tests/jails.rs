//! How one jail is put together: its filter, its actions, its values.

use super::*;

/// A jail with these lines, over one filter, one action and what is given.
fn jail(lines: &str, parts: &[(&str, &str)]) -> JailSpec {
    let text = format!("[DEFAULT]\nenabled = true\nfilter = f\n[j]\n{lines}\n");
    let good = [
        ("jail.conf", text.as_str()),
        ("filter.d/f.conf", "[Definition]\nfailregex = ^f <HOST>$\n"),
        (
            "action.d/a.conf",
            "[Definition]\nactionban = <cmd> <ip> <p> <name>\n[Init]\ncmd = four\np = 1\n[Init?family=inet6]\ncmd = six\n",
        ),
    ];
    let (config, found) = load_at(&[&good, parts].concat(), Choice::Enabled);
    assert_eq!(found, [], "{lines}");
    assert!(config.broken.is_empty(), "{:?}", config.broken);
    config.jails.into_iter().next().unwrap()
}

fn texts(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| value.text.as_str()).collect()
}

#[test]
fn times_and_counts() {
    let seconds = |jail: &JailSpec| {
        (
            jail.bantime.map(base::Span::as_secs),
            jail.findtime.as_secs(),
        )
    };
    let cases = [
        ("", (Some(600), 600)),
        ("bantime = 1h\nfindtime = 1d 12h30m", (Some(3600), 131_400)),
        ("bantime = -1", (None, 600)),
        ("bantime = 2.9", (Some(2), 600)),
        ("bantime = 60*60", (Some(3600), 600)),
        ("bantime = 0", (Some(0), 600)),
    ];
    for (lines, expected) in cases {
        assert_eq!(seconds(&jail(lines, &[])), expected, "{lines}");
    }
    let counts = |jail: &JailSpec| (jail.maxretry, jail.maxmatches, jail.filter.maxlines);
    let cases = [
        ("", (3, 5, 1)),
        (
            "maxretry = 7\nmaxmatches = %(maxretry)s\nmaxlines = 10",
            (7, 7, 10),
        ),
        ("maxretry = -1\nmaxlines = 0", (0, 5, 1)),
        ("maxretry = 99999999999", (u32::MAX, 5, 1)),
    ];
    for (lines, expected) in cases {
        assert_eq!(counts(&jail(lines, &[])), expected, "{lines}");
    }
}

#[test]
fn words_of_a_jail() {
    let is_self = |lines: &str| jail(lines, &[]).ignoreself;
    assert!(is_self("") && is_self("ignoreself = YES") && !is_self("ignoreself = no"));
    let spec = jail(
        "ignoreip = 10.0.0.0/8,::1\n  host.example 1.2.3.4\nusedns = Raw\nlogtimezone = UTC+0200\nlogencoding = latin1\nipv6_prefix = 64",
        &[],
    );
    assert_eq!(
        texts(&spec.ignoreip),
        ["10.0.0.0/8", "::1", "host.example", "1.2.3.4"]
    );
    assert_eq!(
        (
            spec.filter.usedns,
            spec.logencoding.text.as_str(),
            spec.ipv6_prefix,
            spec.ipv4_prefix
        ),
        (UseDns::Raw, "latin1", 64, 32)
    );
    assert_eq!(
        spec.filter.logtimezone.map(|value| value.text).as_deref(),
        Some("UTC+0200")
    );
    let grown = jail("bantime.increment = true\nbantime.factor = 2\nbantime.maxtime = 5w\nbantime.overalljails = on", &[]).increment;
    assert!(grown.enabled && grown.overalljails);
    assert_eq!(
        (
            grown.factor.unwrap().text.as_str(),
            grown.maxtime.unwrap().text.as_str()
        ),
        ("2", "5w")
    );
}

#[test]
fn log_paths() {
    let cases: &[(&str, &[(&str, bool)])] = &[
        ("", &[]),
        ("/a", &[("/a", false)]),
        (
            "/a head\n  /b*.log tail",
            &[("/a", false), ("/b*.log", true)],
        ),
        (
            "\"/with blank/a.log\"\n \"/b c\" tail",
            &[("/with blank/a.log", false), ("/b c", true)],
        ),
        ("/a\t tail", &[("/a", true)]),
        ("\n  /a ; comment", &[("/a", false)]),
    ];
    for (lines, expected) in cases {
        let spec = jail(&format!("logpath = {lines}"), &[]);
        let logs: Vec<(&str, bool)> = spec
            .logpath
            .iter()
            .map(|log| (log.pattern.as_str(), log.tail))
            .collect();
        assert_eq!(logs, *expected, "{lines}");
    }
}

#[test]
fn the_backend_chooses_the_kind_of_log() {
    let filter =
        "[Definition]\nfailregex = <of-<logtype>>\nof-file = ^F <HOST>\nof-journal = ^J <HOST>\n";
    let fixed = format!("{filter}logtype = file\n");
    let cases = [
        ("", filter, "^F <HOST>"),
        ("backend = polling", filter, "^F <HOST>"),
        ("backend = systemd", filter, "^J <HOST>"),
        ("backend = systemd[journalflags=1]", filter, "^J <HOST>"),
        (
            "backend = systemd\nfilter = f[logtype=file]",
            filter,
            "^F <HOST>",
        ),
        ("backend = systemd", &fixed, "^F <HOST>"),
        ("backend = Systemd", filter, "^J <HOST>"),
    ];
    for (lines, filter, expected) in cases {
        let spec = jail(lines, &[("filter.d/f.conf", filter)]);
        assert_eq!(texts(&spec.filter.failregex), [expected], "{lines}");
        assert_eq!(
            spec.filter.logtype_journal,
            lines.to_lowercase().contains("systemd"),
            "{lines}"
        );
    }
}

#[test]
fn a_backend_is_a_name_with_options() {
    for (text, name, options) in [
        ("", "auto", &[][..]),
        ("backend = Polling", "polling", &[]),
        (
            "backend = systemd[journalpath=/j, journalfiles=\"/a/*, /b\", journalflags=4]",
            "systemd",
            &[
                ("journalpath", "/j"),
                ("journalfiles", "/a/*, /b"),
                ("journalflags", "4"),
            ],
        ),
        ("backend = gamin", "gamin", &[]),
    ] {
        let backend = jail(text, &[]).backend;
        let found: Vec<(&str, &str)> = backend
            .options
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!((backend.name.as_str(), &found[..]), (name, options));
    }
}

#[test]
fn jail_and_filter_make_the_rules_together() {
    let filter = (
        "filter.d/f.conf",
        "[Definition]\nfailregex = ^f <HOST>$\nusedns = no\ndatepattern = EPOCH\nown = <maxretry>\nignoreregex = <own>\n[Init]\nmaxlines = 4\njournalmatch = _COMM=f\n",
    );
    // Filters do not see the options of a jail.
    let spec = jail("maxretry = 8", &[filter]);
    assert_eq!((spec.filter.maxlines, spec.filter.usedns), (4, UseDns::No));
    assert_eq!(
        (
            texts(&spec.filter.journalmatch),
            texts(&spec.filter.ignoreregex)
        ),
        (vec!["_COMM=f"], vec!["<maxretry>"])
    );
    let spec = jail(
        "findtime = 9\nmaxlines = 5\nusedns = yes\ndatepattern = %(known/datepattern)s\n  TAI64N\nfailregex = ^j <HOST>$\n  %(known/failregex)s\nmaxretry = %(known/maxlines)s",
        &[filter],
    );
    assert_eq!(
        (spec.filter.maxlines, spec.filter.usedns, spec.maxretry),
        (5, UseDns::Yes, 4)
    );
    assert_eq!(texts(&spec.filter.failregex), ["^j <HOST>$", "^f <HOST>$"]);
    assert_eq!(
        spec.filter.datepattern.map(|value| value.text).as_deref(),
        Some("EPOCH\nTAI64N")
    );
    assert_eq!(
        jail(
            "filter =
failregex = ^x <HOST>$",
            &[]
        )
        .filter
        .name,
        ""
    );
    assert_eq!(
        jail(
            "filter = %(__name__)s",
            &[("filter.d/j.conf", "[Definition]\nfailregex = ^ <HOST>\n")]
        )
        .filter
        .name,
        "j"
    );
    let place = jail("ignorecommand = %(fail2ban_confpath)s/x", &[])
        .ignorecommand
        .unwrap()
        .text;
    assert_eq!(place, "/c/x");
}

#[test]
fn a_tag_into_another_section_sees_that_section() {
    let filter = "[Definition]\nsuffix = own\nprefix = p-<lt_<logtype>/prefix>\nfailregex = ^<prefix> <HOST>$\n\
                  [lt_file]\nprefix = file\n[lt_journal]\nsuffix = stamp\nprefix = %(known/prefix)s%(suffix)s\n";
    let below = "[lt_journal]\nprefix = journal-\n";
    let regex = |lines: &str| {
        let included = format!("[INCLUDES]\nbefore = below.conf\n{filter}");
        let parts = [
            ("filter.d/g.conf", included.as_str()),
            ("filter.d/below.conf", below),
        ];
        let jail = jail(&format!("filter = g\n{lines}"), &parts);
        texts(&jail.filter.failregex).join("\n")
    };
    assert_eq!(regex(""), "^p-file <HOST>$");
    assert_eq!(regex("backend = systemd"), "^p-journal-stamp <HOST>$");
}

#[test]
fn names_of_actions() {
    let cases = [
        ("a", "a", "j"),
        ("a[name=j]", "a", "j"),
        ("a[name=j-tcp]", "a-tcp", "j-tcp"),
        ("a[name=other]", "a-other", "other"),
        ("a[actname=mine]", "mine", "j"),
        ("a[name=other, actname=mine]", "mine", "other"),
    ];
    for (action, actname, name) in cases {
        let spec = jail(&format!("action = {action}"), &[]);
        let [action] = spec.actions.as_slice() else {
            panic!("{:?}", spec.actions)
        };
        assert_eq!(
            (action.actname.as_str(), action.params["name"].as_str()),
            (actname, name)
        );
    }
    let spec = jail("action = x.py[k=1, name=n]", &[]);
    let [action] = spec.actions.as_slice() else {
        panic!("{:?}", spec.actions)
    };
    assert_eq!((action.actname.as_str(), action.params.len()), ("x", 2));
    assert_eq!(action.params["name"], "n");
}

#[test]
fn arguments_of_actions() {
    let four_and_six = |action: &str| {
        let spec = jail(&format!("action = {action}"), &[]);
        let params = &spec.actions[0].params;
        assert_eq!(params["actionban"].split(' ').next(), Some("<cmd>"));
        (params["cmd"].clone(), params["cmd?family=inet6"].clone())
    };
    let cases = [
        ("a", ("four", "six")),
        ("a[cmd=both]", ("both", "both")),
        ("a[cmd?family=inet6=own]", ("four", "own")),
        ("a[cmd=x, cmd?family=inet6=\"y\"]", ("x", "y")),
        ("a[cmd=\"<known/cmd>!\"]", ("<known/cmd>!", "<known/cmd>!")),
    ];
    for (action, (four, six)) in cases {
        assert_eq!(
            four_and_six(action),
            (four.to_owned(), six.to_owned()),
            "{action}"
        );
    }
    let spec = jail(
        "action = a[p=\"x y\"] a[name=k]\n  a[p=2,\n    actname=third]",
        &[],
    );
    let bans: Vec<&str> = spec
        .actions
        .iter()
        .map(|action| action.params["actionban"].as_str())
        .collect();
    assert_eq!(
        bans,
        ["<cmd> <ip> x y j", "<cmd> <ip> 1 k", "<cmd> <ip> 2 j"]
    );
    assert_eq!(spec.actions[2].origin.line, 6);
}

#[test]
fn what_stands_for_a_ban_in_the_kernel() {
    let stock = |name: &str, init: &str, options: &str| {
        let file = format!("action.d/{name}.conf");
        let text = format!("[Definition]\nactionban = x <ip>\n[Init]\n{init}\n");
        let spec = jail(
            &format!("action = {name}[{options}]"),
            &[(file.as_str(), text.as_str())],
        );
        let stock = spec.actions[0].stock.clone()?;
        Some((
            stock.port.map(|port| port.text),
            stock.protocol,
            stock.blocktype,
            stock.scope,
            stock.native,
        ))
    };
    let port = |text: &str| Some(text.to_owned());
    let tcp = || "tcp".to_owned();
    use {
        crate::Scope::{All, Host},
        Blocktype::{Drop, Reject},
    };
    let init = "port = ssh\nprotocol = tcp\nblocktype = REJECT --reject-with icmp-port-unreachable";
    assert_eq!(
        stock("iptables-multiport", init, ""),
        Some((port("ssh"), tcp(), Reject, All, false))
    );
    assert_eq!(
        stock("iptables-multiport", init, "port=\"1,2\", blocktype=DROP"),
        Some((port("1,2"), tcp(), Drop, All, false))
    );
    assert_eq!(
        stock("nftables", init, "type=allports, protocol=udp"),
        Some((None, "udp".into(), Reject, All, false))
    );
    assert_eq!(
        stock("iptables-allports", init, ""),
        Some((None, tcp(), Reject, All, false))
    );
    assert_eq!(
        stock("ufw", "", ""),
        Some((None, tcp(), Reject, All, false))
    );
    assert_eq!(
        stock("stockade", init, "scope=host, port=<p>, p=9"),
        Some((port("9"), tcp(), Reject, Host, true))
    );
    assert_eq!(stock("iptables-multiport", init, "blocktype=RETURN"), None);
    assert_eq!(stock("iptables-multiport", init, "actionban=mine"), None);
    assert_eq!(stock("iptables-mine", init, ""), None);
    assert_eq!(stock("sendmail", init, ""), None);
}

#[test]
fn wrong_words_for_our_own_action_are_said() {
    let jail = "[j]\nenabled = true\nfailregex = ^x <HOST>$\naction = stockade[blocktype=dorp, scope=world]\n";
    let file = "[Definition]\nactionban =\n";
    let (config, found) = load_at(
        &[("jail.conf", jail), ("action.d/stockade.conf", file)],
        Choice::Enabled,
    );
    let stock = config.jails[0].actions[0].stock.as_ref().unwrap();
    assert_eq!(
        (stock.blocktype, stock.scope),
        (Blocktype::Drop, Scope::All)
    );
    let messages: Vec<&str> = found.iter().map(|fault| fault.message.as_str()).collect();
    let expected = [
        "blocktype = 'dorp' is none of drop, reject; drop is taken instead",
        "scope = 'world' is none of all, host; all is taken instead",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn a_tag_that_names_a_section_is_read_there() {
    let filter = "[DEFAULT]\nd = D\nself = <lt_<kind>/self>\n[Definition]\nkind = a\nown = O\n\
                  failregex = ^<lt_<kind>/x> <lt_a/d> <lt_none/d> <self> <HOST>$\n\
                  [lt_a]\nx = %(deep)s%(d)s<own>\ndeep = A\n";
    let local = "[lt_a]\nx = %(known/x)s+%(deep)s\n";
    let spec = jail(
        "",
        &[("filter.d/f.conf", filter), ("filter.d/f.local", local)],
    );
    assert_eq!(
        texts(&spec.filter.failregex),
        ["^ADO+A D <lt_none/d> <lt_a/self> <HOST>$"]
    );
}
