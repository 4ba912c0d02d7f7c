//! The program under test, as an admin would start and ask it.

use crate::process::{Running, must, run};
use crate::wait::until_true;
use crate::world::World;
use crate::{Done, Stop, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// A `stockade run` in a world.
pub(crate) struct Daemon<'w> {
    world: &'w World,
    program: PathBuf,
    line: Vec<String>,
    ssh_connection: String,
    running: Running,
}

/// The usual patience with the daemon.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// How to start it, where that is not as usual.
#[derive(Clone, Default)]
pub(crate) struct How<'a> {
    /// A program in front of it, with its arguments: `setpriv …`.
    pub(crate) wrapper: &'a [&'a str],
    /// More arguments of `run`.
    pub(crate) extra: &'a [&'a str],
    /// `SSH_CONNECTION`, as a session that starts it would have it.
    pub(crate) ssh_connection: &'a str,
}

impl<'w> Daemon<'w> {
    /// Starts it with `extra` arguments and waits until it answers.
    pub(crate) fn start(world: &'w World, program: &Path, extra: &[&str]) -> Done<Self> {
        Self::start_as(
            world,
            program,
            &How {
                extra,
                ..How::default()
            },
        )
    }

    /// Starts it in a special way and waits until it answers.
    pub(crate) fn start_as(world: &'w World, program: &Path, how: &How<'_>) -> Done<Self> {
        let line = command_line(world, program, how);
        let ssh_connection = how.ssh_connection.to_owned();
        let running = launch(world, &line, &ssh_connection)?;
        let mut daemon = Self {
            world,
            program: program.to_owned(),
            line,
            ssh_connection,
            running,
        };
        daemon.wait_ready()?;
        Ok(daemon)
    }

    /// Starts it with the jail `sshd` on the file `auth.log` of the world's directory, and waits for that jail.
    /// `more` is added to the section; `how.extra` to the command line.
    pub(crate) fn on_a_log(
        world: &'w World,
        program: &Path,
        more: &str,
        how: &How<'_>,
    ) -> Done<Self> {
        let conf = drop_in(world, more)?;
        let extra: Vec<&str> = ["-c", &conf]
            .into_iter()
            .chain(how.extra.iter().copied())
            .collect();
        let daemon = Self::start_as(
            world,
            program,
            &How {
                extra: &extra,
                ..how.clone()
            },
        )?;
        daemon.wait_state("sshd", "running", SOON)?;
        Ok(daemon)
    }

    fn wait_ready(&mut self) -> Done {
        let world = self.world;
        until_true(SOON, "the daemon answers", || {
            if let Some(code) = self.running.ended()? {
                return Err(Stop::Fail(format!(
                    "the daemon ended with {code}: {}",
                    world.said("stockade")
                )));
            }
            Ok(self
                .ask(&["status", "--json"])?
                .stdout
                .starts_with(b"{\"v\":1,\"health\""))
        })
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.running.kill();
    }

    /// Starts it again with the same arguments.
    pub(crate) fn restart(&mut self) -> Done {
        self.running = launch(self.world, &self.line, &self.ssh_connection)?;
        self.wait_ready()
    }

    pub(crate) fn signal(&self, name: &str) -> Done {
        self.running.signal(name)
    }

    /// Waits for its end; gives the exit code.
    pub(crate) fn wait_end(&mut self) -> Done<i32> {
        crate::wait::until(SOON, "the daemon's end", || self.running.ended())
    }

    /// Asks as a client does.
    pub(crate) fn ask(&self, words: &[&str]) -> Done<Output> {
        let mut command = self.world.server(&self.program);
        command
            .args(words)
            .arg("--socket")
            .arg(self.world.file("control.sock"));
        run(&mut command)
    }

    /// The answer of a client command as JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Done<Value> {
        let output = self.ask(&[words, &["--json"]].concat())?;
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).map_err(|error| {
            Stop::Fail(format!(
                "stockade {words:?} --json: {error}: {text}: {}",
                String::from_utf8_lossy(&output.stderr)
            ))
        })
    }

    /// A jail's part of the status.
    pub(crate) fn jail(&self, name: &str) -> Done<Value> {
        let status = self.json(&["status"])?;
        let jails = status["jails"].as_array().cloned().unwrap_or_default();
        jails
            .into_iter()
            .find(|jail| jail["name"] == name)
            .ok_or_else(|| Stop::Fail(format!("no jail '{name}' in {status}")))
    }

    /// Waits until a jail is in a state.
    pub(crate) fn wait_state(&self, jail: &str, state: &str, limit: Duration) -> Done {
        let what = format!("jail {jail} is {state}");
        until_true(limit, &what, || Ok(self.jail(jail)?["state"] == state))
    }

    /// Who is banned in a jail, as the daemon says.
    pub(crate) fn banned(&self, jail: &str) -> Done<BTreeSet<String>> {
        let answer = self.json(&["banned", jail])?;
        let bans = answer["bans"].as_array().cloned().unwrap_or_default();
        Ok(bans
            .iter()
            .filter_map(|ban| ban["ip"].as_str())
            .map(str::to_owned)
            .collect())
    }

    /// Waits until exactly these are banned in a jail.
    pub(crate) fn wait_banned(
        &self,
        jail: &str,
        expected: &BTreeSet<String>,
        limit: Duration,
    ) -> Done {
        let mut last = BTreeSet::new();
        let done = until_true(limit, "the expected bans", || {
            last = self.banned(jail)?;
            Ok(last == *expected)
        });
        done.map_err(|_| {
            let missing: Vec<_> = expected.difference(&last).take(3).collect();
            let surplus: Vec<_> = last.difference(expected).take(3).collect();
            Stop::Fail(format!(
                "{jail}: {} of {} banned; missing {missing:?}…, surplus {surplus:?}…; the daemon said: {}",
                last.len(),
                expected.len(),
                tail(&self.world.said("stockade"))
            ))
        })
    }

    /// Fails unless everything the daemon said holds each of these.
    pub(crate) fn ensure_said(&self, words: &[&str]) -> Done {
        let said = self.world.said("stockade");
        for word in words {
            ensure(
                said.contains(word),
                format!("the daemon never said '{word}', but: {}", tail(&said)),
            )?;
        }
        Ok(())
    }

    /// How often it said a whole message, all runs together.
    pub(crate) fn times_said(&self, message: &str) -> usize {
        self.world
            .said("stockade")
            .lines()
            .filter(|line| line.ends_with(message))
            .count()
    }

    /// Who is banned in a jail, as the store says.
    pub(crate) fn stored(&self, jail: &str) -> Done<BTreeSet<String>> {
        // Rows have whole seconds, rounded: one that ends within a second may be over.
        let alive =
            format!("jail = '{jail}' AND (bantime = -1 OR timeofban + bantime > unixepoch() + 1)");
        let sql = format!(
            "SELECT ip FROM bips WHERE {alive} UNION SELECT prefix FROM stockade_prefix_bans WHERE {alive}"
        );
        let text = must(
            Command::new("sqlite3")
                .args(["-readonly", "-cmd", ".timeout 5000"])
                .arg(self.world.file("store.sqlite3"))
                .arg(sql),
        )?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Fails unless status, store and kernel name the same addresses.
    pub(crate) fn agree(&self, jail: &str) -> Done<BTreeSet<String>> {
        let (said, stored, kernel) = (
            self.banned(jail)?,
            self.stored(jail)?,
            kernel(self.world, jail)?,
        );
        ensure(
            said == stored && said == kernel,
            format!(
                "{jail}: status, store and kernel differ: {} {} {}",
                said.len(),
                stored.len(),
                kernel.len()
            ),
        )?;
        Ok(said)
    }

    /// Ends it by its client; gives what it said.
    pub(crate) fn stop(mut self, flush: bool) -> Done<Value> {
        let words: &[&str] = if flush {
            &["stop", "--flush"]
        } else {
            &["stop"]
        };
        let answer = self.json(words)?;
        let code = self.wait_end()?;
        ensure(code == 0, format!("exit code {code} after stop"))?;
        Ok(answer)
    }
}

/// Runs it where it must refuse to; gives its exit code and what it said.
pub(crate) fn refusal(world: &World, program: &Path, how: &How<'_>) -> Done<(i32, String)> {
    let line = command_line(world, program, how);
    let output = run(world
        .server("timeout")
        .arg("20")
        .args(line)
        .env_remove("SSH_CONNECTION"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.code().unwrap_or(-1), said))
}

/// Writes a drop-in configuration directory that puts the jail `sshd` on the file `auth.log`; gives its path.
pub(crate) fn drop_in(world: &World, more: &str) -> Done<String> {
    let log = world.file("auth.log");
    File::options().create(true).append(true).open(&log)?;
    let log = log.display();
    let text = format!("[sshd]\nenabled = true\nbackend = polling\nlogpath = {log}\n{more}\n");
    world.write("conf/jail.local", &text)?;
    Ok(world.file("conf").display().to_string())
}

fn command_line(world: &World, program: &Path, how: &How<'_>) -> Vec<String> {
    let mut line: Vec<String> = how.wrapper.iter().map(|word| (*word).to_owned()).collect();
    line.extend([program.display().to_string(), "run".into()]);
    if !how.extra.contains(&"--db") {
        line.extend([
            "--db".into(),
            world.file("store.sqlite3").display().to_string(),
        ]);
    }
    line.extend([
        "--socket".into(),
        world.file("control.sock").display().to_string(),
    ]);
    line.extend(how.extra.iter().map(|word| (*word).to_owned()));
    line
}

fn launch(world: &World, line: &[String], ssh_connection: &str) -> Done<Running> {
    let (program, arguments) = line
        .split_first()
        .ok_or_else(|| Stop::Fail("nothing to start".into()))?;
    let mut command = world.server(program);
    command.args(arguments).env_remove("SSH_CONNECTION");
    if !ssh_connection.is_empty() {
        command.env("SSH_CONNECTION", ssh_connection);
    }
    world.start("stockade", &mut command)
}

/// The single addresses in a jail's sets, as `nft` lists them.
pub(crate) fn kernel(world: &World, jail: &str) -> Done<BTreeSet<String>> {
    let text = must(world.server("nft").args(["-j", "list", "ruleset"]))?;
    let ruleset: Value = serde_json::from_str(&text)?;
    let mut found = BTreeSet::new();
    for set in ruleset["nftables"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|object| &object["set"])
    {
        let name = set["name"].as_str().unwrap_or_default();
        // A jail's sets are called KIND-JAIL: host4, host6, slash64, net4, net6.
        let is_jails = name.split_once('-').is_some_and(|(_, owner)| owner == jail);
        if !is_jails || !matches!(set["type"].as_str(), Some("ipv4_addr" | "ipv6_addr")) {
            continue;
        }
        for element in set["elem"].as_array().into_iter().flatten() {
            let value = if element["elem"].is_object() {
                &element["elem"]["val"]
            } else {
                element
            };
            match value {
                Value::String(address) => {
                    found.insert(address.clone());
                }
                Value::Object(prefix) => {
                    let (address, length) = (&prefix["prefix"]["addr"], &prefix["prefix"]["len"]);
                    found.insert(format!("{}/{length}", address.as_str().unwrap_or_default()));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join(" | ")
}
