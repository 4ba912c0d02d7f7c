//! One small tree, command by command.

use super::*;
use crate::{Manner, MemoryFiles};
use std::path::Path;

/// A command as Python prints it, nearly.
fn shown(item: &Item) -> String {
    match item {
        Item::None => "None".into(),
        Item::Bool(value) => if *value { "True" } else { "False" }.into(),
        Item::Int(value) => value.to_string(),
        Item::Text(value) => value.clone(),
        Item::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Item::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| format!("{key}: {}", shown(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn commands_stand_in_their_order() {
    let mut files = MemoryFiles::default();
    let parts = [
        (
            "fail2ban.conf",
            "[Definition]\nloglevel = DEBUG\ndbmaxmatches = 3\n[Thread]\nstacksize = 64\n",
        ),
        (
            "jail.conf",
            "[off]\n[j]\nenabled = yes\nfilter = f\nlogpath = /a/*\n /b tail\nfindtime = 10m\nmaxretry = 4\n\
             ignoreip = ::1, 10.0.0.0/8\nignoreself = no\naction = a[p=1, actionban=x]\n  n.py[k=v]\n[bad]\nenabled = yes\nfilter = gone\n",
        ),
        (
            "filter.d/f.conf",
            "[Definition]\nfailregex = ^a <HOST>\n  ^b <HOST>\nusedns = no\njournalmatch = _COMM=\"a b\" + _UID=0\n",
        ),
        (
            "action.d/a.conf",
            "[Definition]\nactionstart = s <q>\nactionban = b\nnorestored = 1\n[Init]\nq = 2\np = 3\n",
        ),
    ];
    for (name, text) in parts {
        files.insert(format!("/c/{name}"), text);
    }
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Fail2ban);
    let expand = |pattern: &str| {
        let paths = match pattern.strip_suffix('*') {
            Some(dir) => vec![format!("{dir}1"), format!("{dir}2")],
            None => vec![pattern.to_owned()],
        };
        let file = |path| LogFile {
            path,
            is_dangling: false,
        };
        paths.into_iter().map(file).collect()
    };
    let request = DumpRequest {
        only: None,
        needs_logs: false,
        given: &[("logtarget", "STDOUT".to_owned())],
        expand: &expand,
    };
    let dump = dump(&files, &tree, &request);
    assert!(!dump.fails() && !dump.is_sound());
    assert_eq!((dump.started, dump.skipped), (1, 1));
    let remarks: Vec<String> = dump
        .remarks
        .iter()
        .map(|remark| format!("{}: {}", remark.part, remark.text))
        .collect();
    assert_eq!(
        remarks,
        [
            "jailreader: Unable to read the filter 'gone' (/c/jail.conf:15)\n   15 | filter = gone\n                 ^^^^\nhelp: correct the name, or create the file",
            "jailsreader: Errors in jail 'bad'. Skipping...",
        ]
    );
    let shown: Vec<String> = dump
        .commands
        .into_iter()
        .map(|command| shown(&Item::List(command)))
        .collect();
    let expected = [
        "[set, thread, {stacksize: 64}]",
        "[set, syslogsocket, auto]",
        "[set, loglevel, DEBUG]",
        "[set, logtarget, STDOUT]",
        "[set, allowipv6, auto]",
        "[set, dbfile, /var/lib/fail2ban/fail2ban.sqlite3]",
        "[set, dbmaxmatches, 3]",
        "[set, dbpurgeage, 1d]",
        "[add, j, auto]",
        "[set, j, usedns, no]",
        "[multi-set, j, addfailregex, [^a <HOST>, ^b <HOST>]]",
        "[set, j, addjournalmatch, _COMM=a b, +, _UID=0]",
        "[set, j, maxretry, 4]",
        "[set, j, findtime, 10m]",
        "[set, j, ignoreself, False]",
        "[set, j, addignoreip, ::1, 10.0.0.0/8]",
        "[set, j, addlogpath, /a/1, head]",
        "[set, j, addlogpath, /a/2, head]",
        "[set, j, addlogpath, /b, tail]",
        "[set, j, addaction, a]",
        "[multi-set, j, action, a, [[actionstart, s 2], [norestored, True], [actionban, x], [p, 1], [name, j], [actname, a], [q, 2]]]",
        "[set, j, addaction, n, /c/action.d/n.py, {\"k\": \"v\"}]",
        "[config-error, Jail 'bad' skipped, because of wrong configuration: Unable to read the filter 'gone']",
        "[start, j]",
    ];
    assert_eq!(shown, expected);
}

/// What the two programs make of a tree: refused at once, refused, or jails that start and jails that are skipped.
fn verdict(dump: &Dump) -> String {
    match &dump.refused {
        Some(Refused::AtOnce(found)) => format!("at once: {}", found.message),
        Some(Refused::Configuration(found)) => format!("refused: {}", found.message),
        None => format!("{} start, {} skipped", dump.started, dump.skipped),
    }
}

fn check(fail2ban: &str, jail: &str, dumped: &str, tested: &str) {
    let mut files = MemoryFiles::default();
    if !fail2ban.is_empty() {
        files.insert("/c/fail2ban.conf", fail2ban);
    }
    if !jail.is_empty() {
        files.insert("/c/jail.conf", jail);
    }
    files.insert(
        "/c/filter.d/f.conf",
        "[Definition]\nfailregex = ^a <HOST>\n",
    );
    files.insert("/c/filter.d/bad.conf", "[Definition]\nother = %(gone)s\n");
    files.insert(
        "/c/filter.d/latin.conf",
        b"[Definition]\nfailregex = \xe9\n",
    );
    files.insert(
        "/c/action.d/a.conf",
        "[Definition]\nactionban = b\nother = %(gone)s\n",
    );
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Fail2ban);
    for (needs_logs, expected) in [(false, dumped), (true, tested)] {
        let request = DumpRequest {
            only: None,
            needs_logs,
            given: &[],
            expand: &|path| {
                let is_there = path.starts_with("/log");
                let file = |path: &str| LogFile {
                    path: path.to_owned(),
                    is_dangling: path.ends_with("dangling"),
                };
                is_there.then(|| file(path)).into_iter().collect()
            },
        };
        assert_eq!(
            verdict(&dump(&files, &tree, &request)),
            expected,
            "{fail2ban}{jail}"
        );
    }
}

#[test]
fn what_fail2ban_refuses_is_refused() {
    let main = "[Definition]\n";
    let alike =
        |fail2ban: &str, jail: &str, expected: &str| check(fail2ban, jail, expected, expected);
    let jail = |text: &str| format!("[j]\nenabled = true\nfilter = f\naction = a\n{text}\n");
    alike(main, &jail(""), "1 start, 0 skipped");
    alike(main, "[j]\n", "0 start, 0 skipped");
    alike(
        "",
        &jail(""),
        "refused: Read fail2ban configuration failed.",
    );
    alike(main, "", "refused: Read jails configuration failed.");
    alike(
        "[Definition\n",
        &jail(""),
        "at once: the header of a section has no ]; what stands below is left out",
    );
    alike(
        "[Definition]\nloglevel = LOUD",
        &jail(""),
        "at once: Invalid log level 'LOUD'",
    );
    alike(
        "[Definition]\nsocket = %(x)s",
        &jail(""),
        "at once: unknown option 'x' in %(x)s",
    );
    alike(
        "[Definition]\ndbfile = %(x)s",
        &jail(""),
        "refused: unknown option 'x' in %(x)s",
    );
    alike(
        main,
        &jail("maxretry = %(x)s"),
        "refused: unknown option 'x' in %(x)s",
    );
    alike(main, &jail("free = %(x)s"), "1 start, 0 skipped");
    alike(main, "[j]\nmaxretry = %(x)s", "0 start, 0 skipped");
    alike(
        main,
        "[j]\nfilter = %(x)s",
        "refused: unknown option 'x' in %(x)s",
    );
    alike(
        main,
        &jail("filter = f"),
        "refused: option 'filter' of [j] stands in line 3 already; this one is left out",
    );
    alike(
        main,
        &jail("journalmatch = 'a"),
        "refused: No closing quotation",
    );
    alike(
        main,
        "[j]\nenabled = true\nfilter = bad",
        "refused: unknown option 'gone' in %(gone)s",
    );
    alike(
        main,
        "[j]\nenabled = true\nfilter = latin",
        "0 start, 1 skipped",
    );
    alike(
        main,
        &format!("{}[k]\nenabled = true\nfilter = f[x", jail("")),
        "1 start, 1 skipped",
    );
    let missing = "refused: Have not found any log file for 'j' jail.";
    let is_there = "1 start, 0 skipped";
    check(main, &jail("logpath = /gone"), is_there, missing);
    check(main, &jail("logpath = /log/dangling"), is_there, missing);
    check(main, &jail("logpath = /log tail"), is_there, is_there);
    alike(
        main,
        &jail("logpath = /gone\nskip_if_nologs = yes"),
        "0 start, 0 skipped",
    );
    alike(main, &jail("logpath = /gone\njournalmatch = a"), is_there);
    check(
        main,
        &jail("logpath = /gone\njournalmatch = a\nsystemd_if_nologs = no"),
        is_there,
        missing,
    );
    check(
        main,
        &jail("logpath = /gone\njournalmatch = a\nbackend = polling"),
        is_there,
        missing,
    );
    alike(main, &jail("logpath = /gone\nbackend = systemd"), is_there);
}

/// The commands of the one jail `j`, without `add` and `start`, or why there are none.
fn commands_of(jail: &str, filter: &str, action: &str) -> Vec<String> {
    let mut files = MemoryFiles::default();
    files.insert("/c/fail2ban.conf", "[Definition]\n");
    files.insert("/c/jail.conf", format!("[j]\nenabled = true\n{jail}\n"));
    files.insert("/c/filter.d/f.conf", filter);
    files.insert("/c/action.d/a.conf", action);
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Fail2ban);
    let request = DumpRequest {
        only: None,
        needs_logs: false,
        given: &[],
        expand: &|_| Vec::new(),
    };
    let dump = dump(&files, &tree, &request);
    if dump.refused.is_some() {
        return vec![verdict(&dump)];
    }
    let of_jail = dump.commands.iter().filter(|command| command.len() > 3);
    of_jail
        .map(|command| shown(&Item::List(command[2..].to_vec())))
        .collect()
}

#[test]
fn what_a_filter_was_given_is_sent_beside_what_the_jail_sets() {
    let all = |name: &str| {
        let keys = [
            "prefregex",
            "failregex",
            "ignoreregex",
            "datepattern",
            "usedns",
        ];
        let lines = keys.map(|key| format!("{key} = {name}-{key}"));
        format!("{}\nmaxlines = {}\n", lines.join("\n"), name.len())
    };
    let definition = format!("[Definition]\n{}", all("def"));
    assert_eq!(
        commands_of(
            "filter = f[datepattern=g, maxlines=9]\nfailregex = jail",
            &definition,
            ""
        ),
        [
            "[usedns, def-usedns]",
            "[prefregex, def-prefregex]",
            "[maxlines, 9]",
            "[addignoreregex, def-ignoreregex]",
            "[datepattern, g]",
            "[addfailregex, jail]",
        ]
    );
    let jail = format!("filter = f[failregex=g, usedns=no]\n{}", all("jail"));
    assert_eq!(
        commands_of(&jail, &definition, ""),
        [
            "[usedns, jail-usedns]",
            "[prefregex, jail-prefregex]",
            "[maxlines, 4]",
            "[usedns, no]",
            "[addfailregex, g]",
            "[addignoreregex, jail-ignoreregex]",
            "[addfailregex, jail-failregex]",
            "[datepattern, jail-datepattern]",
        ]
    );
    assert_eq!(
        commands_of(
            "filter = f[prefregex=, failregex=]",
            "[Definition]\nusedns =\n",
            ""
        ),
        ["[usedns, ]", "[prefregex, ]"]
    );
    assert_eq!(
        commands_of("usedns = no\nfailregex = ^a", "", ""),
        ["[usedns, no]", "[addfailregex, ^a]"]
    );
}

#[test]
fn tags_see_the_options_of_a_jail() {
    let jail = "filter = f\naction = a\nmaxretry = 05\nignoreself = on\nmaxmatches = x";
    let text = "<maxretry> <ignoreself> <maxmatches> <ports> <MAXRETRY>";
    let of_filter = commands_of(jail, &format!("[Definition]\nfailregex = {text}\n"), "");
    assert_eq!(of_filter[0], format!("[addfailregex, {text}]"));
    // A filter sees only those that it defines as well.
    let own = format!("[Definition]\nmaxretry = 7\nports = 1\nfailregex = {text}\n");
    assert_eq!(
        commands_of(jail, &own, "")[0],
        "[addfailregex, 5 <ignoreself> <maxmatches> 1 7]"
    );
    let of_action = commands_of(jail, "", &format!("[Definition]\nactionban = {text}\n"));
    assert_eq!(
        of_action.last().unwrap(),
        "[action, a, [[actionban, 5 True <maxmatches> <ports> 5], [name, j], [actname, a]]]"
    );
}

#[test]
fn values_that_fail2ban_cannot_resolve() {
    let refused =
        |jail: &str, filter: &str, action: &str| commands_of(jail, filter, action).join("\n");
    let itself = |tag: &str| format!("refused: the tag <{tag}> refers to itself");
    let definition = "[Definition]\nfailregex = 5 %% <HOST>\n";
    assert_eq!(refused("filter = f[x=<x>]", definition, ""), itself("x"));
    let unused = "[Definition]\n[Init]\ny = <z>\nz = <y>\n";
    assert_eq!(
        refused("filter = f\naction = a", definition, unused),
        itself("z")
    );
    // What a jail extends is read twice.
    assert_eq!(
        refused(
            "filter = f\nfailregex = %(known/failregex)s",
            definition,
            ""
        ),
        "refused: '%' must be followed by '%' or '(NAME)s'"
    );
}
