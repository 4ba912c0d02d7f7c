//! The Debian package on a machine that systemd boots: installed, switched over from Debian's fail2ban with live bans,
//! switched back, purged. No ban is lost either way, and nothing is left behind.

use crate::machine::Machine;
use crate::process::{must, need};
use crate::wait::until_true;
use crate::{Done, Stop, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const FAIL2BAN: &str = "fail2ban.service";
const NATIVE: &str = "stockade.service";
const STAND_IN: &str = "stockade-fail2ban.service";

/// Attackers that the log tells of, and one that the admin banned in the other jail, beside the first of them.
const ATTACKERS: [&str; 3] = ["198.51.100.7", "198.51.100.8", "2001:db8:1::66"];
const BY_HAND: &str = "203.0.113.9";

/// There with a database of Stockade's own, upgraded meanwhile, and back.
pub(crate) fn native(program: &Path) -> Done {
    let machine = Beside::boot("package", program)?;
    let before = machine.files()?;
    machine.install()?;
    machine.guards(FAIL2BAN)?;
    machine.say(
        &["stockade", "migrate", "--native"],
        "5 bans and 2 positions",
    )?;
    machine.bans(&["fail2ban-client", "banned"])?;

    // One that does not start: fail2ban guards as before.
    machine.text(&["systemctl", "mask", NATIVE])?;
    let failed = machine.run(&["stockade", "migrate", "--switch", "--native"])?;
    machine.text(&["systemctl", "unmask", NATIVE])?;
    let said = String::from_utf8_lossy(&failed.stdout);
    ensure(
        failed.status.code() == Some(1) && said.contains("2 jails and 5 bans, as before"),
        format!("a switch that must fail: {}: {said}", failed.status),
    )?;
    machine.guards(FAIL2BAN)?;
    machine.bans(&["fail2ban-client", "banned"])?;
    machine.bans(&["nft", "list", "ruleset"])?;

    machine.say(
        &["stockade", "migrate", "--switch", "--native"],
        "2 jails and 5 bans, as before",
    )?;
    machine.guards(NATIVE)?;
    machine.bans(&["stockade", "banned"])?;
    machine.bans(&["nft", "list", "table", "inet", "stockade"])?;
    machine.say(&["fail2ban-client", "--version"], "Stockade")?;
    machine.text(&["stockade", "ban", "sshd", "203.0.113.77", "--time", "30m"])?;
    machine.text(&["stockade", "unban", ATTACKERS[0]])?;

    let pid = machine.show(NATIVE, "MainPID")?;
    machine.text(&["dpkg", "--install", "/root/stockade.deb"])?;
    ensure(
        machine.show(NATIVE, "MainPID")? != pid,
        "the upgrade left the old one running",
    )?;
    machine.guards(NATIVE)?;
    let said = machine.text(&["stockade", "banned"])?;
    ensure(
        said.contains("203.0.113.77"),
        format!("the upgrade lost a ban: {said}"),
    )?;

    machine.say(
        &["stockade", "migrate", "--back"],
        "2 jails and 4 bans, as before",
    )?;
    machine.guards(FAIL2BAN)?;
    let said = machine.text(&["fail2ban-client", "get", "sshd", "banip", "--with-time"])?;
    ensure(
        said.contains("203.0.113.77 \t") && said.contains(" + 1800 = "),
        format!("fail2ban does not have Stockade's ban with its time: {said}"),
    )?;
    ensure(
        !said.contains(ATTACKERS[0]),
        format!("what was lifted came back: {said}"),
    )?;
    let ruleset = machine.text(&["nft", "list", "ruleset"])?;
    ensure(
        ruleset.contains("203.0.113.77") && !ruleset.contains("table inet stockade"),
        format!("the kernel's rules: {ruleset}"),
    )?;
    machine.purge(&before)?;
    machine.guards(FAIL2BAN)
}

/// There with everything of fail2ban's, and back because the package goes.
pub(crate) fn stand_in(program: &Path) -> Done {
    let machine = Beside::boot("stand-in", program)?;
    let before = machine.files()?;
    machine.install()?;
    machine.say(
        &["stockade", "migrate", "--switch"],
        "2 jails and 5 bans, as before",
    )?;
    machine.guards(STAND_IN)?;
    machine.bans(&["fail2ban-client", "banned"])?;
    machine.bans(&["nft", "list", "ruleset"])?;
    machine.text(&["fail2ban-client", "set", "sshd", "banip", "203.0.113.77"])?;
    machine.text(&["dpkg", "--install", "/root/stockade.deb"])?;
    machine.guards(STAND_IN)?;
    machine.bans(&["nft", "list", "ruleset"])?;
    machine.text(&["systemctl", "reload", STAND_IN])?;
    machine.bans(&["fail2ban-client", "banned"])?;
    machine.purge(&before)?;
    machine.guards(FAIL2BAN)?;
    machine.bans(&["fail2ban-client", "banned"])?;
    machine.say(
        &["fail2ban-client", "get", "sshd", "banned"],
        "203.0.113.77",
    )
}

/// Where nothing guards yet it guards at once.
pub(crate) fn alone(program: &Path) -> Done {
    let package = Package::build("alone", program)?;
    let machine = Machine::boot("alone", include_str!("package.sh"), &[&package.0])?;
    let before = files(&machine)?;
    machine.text(&["dpkg", "--install", "/root/stockade.deb"])?;
    ensure(
        machine.show(NATIVE, "ActiveState")? == "active",
        machine.journal(NATIVE)?,
    )?;
    ensure(
        machine.show(NATIVE, "UnitFileState")? == "enabled",
        "the unit is not enabled",
    )?;
    machine.text(&["stockade", "ban", "sshd", "203.0.113.77"])?;
    machine.text(&["dpkg", "--remove", "stockade"])?;
    let ruleset = machine.text(&["nft", "list", "ruleset"])?;
    ensure(
        !ruleset.contains("stockade"),
        format!("left in the kernel: {ruleset}"),
    )?;
    ensure(
        machine
            .run(&["test", "-e", "/var/lib/stockade/stockade.sqlite3"])?
            .status
            .success(),
        "a removal that is no purge took the bans away",
    )?;
    machine.text(&["dpkg", "--install", "/root/stockade.deb"])?;
    let said = machine.text(&["stockade", "banned"])?;
    ensure(
        said.contains("203.0.113.77"),
        format!("installed again, the ban is gone: {said}"),
    )?;
    machine.text(&["dpkg", "--purge", "stockade"])?;
    let ruleset = machine.text(&["nft", "list", "ruleset"])?;
    ensure(
        !ruleset.contains("stockade"),
        format!("left in the kernel: {ruleset}"),
    )?;
    same(&before, &files(&machine)?)
}

/// A machine that Debian's fail2ban guards, with bans.
struct Beside(Machine);

impl std::ops::Deref for Beside {
    type Target = Machine;
    fn deref(&self) -> &Machine {
        &self.0
    }
}

impl Beside {
    fn boot(name: &str, program: &Path) -> Done<Self> {
        need("fail2ban-server")?;
        let package = Package::build(name, program)?;
        let arguments = [package.0.as_path(), Path::new("fail2ban")];
        let machine = Self(Machine::boot(name, include_str!("package.sh"), &arguments)?);
        until_true(SOON, "fail2ban answers", || {
            Ok(machine.run(&["fail2ban-client", "ping"])?.status.success())
        })?;
        let mut log = String::new();
        for (place, attacker) in ATTACKERS.iter().enumerate() {
            for n in 0..5 {
                log.push_str(&format!(
                    "%s lab sshd[7{place}{n}]: Failed password for root from {attacker} port 4{n} ssh2\\n"
                ));
            }
        }
        let now = "$(date '+%b %e %H:%M:%S')";
        let stamps = format!("{now}\" \"").repeat(ATTACKERS.len() * 5);
        let stamps = stamps.trim_end_matches("\" \"");
        let write = format!("printf \"{log}\" \"{stamps}\" >> /var/log/lab/auth.log");
        machine.text(&["bash", "-c", &write])?;
        machine.text(&[
            "fail2ban-client",
            "set",
            "nginx-http-auth",
            "banip",
            BY_HAND,
            ATTACKERS[0],
        ])?;
        let bans = until_true(SOON, "fail2ban bans", || {
            let said = machine.text(&["fail2ban-client", "banned"])?;
            Ok(ATTACKERS.iter().all(|attacker| said.contains(attacker)))
        });
        bans.map_err(|_| {
            let log = machine.text(&[
                "tail",
                "-n",
                "20",
                "/var/log/fail2ban.log",
                "/var/log/lab/auth.log",
            ]);
            Stop::Fail(format!(
                "fail2ban does not ban: {}",
                log.unwrap_or_default()
            ))
        })?;
        Ok(machine)
    }

    /// Nothing changes by it.
    fn install(&self) -> Done {
        let pid = self.show(FAIL2BAN, "MainPID")?;
        self.text(&["dpkg", "--install", "/root/stockade.deb"])?;
        ensure(
            self.show(FAIL2BAN, "MainPID")? == pid,
            "installing restarted fail2ban",
        )?;
        self.guards(FAIL2BAN)?;
        for file in [
            "/usr/bin/stockade",
            "/etc/stockade/jail.local",
            "/etc/logrotate.d/stockade",
            "/usr/share/man/man1/stockade.1.gz",
            "/usr/share/doc/stockade/copyright",
        ] {
            self.text(&["test", "-e", file])?;
        }
        self.text(&["id", "stockade"])?;
        let divided = self.text(&["stockade", "check"])?;
        ensure(
            divided.contains("/etc/fail2ban") && !divided.contains("/etc/stockade"),
            format!("the package's own configuration hides fail2ban's: {divided}"),
        )
    }

    /// This unit runs and starts with the machine, and no other one does.
    fn guards(&self, unit: &str) -> Done {
        for other in [FAIL2BAN, NATIVE, STAND_IN] {
            let expected = if other == unit {
                ["active", "enabled"]
            } else {
                ["inactive", "disabled"]
            };
            let found = [
                self.show(other, "ActiveState")?,
                self.show(other, "UnitFileState")?,
            ];
            // A unit that is not there is as good as disabled.
            let is_gone = other != unit && found[1].is_empty();
            ensure(
                found == expected || (is_gone && found[0] == "inactive"),
                format!("{other} is {found:?}: {}", self.journal(other)?),
            )?;
        }
        Ok(())
    }

    /// All of them are named there.
    fn bans(&self, words: &[&str]) -> Done {
        let said = self.text(words)?;
        let missing = ATTACKERS
            .iter()
            .chain([&BY_HAND])
            .find(|who| !said.contains(**who));
        ensure(
            missing.is_none(),
            format!("{words:?} does not name {missing:?}: {said}"),
        )
    }

    fn say(&self, words: &[&str], expected: &str) -> Done {
        let output = self.run(words)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure(
            output.status.success() && said.contains(expected),
            format!(
                "{words:?}: {}, without '{expected}': {said} {complained}",
                output.status
            ),
        )
    }

    fn files(&self) -> Done<BTreeSet<String>> {
        files(&self.0)
    }

    fn purge(&self, before: &BTreeSet<String>) -> Done {
        self.text(&["dpkg", "--purge", "stockade"])?;
        same(before, &self.files()?)?;
        let ruleset = self.text(&["nft", "list", "ruleset"])?;
        ensure(
            !ruleset.contains("table inet stockade"),
            format!("left in the kernel: {ruleset}"),
        )
    }
}

/// Everything where packages write but logs, caches, and what dpkg keeps of itself.
fn files(machine: &Machine) -> Done<BTreeSet<String>> {
    let said = machine.text(&["find", "/etc", "/usr", "/var", "/opt", "/srv", "-xdev"])?;
    let is_nothing = |path: &str| {
        let starts = [
            "/var/log/",
            "/var/cache/",
            "/var/lib/dpkg/",
            "/var/tmp/",
            "/var/lib/systemd/timers/",
        ];
        // Empty ones of systemd go with any package, and SQLite's journal lasts as long as a write.
        path.ends_with(".wants")
            || path.ends_with("-journal")
            || starts.iter().any(|start| path.starts_with(start))
    };
    let paths = said.lines().filter(|path| !is_nothing(path));
    Ok(paths.map(str::to_owned).collect())
}

/// The user stays, and with it what the tools keep of the lists before.
fn same(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Done {
    let is_of_users = |path: &&String| {
        ["passwd", "group", "shadow", "gshadow", ".pwd.lock"]
            .iter()
            .any(|name| path.trim_end_matches('-') == format!("/etc/{name}"))
    };
    let left: Vec<&String> = after
        .difference(before)
        .filter(|path| !is_of_users(path))
        .collect();
    let gone: Vec<&String> = before
        .difference(after)
        .filter(|path| !is_of_users(path))
        .collect();
    let few = |all: &[&String]| format!("{:?}", all.get(..8).unwrap_or(all));
    ensure(
        left.is_empty() && gone.is_empty(),
        format!("left behind: {}; gone: {}", few(&left), few(&gone)),
    )
}

/// The package, in a folder that goes with it.
struct Package(PathBuf, PathBuf);

impl Package {
    fn build(name: &str, program: &Path) -> Done<Self> {
        for tool in ["dpkg-deb", "dpkg", "dpkg-divert"] {
            need(tool)?;
        }
        let folder =
            std::env::temp_dir().join(format!("stockade-lab-{name}-deb-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let said = must(
            Command::new(cargo)
                .args([
                    "run",
                    "--quiet",
                    "--package",
                    "xtask",
                    "--",
                    "package",
                    "--program",
                ])
                .arg(program)
                .arg("--out")
                .arg(&folder)
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")),
        )?;
        let path = said.lines().last().map(PathBuf::from);
        let path = path.ok_or_else(|| Stop::Fail("no package was named".into()))?;
        Ok(Self(path, folder))
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // What stays behind costs only room.
        drop(fs::remove_dir_all(&self.1));
    }
}
