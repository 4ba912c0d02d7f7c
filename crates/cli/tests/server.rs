//! A server under fail2ban's name and our client: what a mistake in the configuration costs, and what stays.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const STOCKADE: &str = env!("CARGO_BIN_EXE_stockade");

struct World {
    dir: TempDir,
    server: Child,
}

impl World {
    /// A server with the jails `one` and `two`, whose filters have their names.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for part in ["c/filter.d", "c/action.d"] {
            fs::create_dir_all(at(part)).unwrap();
        }
        let mut jails = "[DEFAULT]\nenabled = true\nbackend = polling\naction = note\n".to_owned();
        for jail in ["one", "two"] {
            let log = at(&format!("{jail}.log"));
            fs::write(&log, "").unwrap();
            jails += &format!("[{jail}]\nfilter = {jail}\nlogpath = {}\n", log.display());
            let filter = at(&format!("c/filter.d/{jail}.conf"));
            fs::write(filter, "[Definition]\nfailregex = ^ denied <HOST>$\n").unwrap();
        }
        fs::write(at("c/jail.conf"), jails).unwrap();
        let note = format!(
            "[Definition]\nactionban = echo ban <ip> >> {0}\nactionunban = echo unban <ip> >> {0}\n",
            at("noted").display()
        );
        fs::write(at("c/action.d/note.conf"), note).unwrap();
        let own = format!(
            "[Definition]\nlogtarget = {0}/log\nsocket = {0}/socket\npidfile = {0}/pid\ndbfile = {0}/db\n",
            dir.path().display()
        );
        fs::write(at("c/fail2ban.conf"), own).unwrap();
        let mut server = Command::new(STOCKADE)
            .args(["fail2ban-server", "-c"])
            .arg(at("c"))
            .args(["-f", "start"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = server.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert_eq!(said, "Server ready\n");
        Self { dir, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What our client prints, and its exit code.
    fn ask(&self, words: &[&str]) -> (String, i32) {
        let asked = Command::new(STOCKADE)
            .args(["fail2ban-client", "-c"])
            .arg(self.path("c"))
            .args(words)
            .output()
            .unwrap();
        let text = String::from_utf8(asked.stdout).unwrap();
        (text.trim().to_owned(), asked.status.code().unwrap())
    }

    fn check(&self, command: &str, expected: &str) {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(self.ask(&words), (expected.to_owned(), 0), "{command}");
    }

    /// The same of what the server does in its own time.
    fn check_soon(&self, command: &str, expected: &str) {
        let words: Vec<&str> = command.split(' ').collect();
        let until = Instant::now() + Duration::from_secs(60);
        while self.ask(&words).0 != expected {
            assert!(Instant::now() < until, "{command}");
        }
    }

    fn filter(&self, jail: &str, failregex: &str) {
        let text = format!("[Definition]\nfailregex = {failregex}\n");
        fs::write(self.path(&format!("c/filter.d/{jail}.conf")), text).unwrap();
    }

    fn noted(&self) -> String {
        fs::read_to_string(self.path("noted")).unwrap_or_default()
    }

    fn end(mut self) {
        self.check("stop", "Shutdown successful");
        assert!(self.server.wait().unwrap().success());
        for left in ["socket", "pid"] {
            assert!(!self.path(left).exists(), "{left}");
        }
    }
}

#[test]
fn a_restart_with_a_wrong_expression_costs_no_ban() {
    let world = World::new();
    world.check("set one banip 192.0.2.1", "1");
    world.filter("one", "^ denied (<HOST>$");
    for command in [
        ["restart", "one"].as_slice(),
        &["reload", "--restart"],
        &["reload"],
    ] {
        let (_, code) = world.ask(command);
        assert_eq!(code, 255, "{command:?}");
        world.check("get one banip", "192.0.2.1");
        world.check("set one bantime 700", "700");
    }
    assert!(!world.noted().contains("unban"), "{}", world.noted());
    world.filter("one", "^ refused <HOST>$");
    world.check("restart one", "OK");
    // It began anew, with what the store knows of its bans and without what was set meanwhile.
    world.check_soon("get one banip", "192.0.2.1");
    world.check("get one bantime", "600");
    world.end();
}

#[test]
fn jails_go_and_come_and_their_neighbours_stay() {
    let world = World::new();
    world.check("set one attempt 192.0.2.1", "1");
    world.check("set two banip 192.0.2.2", "1");
    world.check("stop one", "Jail stopped");
    world.check("get two banip", "192.0.2.2");
    world.check("reload", "OK");
    world.check("set one attempt 192.0.2.1", "1");
    world.check(
        "status",
        "Status\n|- Number of jail:\t2\n`- Jail list:\tone, two",
    );
    world.check("set one idle on", "True");
    world.check("set one idle off", "False");
    let nan = world.ask(&["sleep", "nan"]);
    assert_eq!(nan.1, 255);
    world.check("ping", "Server replied: pong");
    world.end();
}
