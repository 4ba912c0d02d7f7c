//! The unit as it ships, under a real systemd with a real journal.

use crate::process::{Running, must, need, run};
use crate::wait::until_true;
use crate::{Done, Stop, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn unit(program: &Path) -> Done {
    let machine = Machine::boot(program)?;
    until_true(SOON, "stockade.service is active", || {
        let state = machine.show("ActiveState")?;
        ensure(
            state != "failed",
            format!("the unit failed: {}", machine.journal()?),
        )?;
        Ok(state == "active")
    })?;
    ensure(
        machine.show("Type")? == "notify",
        "the unit is not of Type=notify",
    )?;
    ensure(
        machine.show("StatusText")?.contains("guarding"),
        "no READY with a status was sent",
    )?;
    let pid = machine.show("MainPID")?;
    let status = machine.text(&["cat", &format!("/proc/{pid}/status")])?;
    for (field, value) in [
        ("CapEff:", "0000000000001004"),
        ("CapBnd:", "0000000000001004"),
        ("NoNewPrivs:", "1"),
        ("Seccomp:", "2"),
    ] {
        let line = status
            .lines()
            .find(|line| line.starts_with(field))
            .unwrap_or_default();
        ensure(
            line.split_whitespace().nth(1) == Some(value),
            format!("hardening: '{line}', expected {value}"),
        )?;
    }
    let id = machine.text(&["id", "-u", "stockade"])?;
    let uid = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .and_then(|line| line.split_whitespace().nth(1));
    ensure(
        uid == Some(id.trim()),
        format!("it runs as uid {uid:?}, not {id}"),
    )?;

    // The journal knows the writer, uid 0 and called sshd, as long as the writer is still there when it looks.
    let line = "Failed password for root from 198.51.100.7 port 4711 ssh2";
    let write = format!(
        "{{ for n in $(seq 8); do echo '{line}'; done
        until journalctl -q -o cat | grep -q 198.51.100.7; do :; done; }} | /usr/local/sbin/sshd -p auth.info -t sshd"
    );
    machine.text(&["timeout", "20", "bash", "-c", &write])?;
    let banned = || {
        Ok(machine
            .text(&["nft", "list", "ruleset"])?
            .contains("198.51.100.7"))
    };
    until_true(SOON, "the ban in the kernel", banned).map_err(|_| {
        Stop::Fail(format!(
            "no ban through the journal: {}",
            machine.journal().unwrap_or_default()
        ))
    })?;
    let fed = || machine.show("WatchdogTimestampMonotonic");
    let before = fed()?;
    until_true(SOON, "the watchdog is fed", || Ok(fed()? != before))?;
    machine.text(&["systemctl", "restart", "stockade"])?;
    ensure(banned()?, "the restart lost the ban")?;
    ensure(machine.show("MainPID")? != pid, "it was not restarted")?;
    let listed = machine.text(&["stockade", "banned", "--json"])?;
    ensure(
        listed.contains("198.51.100.7"),
        format!("not banned after the restart: {listed}"),
    )?;
    ensure(
        machine.show("NRestarts")? == "0",
        "the unit was restarted by failure",
    )
}

/// A machine in namespaces, booted by systemd.
struct Machine {
    holder: Running,
    init: u32,
    scratch: PathBuf,
}

impl Machine {
    fn boot(program: &Path) -> Done<Self> {
        for tool in [
            "/lib/systemd/systemd",
            "systemctl",
            "systemd-sysusers",
            "journalctl",
        ] {
            need(tool)?;
        }
        let scratch =
            std::env::temp_dir().join(format!("stockade-lab-systemd-{}", std::process::id()));
        fs::create_dir_all(&scratch)?;
        let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/systemd");
        let mut command = Command::new("unshare");
        command.args([
            "--fork",
            "--kill-child",
            "--pid",
            "--mount",
            "--ipc",
            "--uts",
            "--net",
            "--cgroup",
        ]);
        command
            .args(["bash", "-c", include_str!("systemd.sh"), "boot"])
            .arg(&scratch)
            .arg(program)
            .arg(units);
        let holder = Running::start(&mut command, &scratch.join("console.log"))?;
        let mut machine = Self {
            holder,
            init: 0,
            scratch,
        };
        let up = until_true(Duration::from_secs(60), "systemd is up", || {
            if let Some(code) = machine.holder.ended()? {
                return Err(Stop::Skip(format!(
                    "systemd cannot run in namespaces here (exit {code}): {}",
                    machine.console()
                )));
            }
            let pid = machine.holder.pid();
            let children =
                fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            machine.init = children
                .split_whitespace()
                .next()
                .and_then(|pid| pid.parse().ok())
                .unwrap_or(0);
            let name =
                fs::read_to_string(format!("/proc/{}/comm", machine.init)).unwrap_or_default();
            if name.trim() != "systemd" {
                return Ok(false);
            }
            let state = machine.run(&["systemctl", "is-system-running"])?;
            Ok(matches!(
                state.stdout.trim_ascii(),
                b"running" | b"degraded"
            ))
        });
        match up {
            Err(Stop::Fail(why)) => Err(Stop::Skip(format!(
                "systemd does not come up in namespaces here: {why}: {}",
                machine.console()
            ))),
            other => other.map(|()| machine),
        }
    }

    fn run(&self, words: &[&str]) -> Done<Output> {
        let pid = self.init.to_string();
        run(Command::new("nsenter")
            .args(["-t", &pid, "-m", "-u", "-i", "-n", "-p", "-C", "--"])
            .args(words))
    }

    fn text(&self, words: &[&str]) -> Done<String> {
        let output = self.run(words)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure(
            output.status.success(),
            format!("{words:?}: {}: {said}", output.status),
        )?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn show(&self, property: &str) -> Done<String> {
        Ok(self
            .text(&["systemctl", "show", "-P", property, "stockade"])?
            .trim()
            .to_owned())
    }

    /// What the daemon said last, and says now.
    fn journal(&self) -> Done<String> {
        let said = self.text(&[
            "journalctl",
            "--no-pager",
            "-n",
            "15",
            "-o",
            "cat",
            "-u",
            "stockade",
        ])?;
        let status = self.run(&["stockade", "status"])?;
        Ok(format!("{said}{}", String::from_utf8_lossy(&status.stdout)))
    }

    fn console(&self) -> String {
        let said = fs::read_to_string(self.scratch.join("console.log")).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" | ")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its mounts are its own and go with its last process.
        self.holder.kill();
        drop(must(
            Command::new("rm")
                .arg("-rf")
                .arg("--one-file-system")
                .arg(&self.scratch),
        ));
    }
}
