//! Every stock action through a life, by Debian's fail2ban and by us: the same programs with the same arguments and the
//! same input, in the same order, and the same files left behind.
//!
//! The programs are stand-ins that write down how they are called. Paths of the system in the actions are changed, for
//! both alike, to a directory of the test, so that nothing outside is touched.

#![expect(clippy::unwrap_used, reason = "a panic of a test is its report")]

#[path = "actions/stage.rs"]
mod stage;

use serde_json::{Value, json};
use stage::{Fail2ban, Stage};
use std::path::{Path, PathBuf};

/// Where stock actions lie: Debian's own, and the master branch's where it is at hand.
const TREES: [(&str, &str); 2] = [
    ("debian", "/etc/fail2ban/action.d"),
    ("master", "../../../shared/cases/trees/master/action.d"),
];

/// Lives that differ: after a repair for an id of no family fail2ban does not look whether it went well. Here the check
/// decides, as it does for addresses there.
const KNOWN: [(&str, &str, &str); 1] =
    [("symbiosis-blacklist-allports", "unwilling", "no address")];

/// A line with everything that a shell could misread. What it asks for must never happen.
const HOSTILE: &str = "Nov 25 sshd: user 'a\"b' $(touch pwned) `touch pwned`; touch pwned | & <x> \\ {} [x] ~ * ? # !";

fn step(what: &str, ip: Option<&str>, bantime: i64) -> Value {
    json!({
        "what": what,
        "ip": ip,
        "time": 1_700_000_000.0,
        "bantime": bantime,
        "failures": 3,
        "matches": [HOSTILE, "second line 192.0.2.7"],
        "captures": { "user": "o'neill", "fport": "2222" },
    })
}

fn life() -> Vec<Value> {
    let (v4, v6) = (Some("192.0.2.7"), Some("2001:db8::7"));
    vec![
        step("start", None, 0),
        step("ban v4", v4, 600),
        step("ban other", Some("192.0.2.8"), -1),
        step("ban v6", v6, 600),
        step("prolong v4", v4, 3600),
        step("unban v4", v4, 600),
        step("stop", None, 0),
    ]
}

/// The same of ids that are no address, one of them seen at one.
fn life_of_no_address() -> Vec<Value> {
    let of = |what: &str, id: &str, ip: Option<&str>, bantime| {
        let mut step = step(what, ip, bantime);
        step["id"] = id.into();
        step
    };
    // What it asks for must never happen either.
    let hostile = "x' $(touch pwned) \"`touch pwned`; | & <ip> \\ é";
    vec![
        step("start", None, 0),
        of("ban mallory", "mallory", None, 600),
        of("ban other", hostile, None, -1),
        of("ban at v4", "eve", Some("192.0.2.7"), 600),
        of("ban at v6", "zoe b", Some("2001:db8::7"), 600),
        of("prolong mallory", "mallory", None, 3600),
        of("prolong at v6", "zoe b", Some("2001:db8::7"), 3600),
        of("unban mallory", "mallory", None, 600),
        of("unban at v4", "eve", Some("192.0.2.7"), 600),
        step("stop", None, 0),
    ]
}

/// The trees that are at hand.
fn trees() -> Vec<(&'static str, PathBuf)> {
    let here = |dir: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let all = TREES.map(|(tree, dir)| (tree, here(dir)));
    let (there, gone): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, dir)| dir.is_dir());
    for (tree, dir) in gone {
        println!(
            "SKIPPED stock actions of {tree}: there is no {}",
            dir.display()
        );
    }
    there
}

#[test]
fn every_stock_action() {
    if !Fail2ban::is_there("every_stock_action") {
        return;
    }
    let reports = of_all_trees(all_of);
    judge(&reports);
}

type Report = (String, Vec<String>);

/// What a part of the test says of each tree.
fn of_all_trees(part: fn(&str, &Path) -> Report) -> Vec<Report> {
    std::thread::scope(|scope| {
        let threads = trees()
            .into_iter()
            .map(|(tree, dir)| scope.spawn(move || part(tree, &dir)));
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn judge(reports: &[Report]) {
    for (line, _) in reports {
        println!("{line}");
    }
    let failed: Vec<&str> = reports
        .iter()
        .flat_map(|(_, failed)| failed)
        .map(String::as_str)
        .collect();
    assert!(
        failed.is_empty(),
        "{} differ\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// All actions of a tree: a line about them, and those that differ.
fn all_of(tree: &str, dir: &Path) -> Report {
    let mut fail2ban = Fail2ban::start();
    let stage = Stage::new(dir);
    let (mut alike, mut commands, mut failed) = (0, 0, Vec::new());
    let names = stage.actions();
    for name in &names {
        for mood in ["willing", "unwilling"] {
            for (whose, life) in [("address", life()), ("no address", life_of_no_address())] {
                stage.set(name, mood);
                let theirs = stage.play(&life, |question| fail2ban.ask(question));
                stage.set(name, mood);
                let ours = stage.play(&life, stage::ours);
                assert!(
                    !stage.root().join("pwned").exists(),
                    "{name} ran what a log said"
                );
                commands += theirs.record.matches("\n--").count();
                let is_alike = theirs.record == ours.record && theirs.files == ours.files;
                if is_alike != KNOWN.contains(&(name.as_str(), mood, whose)) {
                    alike += 1;
                } else {
                    let difference = stage::difference(&theirs, &ours);
                    failed.push(format!("{tree}: {name} ({mood}, {whose}):\n{difference}"));
                }
            }
        }
    }
    let count = names.len();
    let line = format!("{tree}: {alike} lives of {count} actions alike, {commands} commands");
    (line, failed)
}

/// Actions whose traces are in the kernel's tables. (`iptables-ipset-proto4` is for an ipset of long ago.)
const FIREWALLS: &[&str] = &[
    "iptables",
    "iptables-multiport",
    "iptables-allports",
    "iptables-new",
    "iptables-ipset",
    "iptables-ipset-proto6",
    "iptables-ipset-proto6-allports",
    "nftables",
    "nftables-multiport",
    "nftables-allports",
    "ufw",
];

/// The real programs in a network and a mount namespace of their own: after each life the kernel's tables are the same,
/// with the bans in them and without.
#[test]
fn firewalls_of_the_kernel() {
    if !Fail2ban::is_there("firewalls_of_the_kernel") {
        return;
    }
    if let Some(why) = stage::no_namespace() {
        println!("SKIPPED firewalls_of_the_kernel: {why}");
        return;
    }
    let reports = of_all_trees(firewalls_of);
    judge(&reports);
}

/// All firewalls of a tree: a line about them, and those that differ.
fn firewalls_of(tree: &str, dir: &Path) -> Report {
    let (mut alike, mut failed) = (0, Vec::new());
    let stage = Stage::new(dir);
    let here = stage.actions();
    for name in FIREWALLS
        .iter()
        .filter(|name| here.iter().any(|other| other == *name))
    {
        for steps in [&life()[..6], &life()] {
            stage.set(name, "real");
            let theirs = stage.play_for_real(name, steps, stage::FAIL2BAN);
            stage.set(name, "real");
            let ours = stage.play_for_real(name, steps, stage::STOCKADE);
            let is_end = steps.len() == life().len();
            let lives = |tables: &str| {
                ["192.0.2.8", "2001:db8::7"]
                    .iter()
                    .all(|ip| tables.contains(ip))
            };
            if theirs == ours && lives(&theirs) != is_end {
                alike += 1;
            } else {
                let count = steps.len();
                failed.push(format!(
                    "{tree}: {name}, {count} steps:\n{theirs}\nours:\n{ours}"
                ));
            }
        }
    }
    (
        format!("{tree}: the kernel's tables after {alike} lives alike"),
        failed,
    )
}
