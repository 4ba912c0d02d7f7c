//! `explain`, `watch` and `ignore` beside a daemon that runs, in a dry run: what is written to a log comes out of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const STOCKADE: &str = env!("CARGO_BIN_EXE_stockade");

struct World {
    dir: TempDir,
    daemon: Child,
    log: File,
}

impl World {
    /// A daemon with one jail `app` that follows `app.log`, and is ready.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("c/filter.d")).unwrap();
        fs::create_dir_all(at("c/action.d")).unwrap();
        fs::write(at("c/fail2ban.conf"), "[DEFAULT]\n").unwrap();
        fs::write(
            at("c/filter.d/app.conf"),
            "[Definition]\nfailregex = ^ denied <HOST>$\n",
        )
        .unwrap();
        fs::write(
            at("c/action.d/stockade.conf"),
            "[Definition]\nactionban =\n[Init]\nport = 0:65535\n",
        )
        .unwrap();
        let jail = format!(
            "[app]\nenabled = true\nfilter = app\nlogpath = {}\naction = stockade[port=443]\nmaxretry = 3\nignoreip = 192.0.2.0/24\n",
            at("app.log").display()
        );
        fs::write(at("c/jail.conf"), jail).unwrap();
        let log = File::create(at("app.log")).unwrap();
        let notified = UnixDatagram::bind(at("notify")).unwrap();
        notified.set_read_timeout(Some(PATIENCE)).unwrap();
        let daemon = Command::new(STOCKADE)
            .args(["run", "--dry-run", "--force", "-c"])
            .arg(at("c"))
            .arg("--db")
            .arg(at("db"))
            .arg("--socket")
            .arg(at("socket"))
            .env("NOTIFY_SOCKET", at("notify"))
            .env("TZ", "UTC")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut word = [0; 256];
        let length = notified.recv(&mut word).unwrap();
        assert!(word[..length].starts_with(b"READY=1"));
        Self { dir, daemon, log }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// A stream of events that has begun.
    fn watch(&self, request: &str) -> BufReader<UnixStream> {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(stream, "{request}").unwrap();
        let mut events = BufReader::new(stream);
        let first = next(&mut events);
        assert_eq!(first["v"], 1);
        events
    }

    fn fail(&mut self, ip: &str) {
        let now = jiff::Timestamp::now()
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string();
        writeln!(self.log, "{now} denied {ip}").unwrap();
    }

    /// What a command prints, and its exit code.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(STOCKADE)
            .args(arguments)
            .arg("--socket")
            .arg(self.socket())
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }

    /// What is explained of this, in the one jail.
    fn explain(&self, arguments: &[&str]) -> Value {
        let config = self.dir.path().join("c");
        let fixed = ["explain", "--json", "-c", config.to_str().unwrap()];
        let (code, text) = self.run(&[&fixed, arguments].concat());
        assert_eq!(code, 0, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["live"], true, "{text}");
        answer["jails"][0].clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.daemon.kill());
        drop(self.daemon.wait());
    }
}

fn next(events: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    events.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
}

fn step<'a>(chain: &'a Value, name: &str) -> &'a Value {
    let steps = chain["steps"].as_array().unwrap();
    let mut found = steps.iter().filter(|step| step["step"] == name);
    found
        .next_back()
        .unwrap_or_else(|| panic!("no {name}: {chain}"))
}

#[test]
fn an_attack_is_watched_explained_and_spared() {
    let mut world = World::new();
    let mut all = world.watch(r#"{"command":"watch","lines":true}"#);
    let mut plain = world.watch(r#"{"command":"watch","jail":"app"}"#);
    for count in [1, 2] {
        world.fail("203.0.113.7");
        let event = next(&mut all);
        assert_eq!(
            (&event["event"], &event["failures"]),
            (&"failure".into(), &count.into()),
            "{event}"
        );
        assert_eq!(event["ip"], "203.0.113.7");
    }
    world.fail("192.0.2.9");
    let ignored = next(&mut all);
    assert_eq!(
        (&ignored["event"], &ignored["why"]),
        (&"ignored".into(), &"ignoreip (ip)".into())
    );

    let chain = world.explain(&["203.0.113.7"]);
    assert_eq!(
        (&chain["result"], &chain["cause"]["step"]),
        (&"counts".into(), &"count".into()),
        "{chain}"
    );
    assert_eq!(step(&chain, "count")["count"], 2);
    assert_eq!(step(&chain, "failregex")["number"], 1);
    assert!(step(&chain, "source")["position"].is_u64(), "{chain}");
    let chain = world.explain(&["192.0.2.9"]);
    assert_eq!(chain["cause"]["step"], "ignore", "{chain}");
    assert!(
        chain["cause"]["text"]
            .as_str()
            .unwrap()
            .contains("192.0.2.0/24")
    );
    let chain = world.explain(&["--line", "2001-01-01 00:00:00 denied 203.0.113.7"]);
    // The daemon has counted others of this one, but not this.
    assert_eq!(chain["result"], "doubtful", "{chain}");

    world.fail("203.0.113.7");
    assert_eq!(next(&mut all)["event"], "failure");
    let ban = next(&mut all);
    assert_eq!(
        (&ban["event"], &ban["failures"]),
        (&"ban".into(), &3.into()),
        "{ban}"
    );
    assert_eq!(ban["lines"].as_array().unwrap().len(), 3);
    let chain = world.explain(&["203.0.113.7"]);
    assert_eq!(chain["result"], "banned", "{chain}");
    assert_eq!(step(&chain, "ban")["banned"], "203.0.113.7");

    let (code, text) = world.run(&[
        "ignore",
        "add",
        "app",
        "203.0.113.0/24",
        "192.0.2.0/24",
        "10.0.0.0/99",
    ]);
    assert_eq!(code, 1, "{text}");
    for line in [
        "203.0.113.0/24: ignored from now on in app",
        "192.0.2.0/24: was ignored already in app",
        "error: 10.0.0.0/99: it is no address and no network",
        "[app]\nignoreip = 192.0.2.0/24 203.0.113.0/24",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let unban = next(&mut all);
    assert_eq!(unban["event"], "unban", "{unban}");
    assert!(
        unban["why"]
            .as_str()
            .unwrap()
            .contains("is ignored from now on")
    );
    let (_, text) = world.run(&["ignore", "list"]);
    assert!(text.contains("192.0.2.0/24 203.0.113.0/24"), "{text}");
    let (code, text) = world.run(&["ignore", "del", "app", "203.0.113.0/24", "198.51.100.1"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("203.0.113.0/24: counted again from now on in app"),
        "{text}"
    );
    assert!(
        text.contains("198.51.100.1: is no entry of ignoreip in app"),
        "{text}"
    );
    assert_eq!(world.run(&["ignore", "add", "none", "192.0.2.1"]).0, 1);
    // After a reload it is as the files say.
    world.run(&["ignore", "add", "app", "203.0.113.0/24"]);
    world.run(&["reload"]);
    let (_, text) = world.run(&["ignore", "list", "app"]);
    assert!(!text.contains("203.0.113.0/24"), "{text}");

    // The other one was told the same, without lines, and ends with the daemon.
    let told: Vec<Value> = (0..6).map(|_| next(&mut plain)).collect();
    assert!(
        told.iter().all(|event| event.get("lines").is_none()),
        "{told:?}"
    );
    assert_eq!(told[4]["event"], "ban");
    assert_eq!(world.run(&["stop"]).0, 0);
    let mut rest = String::new();
    assert_eq!(plain.read_line(&mut rest).unwrap(), 0, "{rest}");
}

#[test]
fn few_may_watch() {
    let world = World::new();
    let request = r#"{"command":"watch"}"#;
    let _watching: Vec<_> = (0..4).map(|_| world.watch(request)).collect();
    let refused = next(&mut {
        let mut stream = UnixStream::connect(world.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(stream, "{request}").unwrap();
        BufReader::new(stream)
    });
    assert_eq!(refused["error"], "4 clients watch already");
    let (code, text) = world.run(&["watch", "--jail", "none"]);
    assert_eq!(code, 1);
    assert!(text.contains("there is no jail 'none'"), "{text}");
    // Other questions are answered all the same.
    assert_eq!(world.run(&["status"]).0, 0);
}
