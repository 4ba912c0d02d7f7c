//! Debian's fail2ban in a world, to be switched from and back to.

use crate::process::{Running, must, need};
use crate::wait::until_true;
use crate::world::{World, read};
use crate::{Done, Stop, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A `fail2ban-server` on the tree `fail2ban` of the world's directory.
pub(crate) struct Fail2ban<'w> {
    world: &'w World,
    log: PathBuf,
    running: Running,
}

/// Who is banned in each jail.
pub(crate) type Banned = BTreeMap<String, BTreeSet<String>>;

/// Copies the installed tree to `fail2ban` in the world's directory, with these jails and this database; gives its path.
pub(crate) fn make_tree(world: &World, jails: &str, database: &Path) -> Done<String> {
    need("fail2ban-server")?;
    if !Path::new("/etc/fail2ban/jail.conf").exists() {
        return Err(Stop::Skip(
            "fail2ban's configuration is not installed".into(),
        ));
    }
    let tree = world.file("fail2ban");
    must(Command::new("cp").arg("-a").arg("/etc/fail2ban").arg(&tree))?;
    // Debian's own choice of jails is not the world's.
    drop(std::fs::remove_dir_all(tree.join("jail.d")));
    world.write("fail2ban/jail.local", jails)?;
    let local = format!(
        "[DEFAULT]\nlogtarget = {}\ndbfile = {}\n",
        world.file("fail2ban.log").display(),
        database.display()
    );
    world.write("fail2ban/fail2ban.local", &local)?;
    Ok(tree.display().to_string())
}

impl<'w> Fail2ban<'w> {
    /// Starts it and waits until all its jails run.
    pub(crate) fn start(world: &'w World, jails: usize) -> Done<Self> {
        let log = world.file("fail2ban.log");
        let before = times(&log, "' started");
        must(world.server("mkdir").args(["-p", "/run/fail2ban"]))?;
        let mut command = world.server("fail2ban-server");
        command.arg("-c").arg(world.file("fail2ban"));
        command.args(["-xf", "start"]);
        let mut running = world.start("fail2ban-out", &mut command)?;
        until_true(Duration::from_secs(30), "fail2ban's jails", || {
            ensure(
                running.ended()?.is_none(),
                format!("fail2ban ended: {}", world.said("fail2ban-out")),
            )?;
            Ok(times(&log, "' started") >= before + jails)
        })?;
        Ok(Self {
            world,
            log,
            running,
        })
    }

    /// Runs a command of its client.
    pub(crate) fn ask(&self, words: &[&str]) -> Done<String> {
        let mut command = self.world.server("fail2ban-client");
        command.arg("-c").arg(self.world.file("fail2ban"));
        must(command.args(words))
    }

    /// Who is banned in each jail, as `fail2ban-client banned` says.
    pub(crate) fn banned(&self) -> Done<Banned> {
        // Python's way of writing lists and dictionaries of plain words differs from JSON in its quotes only.
        let said = self.ask(&["banned"])?.replace('\'', "\"");
        let jails: Vec<BTreeMap<String, BTreeSet<String>>> = serde_json::from_str(&said)?;
        Ok(jails.into_iter().flatten().collect())
    }

    /// Waits until exactly these are banned.
    pub(crate) fn wait_banned(&self, expected: &Banned) -> Done {
        let mut last = Banned::new();
        until_true(Duration::from_secs(20), "fail2ban's bans", || {
            last = self.banned()?;
            Ok(last == *expected)
        })
        .map_err(|_| {
            Stop::Fail(format!(
                "fail2ban bans {last:?} instead of {expected:?}: {}",
                read(&self.log)
            ))
        })
    }

    /// How many lines of its log end with this.
    pub(crate) fn times_said(&self, message: &str) -> usize {
        times(&self.log, message)
    }

    /// Ends it as its service does.
    pub(crate) fn stop(mut self) -> Done {
        self.ask(&["stop"])?;
        let running = &mut self.running;
        until_true(Duration::from_secs(20), "fail2ban's end", || {
            Ok(running.ended()?.is_some())
        })
    }
}

fn times(log: &Path, end: &str) -> usize {
    read(log).lines().filter(|line| line.contains(end)).count()
}

/// The last ban of an address: jail, address, and what a start needs to know of it.
pub(crate) type Row = BTreeMap<String, Value>;

/// The last ban of each address.
pub(crate) fn rows(database: &Path, condition: &str) -> Done<Vec<Row>> {
    let sql = format!(
        "SELECT jail, ip, timeofban, bantime, bancount FROM bips WHERE {condition} ORDER BY jail, ip"
    );
    let said = must(
        Command::new("sqlite3")
            .args(["-readonly", "-json", "-cmd", ".timeout 5000"])
            .arg(database)
            .arg(sql),
    )?;
    if said.trim().is_empty() {
        return Ok(Vec::new());
    }
    Ok(serde_json::from_str(&said)?)
}
