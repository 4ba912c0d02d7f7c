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
use std::path::Path;

/// Where stock actions lie: Debian's own, and the master branch's where it is at hand.
const TREES: [(&str, &str); 2] = [
    ("debian", "/etc/fail2ban/action.d"),
    ("master", "../../../shared/cases/trees/master/action.d"),
];

/// Actions that differ, and why that is right.
const ACCEPTED: &[(&str, &str)] = &[];

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

#[test]
fn every_stock_action() {
    let Some(mut fail2ban) = Fail2ban::start() else {
        println!("SKIPPED every_stock_action: Debian's fail2ban is not installed");
        return;
    };
    for (tree, dir) in TREES {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
        if !dir.is_dir() {
            println!(
                "SKIPPED every_stock_action of {tree}: there is no {}",
                dir.display()
            );
            continue;
        }
        let stage = Stage::new(&dir);
        let (mut alike, mut commands, mut failed) = (0, 0, Vec::new());
        let names = stage.actions();
        for name in &names {
            for mood in ["willing", "unwilling"] {
                stage.set(name, mood);
                let theirs = stage.play(&life(), |question| fail2ban.ask(question));
                stage.set(name, mood);
                let ours = stage.play(&life(), |question| stage::ours(question, &[]));
                assert!(
                    !stage.root().join("pwned").exists(),
                    "{name} ran what a log said"
                );
                commands += theirs.record.matches("\n--").count();
                if theirs.record == ours.record && theirs.files == ours.files {
                    alike += 1;
                } else if !ACCEPTED.iter().any(|(accepted, _)| accepted == name) {
                    failed.push(format!(
                        "{name} ({mood}):\n{}",
                        stage::difference(&theirs, &ours)
                    ));
                }
            }
        }
        println!(
            "actions of {tree}: {alike} lives of {} actions alike, {commands} commands; excused {ACCEPTED:?}",
            names.len()
        );
        assert!(
            failed.is_empty(),
            "{} differ\n{}",
            failed.len(),
            failed.join("\n")
        );
    }
}
