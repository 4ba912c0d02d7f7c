//! What backends and encodings are read as, and what is said of those that are none.

use super::*;
use conf::{Choice, Manner, MemoryFiles, Tree};
use std::path::Path;

fn spec(lines: &str) -> JailSpec {
    let mut files = MemoryFiles::default();
    files.insert(
        "/c/jail.conf",
        format!("[j]\nenabled = true\nfailregex = x\n{lines}\n"),
    );
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
    let (config, _) = conf::load(&files, &tree, Choice::Enabled);
    config.jails.into_iter().next().unwrap()
}

fn check(
    backend: &str,
    flags: Option<i32>,
    expected: Result<(Backend, bool, JournalSource), &str>,
) {
    let source = compile(&spec(&format!("backend = {backend}")), flags);
    let found = source.map(|source| (source.backend, source.polled, source.place));
    let found = found.map_err(|diagnostic| diagnostic.to_string());
    assert_eq!(found, expected.map_err(str::to_owned), "{backend}");
}

#[test]
fn backends_are_fail2bans() {
    let plain = JournalSource::default;
    check("auto", None, Ok((Backend::Either, false, plain())));
    check("AUTO", None, Ok((Backend::Either, false, plain())));
    check("pyinotify", None, Ok((Backend::Files, false, plain())));
    check("inotify", None, Ok((Backend::Files, false, plain())));
    check("Polling", None, Ok((Backend::Files, true, plain())));
    check("systemd", None, Ok((Backend::Journal, false, plain())));
    let place = JournalSource {
        directory: Some("/j".into()),
        flags: 4,
        ..plain()
    };
    check(
        "systemd[journalpath=/j, rotated=on]",
        None,
        Ok((Backend::Journal, false, place)),
    );
    let place = JournalSource {
        files: vec!["/a/*.journal".into(), "/b".into()],
        flags: 2,
        ..plain()
    };
    let text = "systemd[journalfiles=\"/a/*.journal, /b\", journalflags=2]";
    check(text, Some(8), Ok((Backend::Journal, false, place)));
    let place = JournalSource {
        namespace: Some("n".into()),
        flags: 8,
        ..plain()
    };
    check(
        "systemd[namespace=n, rotated=on]",
        Some(8),
        Ok((Backend::Journal, false, place)),
    );
    let rotated_off = "auto[rotated=off]";
    check(rotated_off, None, Ok((Backend::Either, false, plain())));
}

#[test]
fn what_is_no_backend_costs_the_jail_and_is_shown() {
    check(
        "gamin",
        None,
        Err(
            "error: jail 'j': unknown backend 'gamin'; the jail is left out (/c/jail.conf:4)\n    4 | backend = gamin\n                  ^^^^^\nhelp: use auto, pyinotify, polling or systemd",
        ),
    );
    check(
        "polling[x=1]",
        None,
        Err(
            "error: jail 'j': backend 'polling' has no option 'x'; the jail is left out (/c/jail.conf:4)\n    4 | backend = polling[x=1]\n                          ^\nhelp: delete the brackets and what is in them",
        ),
    );
    check(
        "systemd[journalfile=/a]",
        None,
        Err(
            "error: jail 'j': backend 'systemd' has no option 'journalfile'; the jail is left out (/c/jail.conf:4)\n    4 | backend = systemd[journalfile=/a]\n                          ^^^^^^^^^^^\nhelp: use journalpath, journalfiles, journalflags, namespace or rotated",
        ),
    );
    check(
        "systemd[journalflags=all]",
        None,
        Err(
            "error: jail 'j': journalflags = 'all' of the backend is no number; the jail is left out (/c/jail.conf:4)\n    4 | backend = systemd[journalflags=all]\n                                       ^^^\nhelp: add up 1 (this machine), 2 (in memory), 4 (the system), 8 (the user)",
        ),
    );
    let both = compile(
        &spec("backend = systemd[journalpath=/j, namespace=n]"),
        None,
    );
    let message = both.err().unwrap().message;
    assert!(message.contains("more than one of"), "{message}");
}

#[test]
fn an_unknown_encoding_is_replaced_and_shown() {
    let mut diagnostics = Vec::new();
    assert_eq!(
        encoding(&spec("logencoding = KOI8-R"), &mut diagnostics).to_string(),
        "koi8-r"
    );
    assert_eq!(encoding(&spec(""), &mut diagnostics), Encoding::Utf8);
    assert!(diagnostics.is_empty());
    assert_eq!(
        encoding(&spec("logencoding = klingon"), &mut diagnostics),
        Encoding::Utf8
    );
    assert_eq!(
        diagnostics[0].to_string(),
        "warning: jail 'j': logencoding 'klingon' is not known; utf-8 is taken instead (/c/jail.conf:4)\n    4 | logencoding = klingon\n                      ^^^^^^^\nhelp: use a name such as utf-8, latin1, iso-8859-15, cp1252, koi8-r or utf-16"
    );
}
