//! Debian's `fail2ban-client` and ours, asked by command lines.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// Debian's.
pub(crate) const CLIENT: &str = "/usr/bin/fail2ban-client";

/// One program's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Debian's fail2ban, kept running: to start Python takes longer than to answer.
pub(crate) struct Theirs {
    child: Child,
}

impl Theirs {
    pub(crate) fn start() -> Self {
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/beside/driver.py");
        let child = Command::new("/usr/bin/python3")
            .arg(driver)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child }
    }

    pub(crate) fn ask(&mut self, words: &[&str]) -> Answer {
        self.ask_with(words, "")
    }

    /// With something to read on its standard input.
    pub(crate) fn ask_with(&mut self, words: &[&str], stdin: &str) -> Answer {
        let question = json!({ "words": words, "stdin": stdin });
        writeln!(self.child.stdin.as_mut().unwrap(), "{question}").unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::with_capacity(1, self.child.stdout.as_mut().unwrap());
        stdout.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        Answer {
            code: answer["code"].as_i64().unwrap() as i32,
            stdout: text("stdout"),
            stderr: text("stderr"),
        }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

pub(crate) fn ours(words: &[&str]) -> Answer {
    ours_with(words, "")
}

/// With something to read on its standard input.
pub(crate) fn ours_with(words: &[&str], stdin: &str) -> Answer {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stockade"))
        .arg("fail2ban-client")
        .args(words)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read everything.
    drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
    let output = child.wait_with_output().unwrap();
    Answer {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
