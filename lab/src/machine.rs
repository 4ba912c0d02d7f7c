//! A machine of its own: systemd booted in namespaces, over a copy-on-write view of this one.

use crate::process::{Running, must, need, run};
use crate::wait::until_true;
use crate::{Done, Stop, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// A machine in namespaces, booted by systemd.
pub(crate) struct Machine {
    holder: Running,
    init: u32,
    scratch: PathBuf,
}

impl Machine {
    /// Boots one over a view of this machine that `prepare` has changed: a script that finds the root of the other
    /// one in `$root` and its own arguments from `$1` on. `name` tells machines apart that run at a time.
    pub(crate) fn boot(name: &str, prepare: &str, arguments: &[&Path]) -> Done<Self> {
        for tool in [
            "/lib/systemd/systemd",
            "systemctl",
            "systemd-sysusers",
            "journalctl",
        ] {
            need(tool)?;
        }
        let scratch =
            std::env::temp_dir().join(format!("stockade-lab-{name}-{}", std::process::id()));
        fs::create_dir_all(&scratch)?;
        fs::write(scratch.join("prepare.sh"), prepare)?;
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
            .args(["bash", "-c", include_str!("machine.sh"), "boot"])
            .arg(&scratch)
            .args(arguments);
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

    /// Runs a program there.
    pub(crate) fn run(&self, words: &[&str]) -> Done<Output> {
        let pid = self.init.to_string();
        run(Command::new("nsenter")
            .args(["-t", &pid, "-m", "-u", "-i", "-n", "-p", "-C", "--"])
            .args(words))
    }

    /// Runs one that must succeed; gives what it printed.
    pub(crate) fn text(&self, words: &[&str]) -> Done<String> {
        let output = self.run(words)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure(
            output.status.success(),
            format!("{words:?}: {}: {said}", output.status),
        )?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A property of a unit.
    pub(crate) fn show(&self, unit: &str, property: &str) -> Done<String> {
        Ok(self
            .text(&["systemctl", "show", "-P", property, unit])?
            .trim()
            .to_owned())
    }

    /// What a unit said last, and what the daemon says now.
    pub(crate) fn journal(&self, unit: &str) -> Done<String> {
        let said = self.text(&[
            "journalctl",
            "--no-pager",
            "-n",
            "15",
            "-o",
            "cat",
            "-u",
            unit,
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
