//! fail2ban's server of Debian and ours, asked the same by Debian's own client code: values, printed texts and exit
//! codes are equal.
//!
//! Debian's is 1.0.2 and ours behaves as 1.1.1, so some differences are right. Each of them is a rule with a reason,
//! below; no command is excused by itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test may end at what it does not expect"
)]

use serde::Deserialize;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const THEIRS: &str = "/usr/bin/fail2ban-client";
const PYTHON: &str = "/usr/bin/python3";

/// A command and what came back.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Answer {
    line: String,
    value: String,
    text: String,
    code: u8,
}

#[test]
fn both_servers_answer_alike() {
    if !Path::new(THEIRS).exists() {
        println!("SKIPPED server_beside_fail2ban: there is no {THEIRS} here");
        return;
    }
    let theirs = {
        let world = World::new();
        let started = world.client(&["-x", "start"]);
        assert!(started.success());
        let answers = world.ask();
        world.client(&["stop"]);
        answers
    };
    let world = World::new();
    let mut server = world.serve();
    let ours = world.ask();
    // Debian's client ends our server.
    assert!(world.client(&["stop"]).success());
    assert!(server.wait().unwrap().success());
    assert_eq!(ours.len(), theirs.len());
    assert!(theirs.len() >= 150, "{}", theirs.len());
    let mut excused = 0;
    let mut differing = Vec::new();
    for (theirs, ours) in theirs.iter().zip(&ours) {
        if theirs == ours {
            continue;
        }
        match RULES.iter().find(|rule| (rule.holds)(theirs, ours)) {
            Some(_) => excused += 1,
            None => differing.push(format!(
                "{}\n  theirs {theirs:?}\n  ours   {ours:?}",
                ours.line
            )),
        }
    }
    println!(
        "{} commands, {excused} excused by rule, {} differ",
        theirs.len(),
        differing.len()
    );
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

/// A difference that is right.
struct Rule {
    #[expect(dead_code, reason = "for whoever reads the rules")]
    reason: &'static str,
    holds: fn(&Answer, &Answer) -> bool,
}

const RULES: &[Rule] = &[
    Rule {
        reason: "the version is that of the release whose manners ours are",
        holds: |theirs, ours| {
            theirs.line.starts_with("version") && ours.value == "'1.1.1'" && ours.code == 0
        },
    },
    Rule {
        reason: "the pattern that an address tag stands for is our own",
        holds: |theirs, ours| patterns(&theirs.value) == patterns(&ours.value),
    },
    Rule {
        reason: "1.0.2 lists ignored addresses in the order of a hash",
        holds: |theirs, ours| theirs.line.contains("ignoreip") && sorted(theirs) == sorted(ours),
    },
    Rule {
        reason: "commands of later releases, which 1.0.2 does not know",
        holds: |theirs, ours| {
            let later = [
                "stats",
                "statistics",
                "statistic",
                "status --all",
                "status t1 stats",
            ];
            later.contains(&ours.line.as_str()) && theirs.code >= ours.code
        },
    },
    Rule {
        reason: "a jail that is there already is named by its own exception in later releases",
        holds: |theirs, ours| {
            theirs.line.starts_with("add ") && ours.value.starts_with("DuplicateJailException")
        },
    },
    Rule {
        reason: "an empty time zone is none",
        holds: |_, ours| ours.line == "set t1 logtimezone \"\"" && ours.value == "None",
    },
];

/// The text with one word for every form of the address pattern.
fn patterns(text: &str) -> String {
    let theirs = r"(?P<ip4>(?:\\d{1,3}\\.){3}\\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}";
    let ours = r"(?P<ip4>\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}";
    let same = text.replace(theirs, "ADDRESS").replace(ours, "ADDRESS");
    // What cannot be compiled is shown as it was written by ours.
    let whole = r"\\[?(?:(?:::f{4,6}:)?ADDRESS(?:[0-9a-fA-F]{1,4}|(?<=:):)))\\]?";
    same.replace(whole, "<HOST>")
}

fn sorted(answer: &Answer) -> Vec<&str> {
    let mut words: Vec<&str> = answer.value.split(['[', ']', ',', ' ']).collect();
    words.sort_unstable();
    words
}

/// A configuration of two jails, in a directory of its own.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let dir = world.0.path().display().to_string();
        let conf = world.0.path().join("conf");
        for part in ["filter.d", "action.d"] {
            fs::create_dir_all(conf.join(part)).unwrap();
        }
        let write = |name: &str, text: &str| {
            fs::write(conf.join(name), text.replace("DIR", &dir)).unwrap();
        };
        write("fail2ban.conf", include_str!("server_beside/fail2ban.conf"));
        write("jail.conf", include_str!("server_beside/jail.conf"));
        write("filter.d/f.conf", include_str!("server_beside/filter.conf"));
        write(
            "action.d/rec.conf",
            include_str!("server_beside/action.conf"),
        );
        for log in ["t1.log", "t2.log"] {
            fs::write(world.0.path().join(log), "").unwrap();
        }
        let commands = include_str!("server_beside/commands.txt").replace("DIR", &dir);
        fs::write(world.0.path().join("commands"), commands).unwrap();
        fs::write(
            world.0.path().join("drive.py"),
            include_str!("server_beside/drive.py"),
        )
        .unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Debian's client.
    fn client(&self, words: &[&str]) -> std::process::ExitStatus {
        Command::new(THEIRS)
            .arg("-c")
            .arg(self.path("conf"))
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
    }

    /// Our server, once it answers.
    fn serve(&self) -> Child {
        let server = Command::new(env!("CARGO_BIN_EXE_stockade"))
            .args(["fail2ban-server", "-c"])
            .arg(self.path("conf"))
            .args(["-f", "start"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while UnixStream::connect(self.path("socket")).is_err() {
            assert!(Instant::now() < until, "the server does not answer");
            thread::yield_now();
        }
        server
    }

    /// Gives all commands, and what the server answers.
    fn ask(&self) -> Vec<Answer> {
        let driven = Command::new(PYTHON)
            .arg(self.path("drive.py"))
            .arg(self.path("socket"))
            .arg(self.path("commands"))
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&driven.stderr);
        assert!(driven.status.success(), "{complaints}");
        let dir = self.0.path().display().to_string();
        let lines = String::from_utf8(driven.stdout)
            .unwrap()
            .replace(&dir, "DIR");
        lines
            .lines()
            .map(|line| normal(serde_json::from_str(line).unwrap()))
            .collect()
    }
}

/// Times are those of the run.
fn normal(mut answer: Answer) -> Answer {
    for text in [&mut answer.value, &mut answer.text] {
        let mut out = String::new();
        for part in text.split_inclusive(' ') {
            let is_time = |word: &str| {
                let digits = word.chars().filter(char::is_ascii_digit).count();
                digits >= 6
                    && word.contains([':', '-'])
                    && !word.contains("9999")
                    && word
                        .chars()
                        .all(|c| c.is_ascii_digit() || ":-',\t[]\n".contains(c))
            };
            out.push_str(if is_time(part.trim()) { "TIME " } else { part });
        }
        *text = out;
    }
    answer
}
