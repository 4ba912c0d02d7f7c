//! Commands and what they answer, as fail2ban's server has it (behaviour §6.4).

use super::*;
use crate::setup::Reload;

/// Words with blanks between them; one with blanks in it stands in single quotes.
fn words(line: &str) -> Vec<Value> {
    let mut words = Vec::new();
    let mut parts = line.split('\'');
    while let Some(plain) = parts.next() {
        words.extend(plain.split_whitespace().map(Value::from));
        words.extend(parts.next().map(Value::from));
    }
    words
}

fn run(setup: &mut Setup, line: &str) -> Result<Value, Exception> {
    let all = words(line);
    let rest = &all[1..];
    match all[0].as_str() {
        Some("add") => setup.add(rest),
        Some("start") => setup.start(&rest[0].to_string()),
        Some("stop") => setup.stop(&rest[0].to_string()),
        Some("set") => setup.set(rest),
        Some("get") => setup.get(rest),
        other => panic!("{other:?}"),
    }
}

/// Commands one after the other for one jail `j`, each with its answer: Python's literal, or the class and the message.
fn check(lines: &[(&str, &str)]) {
    let mut setup = Setup::empty(Globals::of_server());
    run(&mut setup, "add j polling").unwrap();
    for (line, expected) in lines {
        let answer = match run(&mut setup, line) {
            Ok(value) => value.repr(),
            Err(error) => format!("{}: {}", error.class, error.message()),
        };
        assert_eq!(answer, *expected, "{line}");
    }
}

#[test]
fn a_jail_begins_with_fail2bans_values() {
    check(&[
        ("get j bantime", "600"),
        ("get j findtime", "600"),
        ("get j maxretry", "3"),
        ("get j maxmatches", "5"),
        ("get j maxlines", "1"),
        ("get j usedns", "'warn'"),
        ("get j ignoreself", "True"),
        ("get j ignorecommand", "False"),
        ("get j ignorecache", "None"),
        ("get j logencoding", "'UTF-8'"),
        ("get j datepattern", "(None, 'Default Detectors')"),
        ("get j prefregex", "''"),
        ("get j failregex", "[]"),
        ("get j actions", "[]"),
        ("get j bantime.increment", "None"),
        ("get j journalmatch", "[]"),
    ]);
}

#[test]
fn options_answer_with_what_they_are_then() {
    check(&[
        ("set j bantime 1h30m", "5400"),
        ("set j bantime -1", "-1"),
        (
            "set j bantime x",
            "ValueError: 'x' is not a time expression such as 600, 10m or 1d 12h",
        ),
        ("get j bantime", "-1"),
        ("set j findtime 1.5", "1.5"),
        ("set j maxretry 7", "7"),
        (
            "set j maxretry x",
            "ValueError: invalid literal for int() with base 10: 'x'",
        ),
        ("set j maxretry", "IndexError: list index out of range"),
        (
            "set j maxlines 0",
            "ValueError: maxlines must be integer greater than zero",
        ),
        ("set j usedns raw", "'raw'"),
        ("set j usedns nonsense", "'no'"),
        ("set j ignoreself false", "False"),
        ("set j ignorecommand '/bin/check <ip>'", "'/bin/check <ip>'"),
        (
            "set j ignorecache key=<ip>,max-count=5,max-time=60",
            "['<ip>', 5, 60]",
        ),
        (
            "set j ignorecache nonsense",
            "ValueError: expected option, wrong syntax at 0: nonsense",
        ),
        ("set j ignorecache ''", "None"),
        ("set j logencoding ascii", "'ascii'"),
        (
            "set j logencoding nonsense",
            "LookupError: unknown encoding: nonsense",
        ),
        ("set j idle on", "True"),
        ("set j idle off", "False"),
        (
            "set j idle x",
            "Exception: Invalid idle option, must be 'on' or 'off'",
        ),
        (
            "set j nonsense 1",
            "Exception: Invalid command 'nonsense' (no set action or not yet implemented)",
        ),
        (
            "get j nonsense",
            "Exception: Invalid command (no get action or not yet implemented)",
        ),
        (
            "get j idle",
            "Exception: Invalid command (no get action or not yet implemented)",
        ),
        (
            "get nojail bantime",
            "fail2ban.exceptions.UnknownJailException: 'nojail'",
        ),
        (
            "set nojail bantime 1",
            "fail2ban.exceptions.UnknownJailException: 'nojail'",
        ),
    ]);
}

#[test]
fn who_is_ignored_is_listed_networks_first() {
    check(&[
        ("set j addignoreip 1.1.1.1", "['1.1.1.1']"),
        (
            "set j addignoreip 10.2.3.4/8 host.example ::1/128",
            "['10.0.0.0/8', 'host.example', '1.1.1.1', '::1']",
        ),
        (
            "set j addignoreip 1.1.1.1",
            "['10.0.0.0/8', 'host.example', '1.1.1.1', '::1']",
        ),
        (
            "set j delignoreip 10.9.9.9/8",
            "['host.example', '1.1.1.1', '::1']",
        ),
        (
            "set j delignoreip 9.9.9.9",
            "ValueError: list.remove(x): x not in list",
        ),
    ]);
}

#[test]
fn expressions_are_looked_at_when_they_are_given() {
    check(&[
        (
            "set j addfailregex '^a <F-ID>x</F-ID>$'",
            "['^a (?P<fid>x)$']",
        ),
        (
            "set j addfailregex '^b$'",
            "fail2ban.server.failregex.RegexException: No failure-id group in '^b$'",
        ),
        (
            "set j addfailregex '^( <F-ID>x</F-ID>$'",
            "fail2ban.server.failregex.RegexException: Unable to compile regular expression '^( <F-ID>x</F-ID>$':\n\
             missing ), unterminated subpattern at position 1",
        ),
        ("set j delfailregex 5", "['^a (?P<fid>x)$']"),
        (
            "set j delfailregex x",
            "ValueError: invalid literal for int() with base 10: 'x'",
        ),
        ("set j delfailregex 0", "[]"),
        ("set j addignoreregex good", "['good']"),
        (
            "set j prefregex '^p <F-CONTENT>.*</F-CONTENT>$'",
            "'^p (?P<content>.*)$'",
        ),
        ("set j prefregex ''", "''"),
        (
            "set j datepattern %Y-%m-%d",
            "('%Y-%m-%d', 'Year-Month-Day')",
        ),
        ("set j datepattern EPOCH", "(None, 'Epoch')"),
        ("set j datepattern ''", "(None, 'Default Detectors')"),
        ("set j logtimezone UTC+0200", "'UTC+0200'"),
        (
            "set j logtimezone nonsense",
            "ValueError: Unknown or unsupported time zone: 'nonsense'",
        ),
    ]);
}

#[test]
fn growth_comes_back_as_it_was_given() {
    check(&[
        ("set j bantime.increment true", "True"),
        ("set j bantime.factor 2", "'2'"),
        ("set j bantime.formula 'ban.Time * 2'", "'ban.Time * 2'"),
        ("set j bantime.multipliers '1 2 4'", "'1 2 4'"),
        (
            "set j bantime.multipliers 'x y'",
            "ValueError: invalid literal for int() with base 10: 'x'",
        ),
        ("set j bantime.maxtime 1d", "86400"),
        ("set j bantime.overalljails true", "'true'"),
        ("get j bantime.multipliers", "'1 2 4'"),
        ("get j bantime.rndtime", "None"),
    ]);
}

#[test]
fn actions_have_properties() {
    check(&[
        ("set j addaction a", "'a'"),
        ("set j addaction a", "ValueError: Action a already exists"),
        ("get j actions", "['a']"),
        ("get j action a actionban", "''"),
        ("get j action a timeout", "60"),
        ("set j action a actionban 'echo <ip>'", "'echo <ip>'"),
        ("set j action a timeout 1m", "60"),
        ("set j action a own value", "'value'"),
        ("get j action a own", "'value'"),
        (
            "get j action a nothing",
            "AttributeError: 'CommandAction' object has no attribute 'nothing'",
        ),
        ("get j action b own", "KeyError: 'Invalid Action name: b'"),
        (
            "get j actionproperties a",
            "['ESCAPE_CRE', 'ESCAPE_VN_CRE', 'actionban', 'actioncheck', 'actionflush', 'actionreban', \
             'actionreload', 'actionrepair', 'actionstart', 'actionstop', 'actionunban', 'banEpoch', 'own', 'timeout']",
        ),
        ("set j delaction a", "None"),
        ("set j delaction a", "KeyError: 'Invalid Action name: a'"),
    ]);
}

#[test]
fn journal_matches_are_parted_at_plus() {
    let mut setup = Setup::empty(Globals::of_server());
    run(&mut setup, "add j systemd").unwrap();
    let mut check = |line: &str, expected: &str| {
        let answer =
            run(&mut setup, line).map_or_else(|error| error.message(), |value| value.repr());
        assert_eq!(answer, expected, "{line}");
    };
    check(
        "set j addjournalmatch _A=B _C=D + _E=F",
        "[['_A=B', '_C=D'], ['_E=F']]",
    );
    check(
        "set j addjournalmatch nonsense",
        "not a valid match: nonsense",
    );
    check("set j deljournalmatch _E=F", "[['_A=B', '_C=D']]");
    check("set j deljournalmatch _X=Y", "Match not found");
    check("get j datepattern", "None");
}

/// Streams one after the other, and the jails with their ban times, expressions and actions then; `*` does not run.
fn check_streams(streams: &[(Reload<'_>, &[&str])], expected: &str, wrong: &[&str]) {
    let mut setup = Setup::empty(Globals::of_server());
    let mut applied = None;
    for (what, lines) in streams {
        let commands: Vec<Value> = lines.iter().map(|line| Value::List(words(line))).collect();
        applied = Some(setup.apply(*what, &commands));
    }
    let jails = setup.jails().iter().map(|jail| {
        let mark = if jail.is_started { "" } else { "*" };
        let get = |option: &str| jail.option(option).or_else(|| jail.rules(option)).unwrap();
        let actions: Vec<&str> = jail
            .spec
            .actions
            .iter()
            .map(|one| one.actname.as_str())
            .collect();
        format!(
            "{mark}{} {} {} {}",
            jail.spec.name,
            get("bantime"),
            get("ignoreregex"),
            actions.join(",")
        )
    });
    assert_eq!(jails.collect::<Vec<_>>().join("; "), expected);
    let told: Vec<String> = applied
        .unwrap()
        .wrong
        .iter()
        .map(|(jail, why)| format!("{jail}: {}", why.message()))
        .collect();
    assert_eq!(told, wrong);
}

#[test]
fn a_stream_says_all_lists_anew_and_leaves_what_it_does_not_name() {
    let a: &[&str] = &[
        "add a polling",
        "set a addignoreregex one",
        "set a addaction x",
        "start a",
    ];
    let later: &[&str] = &["add a polling", "set a addignoreregex two", "start a"];
    let long: &[&str] = &["add a polling", "set a bantime 7", "start a"];
    let b: &[&str] = &["add b polling", "start b"];
    let c: &[&str] = &["add c polling"];
    check_streams(&[(Reload::All, a)], "a 600 ['one'] x", &[]);
    check_streams(
        &[(Reload::All, a), (Reload::All, later)],
        "a 600 ['two'] ",
        &[],
    );
    check_streams(
        &[(Reload::All, long), (Reload::All, later)],
        "a 7 ['two'] ",
        &[],
    );
    check_streams(&[(Reload::All, a), (Reload::All, b)], "b 600 [] ", &[]);
    check_streams(
        &[(Reload::All, a), (Reload::Jail("b"), b)],
        "a 600 ['one'] x; b 600 [] ",
        &[],
    );
    check_streams(&[(Reload::All, c)], "*c 600 [] ", &[]);
}

#[test]
fn a_mistake_in_a_stream_costs_its_jail_alone() {
    let good: &[&str] = &[
        "add a polling",
        "set a bantime 7",
        "start a",
        "add b polling",
        "start b",
    ];
    let bad: &[&str] = &[
        "add a polling",
        "set a bantime x",
        "set a maxretry 1",
        "start a",
        "add b polling",
        "start b",
    ];
    let wrong = "a: 'x' is not a time expression such as 600, 10m or 1d 12h";
    check_streams(
        &[(Reload::All, good), (Reload::All, bad)],
        "a 7 [] ; b 600 [] ",
        &[wrong],
    );
    check_streams(&[(Reload::All, bad)], "b 600 [] ", &[wrong]);
}

#[test]
fn commands_for_the_server_are_handed_back() {
    let mut setup = Setup::empty(Globals::of_server());
    let lines = [
        "set loglevel DEBUG",
        "add a polling",
        "set dbpurgeage 2d",
        "config-error oops",
    ];
    let commands: Vec<Value> = lines.iter().map(|line| Value::List(words(line))).collect();
    let applied = setup.apply(Reload::All, &commands);
    let others = applied
        .others
        .iter()
        .map(|words| Value::List(words.clone()).repr());
    assert_eq!(
        others.collect::<Vec<_>>(),
        [
            "['set', 'loglevel', 'DEBUG']",
            "['set', 'dbpurgeage', '2d']",
            "['config-error', 'oops']"
        ]
    );
    for words in &applied.others {
        drop(setup.set_global(words));
    }
    assert_eq!(setup.globals.loglevel, "DEBUG");
    assert_eq!(setup.globals.dbpurgeage, Span::from_secs(2 * 86_400));
}

#[test]
fn an_idle_jail_reads_nothing() {
    let mut setup = Setup::empty(Globals::of_server());
    for line in [
        "add j auto",
        "set j addlogpath /x.log",
        "start j",
        "set j idle on",
    ] {
        run(&mut setup, line).unwrap();
    }
    assert!(setup.config().jails[0].logpath.is_empty());
    run(&mut setup, "set j idle off").unwrap();
    assert_eq!(setup.config().jails[0].logpath.len(), 1);
}

#[test]
fn our_own_action_is_known_by_its_name() {
    let mut setup = Setup::empty(Globals::of_server());
    for line in [
        "add j auto",
        "set j addaction stockade-sshd",
        "set j action stockade-sshd port 22",
        "set j addaction stockades",
        "start j",
    ] {
        run(&mut setup, line).unwrap();
    }
    let actions = &setup.config().jails[0].actions;
    let port = actions[0]
        .stock
        .as_ref()
        .and_then(|stock| stock.port.as_ref());
    assert_eq!(port.map(|port| port.text.as_str()), Some("22"));
    assert_eq!(actions[1].stock, None);
}
