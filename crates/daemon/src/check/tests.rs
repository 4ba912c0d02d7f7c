//! What is seen of sources and actions on a disk of our own.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

fn tree(jail: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["filter.d", "action.d", "logs"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(
        at("filter.d/bad.conf"),
        "[Definition]\nfailregex = ^bad <HOST>$\n",
    )
    .unwrap();
    fs::write(at("logs/a.log"), "").unwrap();
    fs::write(at("logs/b.log"), "").unwrap();
    let text = jail.replace("DIR", &dir.path().join("logs").display().to_string());
    fs::write(
        at("jail.conf"),
        format!("[bad]\nenabled = true\nfilter = bad\n{text}"),
    )
    .unwrap();
    dir
}

fn looked_at(dir: &Path) -> CheckedJail {
    let report = check(&Check {
        config: Some(dir.to_path_buf()),
        ..Check::default()
    });
    report.jails[0].clone()
}

#[test]
fn sources_decide_how_a_jail_would_stand() {
    for (lines, verdict, reason) in [
        ("logpath = DIR/a.log", Verdict::Ok, ""),
        ("logpath = DIR/*.log", Verdict::Ok, ""),
        ("logpath = DIR/a.log\n  DIR/none.log", Verdict::Ok, ""),
        (
            "logpath = DIR/none.log",
            Verdict::Waiting,
            "DIR/none.log is missing",
        ),
        (
            "logpath = DIR/none/a.log",
            Verdict::Waiting,
            "DIR/none/a.log is missing",
        ),
        (
            "logpath = DIR/a.log/b",
            Verdict::Waiting,
            "DIR/a.log/b is missing",
        ),
        (
            "logpath = DIR/n*.log\n  DIR/none.log",
            Verdict::Waiting,
            "DIR/n*.log matches nothing, DIR/none.log is missing",
        ),
        (
            "logpath = DIR",
            Verdict::Error,
            "DIR: it is no regular file",
        ),
        (
            "logpath = /dev/null",
            Verdict::Error,
            "/dev/null: it is no regular file",
        ),
        (
            "logpath = a.log",
            Verdict::Error,
            "a.log: it is no absolute path",
        ),
        (
            "",
            Verdict::Error,
            "it has no logpath and no journalmatch, and would wait for ever",
        ),
        (
            "backend = polling",
            Verdict::Error,
            "it has no logpath, and nothing else to read",
        ),
        (
            "backend = systemd\njournalmatch = nonsense",
            Verdict::Error,
            "journalmatch: 'nonsense' is not of the form FIELD=value",
        ),
        (
            "logpath = DIR/a.log\nbackend = polling\njournalmatch = nonsense",
            Verdict::Ok,
            "",
        ),
    ] {
        let dir = tree(lines);
        let jail = looked_at(dir.path());
        let logs = dir.path().join("logs").display().to_string();
        let told = jail.reason.unwrap_or_default().replace(&logs, "DIR");
        assert_eq!((jail.verdict, told.as_str()), (verdict, reason), "{lines}");
    }
}

#[test]
fn a_log_that_may_not_be_read_is_an_error() {
    let dir = tree("logpath = DIR/a.log");
    let log = dir.path().join("logs/a.log");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&log).is_ok() {
        println!("SKIPPED a_log_that_may_not_be_read_is_an_error: this user may read every file");
        return;
    }
    let jail = looked_at(dir.path());
    assert_eq!(jail.verdict, Verdict::Error);
    assert!(jail.reason.unwrap().contains("permission denied"));
}

#[test]
fn each_action_says_who_carries_it_out() {
    let stock =
        "[Definition]\nactionban = iptables <port>\n[Init]\nport = ssh\nblocktype = REJECT\n";
    let check = |action: &str, local: &str, by: Enforcement| {
        let dir = tree(&format!("logpath = DIR/a.log\naction = {action}\n"));
        let at = |name: &str| dir.path().join("action.d").join(name);
        fs::write(at("iptables-multiport.conf"), stock).unwrap();
        fs::write(at("mail.conf"), "[Definition]\nactionban = mail\n").unwrap();
        if !local.is_empty() {
            fs::write(at("iptables-multiport.local"), local).unwrap();
        }
        let jail = looked_at(dir.path());
        assert_eq!(jail.actions[0].by, by, "{action} {local}");
    };
    let native = |ports: &str, blocktype| Enforcement::Native {
        ports: Some(ports.to_owned()),
        protocol: "tcp".into(),
        blocktype,
        scope: "all",
    };
    check("iptables-multiport", "", native("ssh", "reject"));
    check(
        "iptables-multiport[port=\"80,443\", blocktype=DROP]",
        "",
        native("80,443", "drop"),
    );
    let shell = |why| Enforcement::Shell { why };
    check(
        "iptables-multiport",
        "[Definition]\nactionban = mine\n",
        shell("its commands or its blocktype were changed"),
    );
    check("mail", "", shell("it is none of the stock ban actions"));
    check("smtp.py", "", Enforcement::Mail);
    check("other.py", "", Enforcement::Python);
}

#[test]
fn what_is_wrong_with_an_action_is_noted() {
    let check = |action: &str, notes: &[&str]| {
        let dir = tree(&format!("logpath = DIR/a.log\naction = {action}\n"));
        let text = "[Definition]\nactionban = a <x> <y>\n[Init]\nx = 1\ny = <z>\n\
            [Init?family=inet6]\ny = 6\nz = <y>\n";
        fs::write(dir.path().join("action.d/mine.conf"), text).unwrap();
        let found = looked_at(dir.path()).notes;
        let are_alike = found
            .iter()
            .zip(notes)
            .all(|(found, note)| found.contains(note));
        assert!(
            found.len() == notes.len() && are_alike,
            "{action}: {found:?}"
        );
    };
    check("mine", &[]);
    check("mine[timeout=soon]", &["timeout = 'soon'"]);
    check(
        "mine[y=\"<z>\", z=\"<y>\"]",
        &["'mine' cannot use actionban: "],
    );
    // Also where only one family is concerned.
    check(
        "mine[y?family=inet6=\"<z>\"]",
        &["'mine' cannot use actionban: "],
    );
    check("smtp.py[host=x]", &[]);
    check(
        "smtp.py[host=a:b]",
        &["'smtp.py' sends nothing: host", "it only detects"],
    );
    check("other.py", &["it only detects"]);
    check("mine\n other.py", &[]);
}

#[test]
fn nothing_is_left_behind() {
    let dir = tree("logpath = DIR/none.log");
    let names = || {
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = names();
    looked_at(dir.path());
    assert_eq!(names(), before);
}
