//! Commands, values, and what is printed: the texts are what the original prints for the same values.

use super::*;
use wire::fail2ban::Exception;

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn list(items: &[&str]) -> Value {
    Value::list(items.iter().copied())
}

fn pair(name: &str, value: impl Into<Value>) -> Value {
    Value::pair(name, value)
}

fn tuple(items: &[i64]) -> Value {
    Value::Tuple(items.iter().copied().map(Value::Int).collect())
}

fn check(line: &str, value: impl Into<Value>, expected: &str) {
    let value = value.into();
    let shown = shown(&words(line), &value, Signs::Unicode);
    assert_eq!(shown.as_deref(), Ok(expected), "{line}: {}", value.repr());
}

/// The value does not fit, and this is printed instead.
fn check_misfit(line: &str, value: impl Into<Value>, expected: &str) {
    let value = value.into();
    let shown = shown(&words(line), &value, Signs::Unicode);
    assert_eq!(shown, Err(expected.to_owned()), "{line}");
}

#[test]
fn sentences() {
    check("ping", "pong", "Server replied: pong");
    check("ping 5", "pong", "Server replied: pong");
    check("version", "1.1.1", "1.1.1");
    check("echo a b", list(&["a", "b"]), "a b");
    check("echo", list(&[]), "");
    check("start j", Value::None, "Jail started");
    check("stop", Value::None, "Shutdown successful");
    check("stop j", Value::None, "Jail stopped");
    check("stop", "no", "no");
    check("add j auto", "j", "Added jail j");
    check("flushlogs", "rolled over", "logs: rolled over");
    check("reload", "OK", "OK");
    check("server-status", "Server ready", "Server ready");
    check("unban --all", 3, "3");
    check("set j banip 192.0.2.1", 1, "1");
}

#[test]
fn options_of_the_server() {
    check("get loglevel", "INFO", "Current logging level is 'INFO'");
    check("set loglevel 20", 20, "Current logging level is 'INFO'");
    check("get loglevel", 99, "Current logging level is 'Level 99'");
    check("get logtarget", "/l", "Current logging target is:\n`- /l");
    check(
        "get syslogsocket",
        "auto",
        "Current syslog socket is:\n`- auto",
    );
    check("get dbfile", "/d", "Current database file is:\n`- /d");
    check("get dbfile", Value::None, "Database currently disabled");
    check(
        "get dbpurgeage",
        86_400,
        "Current database purge age is:\n`- 86400seconds",
    );
    check("get dbpurgeage", Value::None, "Database currently disabled");
    check("get dbmaxmatches", 10, "10");
    check(
        "get thread",
        Value::Dict(vec![pair_of("stacksize", 0)]),
        "{'stacksize': 0}",
    );
    // The words decide, not whether there is such a command.
    check("xyz loglevel", "INFO", "Current logging level is 'INFO'");
}

fn pair_of(key: &str, value: impl Into<Value>) -> (Value, Value) {
    (key.into(), value.into())
}

#[test]
fn options_of_a_jail() {
    check("get j logpath", list(&[]), "No file is currently monitored");
    check(
        "set j addlogpath /b",
        list(&["/a", "/b"]),
        "Current monitored log file(s):\n|- /a\n`- /b",
    );
    check(
        "get j ignoreip",
        list(&[]),
        "No IP address/network is ignored",
    );
    check(
        "set j delignoreip x",
        list(&["::1"]),
        "These IP addresses/networks are ignored:\n`- ::1",
    );
    check(
        "get j failregex",
        list(&["a", "b"]),
        "The following regular expression are defined:\n|- [0]: a\n`- [1]: b",
    );
    check(
        "get j ignoreregex",
        list(&[]),
        "No regular expression is defined",
    );
    check(
        "get j logencoding",
        "UTF-8",
        "Current log encoding is set to:\nUTF-8",
    );
    check(
        "get j journalmatch",
        list(&[]),
        "No journal match filter set",
    );
    check(
        "set j addjournalmatch E=F",
        Value::List(vec![list(&["A=B", "C=D"]), list(&["E=F"])]),
        "Current match filter:\nA=B C=D + E=F",
    );
    check(
        "get j datepattern",
        Value::None,
        "Current date pattern set to: Not set/required",
    );
    check(
        "get j datepattern",
        Value::pair(Value::None, "Default Detectors"),
        "Current date pattern set to: Default Detectors",
    );
    check(
        "set j datepattern %Y",
        pair("%Y", "Year"),
        "Current date pattern set to: %Y (Year)",
    );
    check(
        "get j actions",
        list(&["a", "b"]),
        "The jail j has the following actions:\na, b",
    );
    check("get j actions", list(&[]), "No actions for jail j");
    check(
        "get j actionproperties a",
        list(&["x"]),
        "The jail j action a has the following properties:\nx",
    );
    check(
        "get j actionmethods a",
        list(&[]),
        "No methods for jail j action a",
    );
    check("get j banip", list(&["::1", "::2"]), "::1 ::2");
    check("get j banip ,", list(&["::1", "::2"]), "::1,::2");
    check("get j banip --with-time", list(&["a \tb", "c"]), "a \tb\nc");
    check("get j findtime", 600, "600");
    check("get j ignorecommand", false, "False");
    check("get j ignorecache", Value::None, "None");
    check("get j prefregex", "", "");
    check("get j banned", list(&["::1"]), "['::1']");
    check(
        "banned",
        Value::List(vec![Value::Dict(vec![pair_of("j", list(&["::1"]))])]),
        "[{'j': ['::1']}]",
    );
}

#[test]
fn what_does_not_fit_is_told_twice() {
    check_misfit("flushlogs", Value::None, "NoneNone");
    check_misfit("status", Value::None, "['Status']None");
    check_misfit("get j logpath", Value::None, "NoneNone");
    check_misfit(
        "get j logpath",
        Value::List(vec!["a".into(), 3.into()]),
        "'Current monitored log file(s):\\n|- a\\n'['a', 3]",
    );
    check_misfit(
        "get logtarget",
        Value::None,
        "'Current logging target is:\\n'None",
    );
    check_misfit(
        "get j datepattern",
        list(&["a", "b"]),
        "'Current date pattern set to: '['a', 'b']",
    );
    check_misfit(
        "status j",
        Value::List(vec![pair("A", Value::Dict(vec![pair_of("x", 1)]))]),
        "['Status for the jail: j', '`- A'][('A', {'x': 1})]",
    );
    check_misfit("stats", "x", "'x''x'");
}

fn status_of_a_jail() -> Value {
    Value::List(vec![
        pair(
            "Filter",
            Value::List(vec![
                pair("Currently failed", 0),
                pair("File list", list(&["/a", "/b"])),
            ]),
        ),
        pair(
            "Actions",
            Value::List(vec![
                pair("Total banned", 2),
                pair("Banned IP list", list(&[])),
            ]),
        ),
    ])
}

fn status_of_all(jails: Option<Vec<(Value, Value)>>) -> Value {
    let mut parts = vec![pair("Number of jail", 2), pair("Jail list", "a, b")];
    parts.extend(jails.map(Value::Dict));
    Value::List(parts)
}

#[test]
fn trees_of_status() {
    check(
        "status",
        status_of_all(None),
        "Status\n|- Number of jail:\t2\n`- Jail list:\ta, b",
    );
    check(
        "status j short",
        status_of_a_jail(),
        "Status for the jail: j\n\
         |- Filter\n|  |- Currently failed:\t0\n|  `- File list:\t/a /b\n\
         `- Actions\n   |- Total banned:\t2\n   `- Banned IP list:\t",
    );
    check(
        "status --all",
        status_of_all(Some(vec![
            pair_of("a", status_of_a_jail()),
            pair_of("b", status_of_a_jail()),
        ])),
        "Status\n|- Number of jail:\t2\n|- Jail list:\ta, b\n`- Status for the jails:\n\
         \x20  |- Jail: a\n\
         \x20  |  |- Filter\n\
         \x20  |  |  |- Currently failed:\t0\n\
         \x20  |  |  `- File list:\t/a /b\n\
         \x20  |  `- Actions\n\
         \x20  |     |- Total banned:\t2\n\
         \x20  |     `- Banned IP list:\t\n\
         \x20  `- Jail: b\n\
         \x20     |- Filter\n\
         \x20     |  |- Currently failed:\t0\n\
         \x20     |  `- File list:\t/a /b\n\
         \x20     `- Actions\n\
         \x20        |- Total banned:\t2\n\
         \x20        `- Banned IP list:\t",
    );
    check(
        "status --all",
        status_of_all(Some(Vec::new())),
        "Status\n|- Number of jail:\t2\n`- Jail list:\ta, b",
    );
}

fn counters(backend: &str, filter: &[i64], actions: &[i64]) -> Value {
    Value::List(vec![backend.into(), tuple(filter), tuple(actions)])
}

#[test]
fn table_of_stats() {
    let one = Value::Dict(vec![pair_of("t1", counters("polling", &[0, 6], &[2, 2]))]);
    let table = "          ║           ║ Filter    ║ Actions
 Jail     ║ Backend   ╟───────────╫───────────
          ║           ║ cur │ tot ║ cur │ tot
══════════╬═══════════╬═══════════╬═══════════
 t1       ║ polling   ║   0 │   6 ║   2 │   2
══════════╩═══════════╩═══════════╩═══════════";
    for line in ["stats", "statistic", "statistics"] {
        check(line, one.clone(), table);
    }
    // As a flavour of status it is a table, too.
    check(
        "status t1 stats",
        counters("polling", &[0, 6], &[2, 2]),
        table,
    );
    check(
        "status --all stats",
        Value::List(vec![pair("Number of jail", 1), one]),
        &format!("Status\n|- Number of jail:\t1\n`- Status for the jails:\n{table}"),
    );
    check("stats", Value::Dict(Vec::new()), "No jails found.");
}

#[test]
fn table_without_box_drawing() {
    let wide = Value::Dict(vec![
        pair_of("a-long-name", counters("systemd", &[1, 12345], &[0, 0])),
        pair_of("b", counters("pyinotify", &[0, 0], &[1000, 1000])),
    ]);
    let shown = shown(&words("stats"), &wide, Signs::Ascii);
    let expected = "             |           | Filter      | Actions
 Jail        | Backend   |-------------x-------------
             |           | cur |   tot |  cur |  tot
-------------x-----------x-------------x-------------
 a-long-name | systemd   |   1 | 12345 |    0 |    0
 b           | pyinotify |   0 |     0 | 1000 | 1000
-----------------------------------------------------";
    assert_eq!(shown.as_deref(), Ok(expected));
}

#[test]
fn signs_follow_the_locale() {
    let cases = [
        (&[][..], Signs::Unicode),
        (&[("LANG", "C")], Signs::Unicode),
        (&[("LANG", "de_DE.UTF-8")], Signs::Unicode),
        (&[("LANG", "de_DE.utf8")], Signs::Unicode),
        (
            &[("LANG", "de_DE.UTF-8"), ("LC_ALL", "de_DE")],
            Signs::Ascii,
        ),
        (
            &[("LANG", "de_DE.ISO-8859-1"), ("LC_ALL", "")],
            Signs::Ascii,
        ),
        (
            &[("LANG", "de_DE"), ("LC_CTYPE", "C.UTF-8")],
            Signs::Unicode,
        ),
    ];
    for (variables, expected) in cases {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(Signs::of_locale(variable), expected, "{variables:?}");
    }
}

#[test]
fn refusals() {
    let check = |class: &str, args: &[Value], log: &str, sentence: &str| {
        let value = Value::Exception(Exception {
            class: class.into(),
            args: args.to_vec(),
        });
        let refusal = refusal(&value);
        assert_eq!(
            (refusal.log.as_str(), refusal.sentence.as_deref()),
            (log, Some(sentence))
        );
    };
    check(
        "fail2ban.exceptions.UnknownJailException",
        &["x".into()],
        "NOK: ('x',)",
        "Sorry but the jail 'x' does not exist",
    );
    check(
        "fail2ban.exceptions.DuplicateJailException",
        &["x".into()],
        "NOK: ('x',)",
        "The jail 'x' already exists",
    );
    check(
        "IndexError",
        &["list index out of range".into()],
        "NOK: ('list index out of range',)",
        "Sorry but the command is invalid",
    );
    check(
        "ValueError",
        &["bad 'q'".into()],
        "NOK: (\"bad 'q'\",)",
        "bad 'q'",
    );
    check("KeyError", &["k".into()], "NOK: ('k',)", "'k'");
    check("Exception", &[], "NOK: ()", "");
    check(
        "FileNotFoundError",
        &[2.into(), "No such".into(), "/f".into()],
        "NOK: (2, 'No such')",
        "[Errno 2] No such: '/f'",
    );
    check(
        "json.decoder.JSONDecodeError",
        &["Expecting value".into(), "[\n1,]".into(), 4.into()],
        "NOK: ('Expecting value: line 2 column 3 (char 4)',)",
        "Expecting value: line 2 column 3 (char 4)",
    );
    let nothing = refusal(&Value::from("text"));
    assert_eq!(nothing.log, "The server says no and not why: 'text'");
    assert_eq!(nothing.sentence, None);
}
