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
    let expand = |pattern: &str| match pattern.strip_suffix('*') {
        Some(dir) => vec![format!("{dir}1"), format!("{dir}2")],
        None => vec![pattern.to_owned()],
    };
    let (commands, faults) = dump(&files, &tree, &expand);
    assert_eq!(faults, []);
    let shown: Vec<String> = commands
        .into_iter()
        .map(|command| shown(&Item::List(command)))
        .collect();
    let expected = [
        "[set, thread, {stacksize: 64}]",
        "[set, syslogsocket, auto]",
        "[set, loglevel, DEBUG]",
        "[set, logtarget, /var/log/fail2ban.log]",
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
        "[set, j, addaction, n.py, /c/action.d/n.py, {\"k\": \"v\"}]",
        "[config-error, Jail 'bad' skipped, because of wrong configuration: there is no readable filter.d/gone.conf]",
        "[start, j]",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn words_are_cut_as_in_a_shell() {
    let cases: [(&str, &[&str]); 6] = [
        ("", &[]),
        (" a  b ", &["a", "b"]),
        ("a\"b c\"d 'e f'", &["ab cd", "e f"]),
        ("\"\" ''", &["", ""]),
        ("a\\ b \"c\\\"d\" 'e\\f'", &["a b", "c\"d", "e\\f"]),
        ("'open end", &["open end"]),
    ];
    for (line, expected) in cases {
        assert_eq!(shell_words(line), expected, "{line}");
    }
}

#[test]
fn texts_become_json() {
    let cases = [
        ("a", "\"a\""),
        ("a\"\\", "\"a\\\"\\\\\""),
        ("ü\n", "\"\\u00fc\\n\""),
        ("😀", "\"\\ud83d\\ude00\""),
    ];
    for (text, expected) in cases {
        assert_eq!(json_text(text), expected, "{text}");
    }
}
