//! From a ban to a script, through the whole hub.

use super::super::Read;
use super::super::tests::{ask, hub_with};
use super::*;
use base::FailureId;
use std::fs;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

/// An action that writes down what it is told.
pub(in crate::hub) fn recorder(dir: &Path, name: &str, more: &str) {
    let out = dir.join("told").display().to_string();
    let line = |option: &str, what: &str| format!("{option} = echo '{name} {what}' >> {out}\n");
    let ban = "ban <ip> <bancount> <restored> <bantime> <F-USER> <jail.banned_total>";
    let text = format!(
        "[Definition]\n{more}{}{}{}{}{}",
        line("actionstart", "start"),
        line("actionstop", "stop"),
        line("actionban", ban),
        line("actionunban", "unban <ip>"),
        line("actionprolong", "prolong <ip>"),
    );
    fs::create_dir_all(dir.join("action.d")).unwrap();
    fs::write(dir.join(format!("action.d/{name}.conf")), text).unwrap();
}

/// A jail with this `action`, in a tree with the recorders `one`, `two` (which flushes) and `fresh` (`norestored`).
fn world(dir: &Path, action: &str) -> (Hub, Sender<Message>, Receiver<Message>) {
    recorder(dir, "one", "");
    let flush = format!(
        "actionflush = echo 'two flush' >> {}\n",
        dir.join("told").display()
    );
    recorder(dir, "two", &flush);
    recorder(dir, "fresh", "norestored = true\n");
    hub_with(dir, action, "")
}

/// What one action was told, in order.
pub(in crate::hub) fn told(dir: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(dir.join("told")).unwrap_or_default();
    let own = text.lines().filter_map(|line| line.split_once(' '));
    let own = own.filter(|(who, _)| *who == name);
    own.map(|(_, what)| what.to_owned()).collect()
}

fn log(dir: &Path) -> String {
    fs::read_to_string(dir.join("out")).unwrap()
}

fn ban(ip: &str, time: Option<&str>) -> wire::Request {
    wire::Request::Ban {
        jail: "one".into(),
        ips: vec![ip.into()],
        time: time.map(str::to_owned),
        force: false,
    }
}

fn stop(sender: &Sender<Message>, thread: JoinHandle<bool>) {
    ask(sender, wire::Request::Stop { flush: false });
    assert!(thread.join().unwrap());
}

#[test]
fn a_jail_of_shell_actions_bans_and_ends_as_fail2bans() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, sender, inbox) = world(dir.path(), "one\n two");
    hub.restore(Vec::new(), Vec::new(), Vec::new());
    let thread = std::thread::spawn(move || hub.run(&inbox));
    for request in [
        ban("198.51.100.1", None),
        ban("198.51.100.2", Some("-1")),
        ban("198.51.100.1", Some("2h")),
    ] {
        ask(&sender, request);
    }
    let unban = wire::Request::Unban {
        ips: vec!["198.51.100.2".into()],
        jail: None,
    };
    assert!(ask(&sender, unban).contains("198.51.100.2"));
    let status = wire::Request::Status {
        jail: Some("one".into()),
    };
    let status: wire::StatusAnswer = wire::decode(ask(&sender, status).as_bytes()).unwrap();
    let names = status.status.jails[0]
        .actions
        .iter()
        .map(|action| action.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(status.status.enforcement.elements, 0);
    stop(&sender, thread);
    let bans = [
        "start",
        "ban 198.51.100.1 1 0 600  1",
        "ban 198.51.100.2 1 0 -1  2",
        "prolong 198.51.100.1",
        "unban 198.51.100.2",
    ];
    let with = |end: &[&str]| -> Vec<String> {
        let all = bans.iter().chain(end);
        all.map(|line| (*line).to_owned()).collect()
    };
    assert_eq!(
        told(dir.path(), "one"),
        with(&["unban 198.51.100.1", "stop"])
    );
    assert_eq!(told(dir.path(), "two"), with(&["flush", "stop"]));
    let log = log(dir.path());
    for line in [
        "[one] Ban 198.51.100.1\n",
        "[one] Unban 198.51.100.2\n",
        "[one] Repeal Ban 198.51.100.1\n",
        "[one] Flush ticket(s) with two\n",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line}{log}");
    }
    assert!(!log.contains("Repeal Ban 198.51.100.2"), "{log}");
}

#[test]
fn beside_the_kernel_they_are_told_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, sender, inbox) = world(dir.path(), "stockade[port=22]\n one");
    hub.restore(Vec::new(), Vec::new(), Vec::new());
    let thread = std::thread::spawn(move || hub.run(&inbox));
    ask(&sender, ban("198.51.100.1", None));
    stop(&sender, thread);
    let expected = [
        "start",
        "ban 198.51.100.1 1 0 600  1",
        "unban 198.51.100.1",
        "stop",
    ];
    assert_eq!(told(dir.path(), "one"), expected);
    // The kernel's ban stands.
    assert!(!log(dir.path()).contains("Repeal"));
}

/// A failure of somebody who is no address, maybe seen at one.
fn failure(id: &str, ip: Option<&str>) -> detect::Failure {
    detect::Failure {
        id: id.into(),
        address: ip.map(|ip| ip.parse().unwrap()),
        hostname: None,
        time: clock::now(),
        rule: 0,
        users: Default::default(),
        captures: ip.map(|ip| ("ip", ip)).into_iter().collect(),
        matches: ["line"].iter().collect(),
        weight: 1,
    }
}

fn one(hub: &Hub) -> JailId {
    let mut jails = hub.jails.iter();
    jails.find(|jail| jail.name.as_str() == "one").unwrap().id
}

fn fail(hub: &mut Hub, id: &str, ip: Option<&str>) {
    let jail = one(hub);
    let failures = (0..5).map(|_| Read::Failure(jail, failure(id, ip)));
    hub.read(failures.collect());
    hub.perform();
}

#[test]
fn an_id_that_is_no_address_is_banned_by_actions_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, sender, inbox) = world(dir.path(), "stockade[port=22]\n one");
    hub.restore(Vec::new(), Vec::new(), Vec::new());
    fail(&mut hub, "é x", None);
    fail(&mut hub, "mallory", Some("192.0.2.7"));
    fail(&mut hub, "999.1.1.1", None);
    let thread = std::thread::spawn(move || hub.run(&inbox));
    // Its answer comes after those of the store to all that went before.
    assert!(ask(&sender, ban("a b", None)).contains(r#""banned":["a b"]"#));
    let refused = ask(&sender, ban("10.0.0.0/33", None));
    assert!(refused.contains("not an IP address"), "{refused}");
    let banned = ask(
        &sender,
        wire::Request::Banned {
            jail: None,
            newest: None,
        },
    );
    for ip in [r#""ip":"mallory""#, r#""ip":"a b""#, r#""ip":"é x""#] {
        assert!(banned.contains(ip), "{banned}");
    }
    let unban = wire::Request::Unban {
        ips: vec!["mallory".into(), "eve".into()],
        jail: None,
    };
    let unbanned = ask(&sender, unban);
    let expected = r#""unbanned":[{"jail":"one","ip":"mallory"}],"absent":["eve"]"#;
    assert!(unbanned.contains(expected), "{unbanned}");
    stop(&sender, thread);
    let expected = [
        "start",
        "ban é x 1 0 600",
        "ban 192.0.2.7 1 0 600",
        "ban a b 1 0 600",
        "unban 192.0.2.7",
        "unban a b",
        "unban é x",
        "stop",
    ];
    // How many bans there were by then depends on when the store answered.
    let told = told(dir.path(), "one").into_iter();
    let told: Vec<String> = told
        .map(|line| line.split("  ").next().unwrap().to_owned())
        .collect();
    assert_eq!(told, expected);
    let log = log(dir.path());
    for line in [
        "[one] Ban mallory\n",
        "[one] Unban mallory\n",
        "[one] Ignore '999.1.1.1': it is no address\n",
    ] {
        assert!(log.contains(line), "{line}{log}");
    }
    assert!(!log.contains("would ban"), "the kernel was asked: {log}");
}

#[test]
fn the_kernel_alone_bans_no_id_that_is_no_address() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, sender, inbox) = world(dir.path(), "stockade[port=22]");
    hub.restore(vec![stored("mallory")], Vec::new(), Vec::new());
    assert_eq!(hub.engine.bans().count(), 0);
    fail(&mut hub, "mallory", Some("192.0.2.7"));
    let thread = std::thread::spawn(move || hub.run(&inbox));
    let refused = ask(&sender, ban("mallory", None));
    assert!(refused.contains("not an IP address"), "{refused}");
    stop(&sender, thread);
    let log = log(dir.path());
    assert!(
        log.contains("mallory has failures enough and cannot be banned"),
        "{log}"
    );
}

fn stored(id: &str) -> store::Ban {
    store::Ban {
        jail: "one".into(),
        id: id.into(),
        time: clock::now() - Span::from_secs(10),
        length: Some(Span::from_secs(600)),
        count: 1,
        failures: 5,
        users: Vec::new(),
        matches: Vec::new(),
        captures: vec![("ip".into(), "192.0.2.7".into())],
    }
}

#[test]
fn an_id_that_is_no_address_is_banned_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, sender, inbox) = world(dir.path(), "stockade[port=22]\n one");
    hub.restore(vec![stored("mallory")], Vec::new(), Vec::new());
    let thread = std::thread::spawn(move || hub.run(&inbox));
    ask(&sender, ban("198.51.100.3", None));
    stop(&sender, thread);
    let told = told(dir.path(), "one");
    assert_eq!(told[1], "ban 192.0.2.7 1 1 600  1", "{told:?}");
    assert!(log(dir.path()).contains("[one] Restore Ban mallory\n"));
}

#[test]
fn bans_of_an_earlier_run() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, sender, inbox) = world(dir.path(), "one\n fresh");
    let row = |ip: &str, ago: i64, user: &str| store::Ban {
        jail: "one".into(),
        id: ip.into(),
        time: clock::now() - Span::from_secs(ago),
        length: Some(Span::from_secs(600)),
        count: 3,
        failures: 5,
        users: vec![(user.into(), 5)],
        matches: Vec::new(),
        captures: Vec::new(),
    };
    let rows = vec![
        row("198.51.100.1", 10, "root"),
        row("198.51.100.2", 700, "eve"),
    ];
    hub.restore(rows, Vec::new(), Vec::new());
    let thread = std::thread::spawn(move || hub.run(&inbox));
    ask(&sender, ban("198.51.100.3", None));
    let answer = ask(&sender, wire::Request::UnbanAll);
    assert!(
        answer.contains("198.51.100.1") && answer.contains("198.51.100.3"),
        "{answer}"
    );
    stop(&sender, thread);
    let one = told(dir.path(), "one");
    let expected = [
        "start",
        "ban 198.51.100.1 3 1 600 root 1",
        "ban 198.51.100.3 1 0 600  2",
        "unban 198.51.100.1",
        "unban 198.51.100.3",
        "stop",
    ];
    assert_eq!(one, expected);
    let fresh = [
        "start",
        "ban 198.51.100.3 1 0 600  2",
        "unban 198.51.100.3",
        "stop",
    ];
    assert_eq!(told(dir.path(), "fresh"), fresh);
    let log = log(dir.path());
    assert!(log.contains("[one] Restore Ban 198.51.100.1\n"), "{log}");
    assert!(!log.contains("Repeal"), "{log}");
}

#[test]
fn what_a_ban_tells_of_itself_is_not_kept_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, _sender, _inbox) = world(dir.path(), "one");
    let id = FailureId::from("198.51.100.1");
    let record = BanRecord {
        id: id.clone(),
        time: clock::now(),
        length: None,
        count: 1,
        failures: 2,
        users: vec![("a".into(), 1), ("b".into(), 9)],
        matches: vec!["line".into(); 3],
        captures: [("zone", "z"), ("stockade_fixed", "yes")]
            .into_iter()
            .collect(),
    };
    let jail = hub
        .jails
        .iter()
        .find(|jail| jail.name.as_str() == "one")
        .unwrap()
        .id;
    hub.acting.expect(jail, &record, false);
    let event = Event::Banned {
        jail,
        id: id.clone(),
        time: record.time,
        until: None,
        failures: 2,
        users: vec![("b".into(), 9), ("a".into(), 1)],
        count: 1,
        restored: false,
        seq: 1,
    };
    hub.act_on(&event);
    let kept = hub.acting.crew.standing(place(jail), &id).unwrap();
    assert_eq!((kept.matches.len(), kept.users[0].as_str()), (0, "b"));
    assert_eq!(
        (
            kept.captures.get("zone"),
            kept.captures.get("stockade_fixed")
        ),
        (Some("z"), None)
    );
    assert!(hub.acting.awaited.is_empty());
    hub.acting.expect(jail, &record, false);
    hub.acting.forget(&BanKey { jail, id });
    assert!(hub.acting.awaited.is_empty());
}
