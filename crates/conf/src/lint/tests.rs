//! Slips are told with the name that was meant; variables of one's own are not.

use super::*;
use crate::{Choice, Manner, MemoryFiles, load};
use std::path::Path;

const FILTER: &str = "[Definition]\nfailregex = ^bad <HOST>$\n";

/// What is told of these files, each finding as `message (file:line) | help`.
fn told(files: &[(&str, &str)]) -> Vec<String> {
    let mut tree_files = MemoryFiles::default();
    tree_files.insert("/t/fail2ban.conf", "[DEFAULT]\nloglevel = INFO\n");
    tree_files.insert("/t/filter.d/bad.conf", FILTER);
    for (name, content) in files {
        tree_files.insert(format!("/t/{name}"), *content);
    }
    let tree = Tree::find(&tree_files, Some(Path::new("/t")), Manner::Stockade);
    let (config, _) = load(&tree_files, &tree, Choice::Enabled);
    let found = unknown_names(&tree_files, &tree, &config);
    let text = |one: &Diagnostic| {
        let at = one.origin.as_ref().unwrap();
        let file = at.file.strip_prefix("/t/").unwrap();
        let help = one.help.as_deref().unwrap_or("-");
        format!("{} ({file}:{}) | {help}", one.message, at.line)
    };
    found.iter().map(text).collect()
}

fn check(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(told(files), expected, "{files:?}");
}

/// A jail that runs, with more lines.
fn jail(lines: &str) -> String {
    format!("[bad]\nenabled = true\nfilter = bad\nlogpath = /x\n{lines}")
}

#[test]
fn slips_in_jails_are_told() {
    for (line, expected) in [
        ("maxretry = 3", None),
        (
            "maxrety = 3",
            Some(
                "unknown option 'maxrety' in [bad]; it is not read (jail.conf:5) | did you mean maxretry?",
            ),
        ),
        (
            "MaxRety = 3",
            Some(
                "unknown option 'maxrety' in [bad]; it is not read (jail.conf:5) | did you mean maxretry?",
            ),
        ),
        (
            "bantme = 3",
            Some(
                "unknown option 'bantme' in [bad]; it is not read (jail.conf:5) | did you mean bantime?",
            ),
        ),
        (
            "bantime.incremnt = 1",
            Some(
                "unknown option 'bantime.incremnt' in [bad]; it is not read (jail.conf:5) | did you mean bantime.increment?",
            ),
        ),
        (
            "ignore_ip = ::1",
            Some(
                "unknown option 'ignore_ip' in [bad]; it is not read (jail.conf:5) | did you mean ignoreip?",
            ),
        ),
        (
            "whatever = 3",
            Some(
                "option 'whatever' in [bad] is unknown, and nothing refers to it (jail.conf:5) | -",
            ),
        ),
        // A variable of one's own, however it is called.
        ("maxrety = 3\nmaxretry = %(maxrety)s", None),
        ("whatever = 3\nmaxretry = %(bad/whatever)s", None),
        ("action_mine = x", None),
    ] {
        let expected: Vec<&str> = expected.into_iter().collect();
        check(&[("jail.conf", &jail(line))], &expected);
    }
}

#[test]
fn what_others_refer_to_is_near_enough_to_be_meant() {
    let text = format!(
        "[DEFAULT]\nport = 1\naction = act[port=%(port)s]\n{}",
        jail("ports = 22")
    );
    let act = "[Definition]\nactionban = x <port>\n";
    check(
        &[("jail.conf", &text), ("action.d/act.conf", act)],
        &["unknown option 'ports' in [bad]; it is not read (jail.conf:8) | did you mean port?"],
    );
}

#[test]
fn sections_that_are_no_jails_are_told() {
    check(
        &[("jail.conf", &jail("[Definition]\nx = 1"))],
        &[
            "option 'x' in [Definition] is unknown, and nothing refers to it (jail.conf:6) | -",
            "section [Definition] has no option of a jail; it is not used (jail.conf:5) | -",
        ],
    );
    check(
        &[
            ("jail.conf", &jail("")),
            ("jail.local", "[bda]\nmaxretry = 3\n"),
        ],
        &[
            "section [bda] is no enabled jail and there is no filter of its name; what it sets is not used (jail.local:1) | did you mean [bad]?",
        ],
    );
    // Far from every other name it may be a jail that is switched off.
    check(&[("jail.conf", &jail("[other]\nmaxretry = 3"))], &[]);
}

#[test]
fn slips_in_filters_and_actions_are_told() {
    let action = |text: &str| jail(&format!("action = {text}"));
    let act = "[Definition]\nactionban = x <dest> <more-<kind>>\n[Init]\ndest = root\nmore-a = 1\nmore-b = 2\nkind = a\n";
    let with = |jail: &str, filter: &str, act: &str| {
        told(&[
            ("jail.conf", jail),
            ("filter.d/bad.conf", filter),
            ("action.d/act.conf", act),
        ])
    };
    assert_eq!(with(&action("act"), FILTER, act), [""; 0]);
    assert_eq!(
        with(
            &action("act"),
            &format!("{FILTER}failregx = x\nown = 1\n"),
            act
        ),
        [
            "unknown option 'failregx' in [Definition]; it is not read (filter.d/bad.conf:3) | did you mean failregex?"
        ]
    );
    assert_eq!(
        with(
            &action("act"),
            &format!("{FILTER}[Intit]\nmaxlines = 1\n"),
            act
        ),
        [
            "unknown section [Intit]; nothing in it is read (filter.d/bad.conf:3) | did you mean [Init]?"
        ]
    );
    assert_eq!(
        with(&action("act"), FILTER, &format!("{act}actionbann = y\n")),
        [
            "unknown option 'actionbann' in [Init]; it is not read (action.d/act.conf:8) | did you mean actionban?"
        ]
    );
    assert_eq!(
        with(&action("act[dets=me]"), FILTER, act),
        [
            "action.d/act has no option 'dets'; what the jail gives it is not read (jail.conf:5) | did you mean dest?"
        ]
    );
    assert_eq!(
        with(
            &action("act[dest=me, more-a=3, port=1, sender=x]"),
            FILTER,
            act
        ),
        [""; 0]
    );
    assert_eq!(
        told(&[(
            "jail.conf",
            "[bad]\nenabled = true\nfilter = bad[maxline=2]\nlogpath = /x\n"
        )]),
        [
            "filter.d/bad has no option 'maxline'; what the jail gives it is not read (jail.conf:3) | did you mean maxlines?"
        ]
    );
}

#[test]
fn slips_in_the_options_of_the_daemon_are_told() {
    check(
        &[
            ("jail.conf", &jail("")),
            (
                "fail2ban.local",
                "[Definition]\nloglevl = DEBUG\n[Defnition]\nx=1\n[Thread]\nstacksize = 0\n",
            ),
        ],
        &[
            "unknown section [Defnition]; nothing in it is read (fail2ban.local:3) | did you mean [Definition]?",
            "unknown option 'loglevl' in [Definition]; it is not read (fail2ban.local:2) | did you mean loglevel?",
            "option 'x' in [Defnition] is unknown, and nothing refers to it (fail2ban.local:4) | -",
        ],
    );
}

#[test]
fn an_unknown_backend_is_told() {
    for (backend, expected) in [
        ("auto", None),
        ("systemd[journalflags=1]", None),
        ("Polling", None),
        (
            "sytemd",
            Some(
                "unknown backend 'sytemd'; auto is taken instead (jail.conf:5) | did you mean systemd?",
            ),
        ),
        (
            "gamin",
            Some(
                "unknown backend 'gamin'; auto is taken instead (jail.conf:5) | did you mean auto, polling, pyinotify, systemd?",
            ),
        ),
    ] {
        let expected: Vec<&str> = expected.into_iter().collect();
        check(
            &[("jail.conf", &jail(&format!("backend = {backend}")))],
            &expected,
        );
    }
}

#[test]
fn our_own_tree_has_no_slips() {
    let files = MemoryFiles::default();
    let tree = Tree::find(&files, None, Manner::Stockade);
    let (config, _) = load(&files, &tree, Choice::All);
    assert_eq!(unknown_names(&files, &tree, &config), []);
    assert_eq!(jail_names(&files, &tree).unwrap().len(), 8);
}

#[test]
fn a_tree_that_is_not_there_has_no_names() {
    let files = MemoryFiles::default();
    let tree = Tree::find(&files, Some(Path::new("/nowhere")), Manner::Stockade);
    let (config, _) = load(&files, &tree, Choice::All);
    assert_eq!(jail_names(&files, &tree), None);
    assert_eq!(unknown_names(&files, &tree, &config), []);
}
