//! Under fail2ban's names: Debian's own tree, its stock actions as shell, its client's manners, its database.

use crate::attack::{append, ensure_shut, failed_passwords, set, sources, sources4};
use crate::daemon::SOON;
use crate::fail2ban::{Banned, Fail2ban, make_tree};
use crate::process::must;
use crate::servers;
use crate::wait::until_true;
use crate::world::{World, read};
use crate::{Done, Stop, ensure};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Our programs under fail2ban's names, on a tree of a world.
struct Names<'w> {
    world: &'w World,
    tree: String,
}

impl<'w> Names<'w> {
    /// A server that reads one log for one jail, whose bans shut nobody out; and that log.
    fn start_without_firewall(world: &'w World, program: &Path) -> Done<(Self, PathBuf)> {
        let log = world.write("auth.log", "")?;
        let jails = format!(
            "[DEFAULT]\naction = nothing\n[sshd]\nenabled = true\nbackend = polling\nlogpath = {}\n",
            log.display()
        );
        let tree = make_tree(world, &jails, &world.file("fail2ban.sqlite3"))?;
        let action = "[Definition]\nactionban = :\n";
        world.write("fail2ban/action.d/nothing.conf", action)?;
        let names = Self::new(world, program, tree)?;
        names.ask(&["start"])?;
        Ok((names, log))
    }

    fn new(world: &'w World, program: &Path, tree: String) -> Done<Self> {
        let bin = world.file("bin");
        fs::create_dir_all(&bin)?;
        for name in ["fail2ban-client", "fail2ban-server"] {
            symlink(program, bin.join(name))?;
        }
        let pid = world.file("pid");
        let socket = world.file("socket");
        let local = format!(
            "\n[Definition]\nsocket = {}\npidfile = {}\n",
            socket.display(),
            pid.display()
        );
        let file = world.file("fail2ban/fail2ban.local");
        fs::write(&file, read(&file) + &local)?;
        Ok(Self { world, tree })
    }

    fn ask(&self, words: &[&str]) -> Done<String> {
        let client = self.world.file("bin/fail2ban-client");
        let mut command = self.world.server(client);
        must(command.args(["-c", &self.tree]).args(words))
    }

    /// What a script of somebody's gets, with our client on its path.
    fn script(&self, text: &str) -> Done<String> {
        let path = format!("{}:/usr/bin:/bin", self.world.file("bin").display());
        let text = text.replace(
            "fail2ban-client",
            &format!("fail2ban-client -c {}", self.tree),
        );
        let mut command = self.world.server("env");
        command.arg(format!("PATH={path}"));
        must(command.args(["sh", "-c", &text]))
    }

    fn pid(&self) -> String {
        read(&self.world.file("pid")).trim().to_owned()
    }

    fn wait_banned(&self, jail: &str, expected: &[String]) -> Done {
        until_true(SOON, "our bans", || {
            let banned = self.ask(&["get", jail, "banip"])?;
            let banned: Vec<String> = banned.split_whitespace().map(str::to_owned).collect();
            Ok(set(&banned) == set(expected))
        })
    }
}

/// A whole day: start, attack, questions of other programs, a crash, the switch to Debian's fail2ban and back, the end.
pub(crate) fn a_day(program: &Path) -> Done {
    let world = World::new()?;
    let tables = || -> Done<String> {
        let v4 = must(world.server("iptables-save").args(["-t", "filter"]))?;
        let v6 = must(world.server("ip6tables-save").args(["-t", "filter"]))?;
        Ok(v4 + &v6)
    };
    if tables().is_err() {
        return Err(Stop::Skip("iptables is not installed".into()));
    }
    let _rsyslogd = servers::rsyslogd(&world)?;
    let _sshd = servers::sshd(&world)?;
    let log = world.write("auth.log", "")?;
    let jails = format!(
        "[DEFAULT]\nbanaction = iptables-multiport\n[sshd]\nenabled = true\nbackend = polling\nlogpath = {}\n",
        log.display()
    );
    let tree = make_tree(&world, &jails, &world.file("fail2ban.sqlite3"))?;
    world.write(
        "fail2ban/action.d/nothing.conf",
        "[Definition]\nactionban = :\n",
    )?;
    let names = Names::new(&world, program, tree)?;
    ensure(
        names.ask(&["start"])?.trim() == "Server ready",
        "a start that says something else",
    )?;
    let attackers = sources(160, 3);
    append(&log, failed_passwords(&attackers, 5)?)?;
    names.wait_banned("sshd", &attackers)?;
    // The script of the action comes after the word of the ban.
    let wait_closed = || {
        until_true(SOON, "iptables has all of them", || {
            let tables = tables()?;
            Ok(attackers
                .iter()
                .all(|source| tables.contains(source.as_str())))
        })
    };
    wait_closed()?;
    ensure_shut(&world, 22, &attackers, &sources(161, 1))?;
    let ruleset = must(world.server("nft").args(["list", "tables"]))?;
    ensure(
        !ruleset.contains("stockade"),
        "a table of ours without need",
    )?;
    scripts(&names)?;

    // A crash leaves the actions' rules, and the next start knows all bans.
    must(world.server("kill").args(["-9", &names.pid()]))?;
    until_true(SOON, "the end of the server", || {
        Ok(!Path::new(&format!("/proc/{}", names.pid())).exists())
    })?;
    names.ask(&["-x", "start"])?;
    names.wait_banned("sshd", &attackers)?;
    wait_closed()?;
    ensure_shut(&world, 22, &attackers, &sources(161, 1))?;
    let had = names.ask(&["get", "sshd", "banip", "--with-time"])?;

    // Debian's takes over in the same file, and we again.
    names.ask(&["stop"])?;
    ensure(!world.file("socket").exists(), "a socket was left")?;
    ensure(!tables()?.contains("f2b-sshd"), "rules were left")?;
    let banned: Banned = [("sshd".to_owned(), set(&attackers))].into();
    let theirs = Fail2ban::start(&world, 1)?;
    theirs.wait_banned(&banned)?;
    let has = theirs.ask(&["get", "sshd", "banip", "--with-time"])?;
    ensure(
        lines(&had) == lines(&has),
        format!("ends differ: {had} and {has}"),
    )?;
    theirs.stop()?;
    names.ask(&["-x", "start"])?;
    names.wait_banned("sshd", &attackers)?;
    wait_closed()?;
    let has = names.ask(&["get", "sshd", "banip", "--with-time"])?;
    ensure(
        lines(&had) == lines(&has),
        format!("ends differ: {had} and {has}"),
    )?;

    let pid = PathBuf::from(format!("/proc/{}", names.pid()));
    ensure(
        names.ask(&["unban", "--all"])?.trim() == "6",
        "not all were unbanned",
    )?;
    until_true(SOON, "iptables has none of them", || {
        let tables = tables()?;
        Ok(!attackers
            .iter()
            .any(|source| tables.contains(source.as_str())))
    })?;
    ensure_shut(&world, 22, &[], &attackers)?;
    ensure(
        names.ask(&["stop"])?.trim() == "Shutdown successful",
        "an end that says something else",
    )?;
    until_true(SOON, "the end of the server", || Ok(!pid.exists()))?;
    ensure(!world.file("pid").exists(), "a pid file was left")
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// What monitoring, exporters in shell and playbooks do with the text.
fn scripts(names: &Names<'_>) -> Done {
    let check = |script: &str, expected: &str| -> Done {
        let said = names.script(script)?;
        let said = said.trim();
        ensure(said == expected, format!("'{script}' gives '{said}'"))
    };
    check("fail2ban-client ping | grep -c pong", "1")?;
    check(
        r"fail2ban-client status | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ','",
        "sshd",
    )?;
    check(
        "fail2ban-client status sshd | awk -F: '/Currently banned/ {print $2 + 0}'",
        "6",
    )?;
    check(
        "fail2ban-client status sshd | grep 'Banned IP list:' | sed 's/.*list://' | wc -w",
        "6",
    )?;
    check("fail2ban-client status sshd | grep -c 'Total failed:'", "1")?;
    check(
        "fail2ban-client get sshd banip | tr ' ' '\\n' | grep -c .",
        "6",
    )?;
    check("fail2ban-client get sshd bantime", "600")?;
    check("fail2ban-client set sshd banip 198.51.100.7", "1")?;
    check("fail2ban-client banned 198.51.100.7", "[['sshd']]")?;
    check("fail2ban-client set sshd unbanip 198.51.100.7", "1")?;
    check(
        "fail2ban-client set sshd unbanip 198.51.100.7 || echo failed",
        "0",
    )?;
    check(
        "fail2ban-client status nojail >/dev/null 2>&1 || echo $?",
        "255",
    )?;
    check("fail2ban-client flushlogs", "logs: rolled over")?;
    check("fail2ban-client reload", "OK")?;
    check("fail2ban-client get sshd banip | wc -w", "6")
}

/// A thousand clients that begin a request and never end it, and some that send nonsense: others are served, and the memory
/// stays what it was.
pub(crate) fn hostile_clients(program: &Path) -> Done {
    let world = World::new()?;
    let (names, _) = Names::start_without_firewall(&world, program)?;
    let pid = names.pid();
    let before = resident(&pid)?;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(4096),
            maximum: Some(4096),
        },
    )
    .map_err(|error| Stop::Skip(format!("files cannot be opened in numbers: {error}")))?;
    let socket = world.file("socket");
    let mut held = Vec::new();
    for n in 0..1000 {
        let mut stream = UnixStream::connect(&socket)?;
        // A list that goes on, a text that is longer than what comes, a line of our own protocol that has no end.
        let begun: &[u8] = match n % 3 {
            0 => b"\x80\x02](N",
            1 => b"\x80\x02X\xff\xff\x0f\x00half",
            _ => b"{\"command\":",
        };
        // One that was sent away meanwhile cannot write.
        drop(stream.write_all(begun));
        held.push(stream);
        if n % 100 == 0 {
            ensure(names.ask(&["ping"])?.contains("pong"), "nobody is served")?;
        }
    }
    ensure(names.ask(&["ping"])?.contains("pong"), "nobody is served")?;
    ensure(names.ask(&["status"])?.contains("sshd"), "nobody is served")?;
    // What would run a program in the original.
    let mut stream = UnixStream::connect(&socket)?;
    let mark = world.file("executed");
    let call = format!(
        "cos\nsystem\n(S'touch {}'\ntR.<F2B_END_COMMAND>",
        mark.display()
    );
    stream.write_all(call.as_bytes())?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut answer = [0; 256];
    let read = stream.read(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    ensure(answer.contains("refused"), format!("answered: {answer}"))?;
    ensure(!mark.exists(), "a pickle was executed")?;
    let after = resident(&pid)?;
    ensure(
        after < before + 16 * 1024,
        format!("{before} KiB became {after} KiB"),
    )?;
    drop(held);
    names.ask(&["stop"]).map(drop)
}

/// KiB of a process in memory.
fn resident(pid: &str) -> Done<u64> {
    let status = read(Path::new(&format!("/proc/{pid}/status")));
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Stop::Fail(format!("no memory of {pid}: {status}")))
}

/// Programs of others that read fail2ban: the packages `fail2bangeolocation` and `fail2ban-log-parser` of PyPI, if they
/// were fetched to the directory that `STOCKADE_LAB_PYTHON` names.
pub(crate) fn foreign_programs(program: &Path) -> Done {
    let Some(packages) = std::env::var_os("STOCKADE_LAB_PYTHON").map(PathBuf::from) else {
        return Err(Stop::Skip("no Python packages were fetched".into()));
    };
    let world = World::new()?;
    let (names, log) = Names::start_without_firewall(&world, program)?;
    let attackers = sources4(162, 3);
    append(&log, failed_passwords(&attackers, 5)?)?;
    names.wait_banned("sshd", &attackers)?;
    // They call the client without a word of where its configuration is.
    let wrapper = format!(
        "#!/bin/sh\nexec {} -c {} \"$@\"\n",
        world.file("bin/fail2ban-client").display(),
        names.tree
    );
    let client = world.write("usual/fail2ban-client", &wrapper)?;
    must(Command::new("chmod").arg("755").arg(client))?;
    let path = format!("PATH={}:/usr/bin:/bin", world.file("usual").display());
    let python = |text: &str| -> Done<BTreeSet<String>> {
        let mut command = world.server("env");
        command
            .args([&path, &format!("PYTHONPATH={}", packages.display())])
            .args(["/usr/bin/python3", "-c", text])
            .arg(world.file("fail2ban.log"));
        let said = must(&mut command)?;
        Ok(said.split_whitespace().map(str::to_owned).collect())
    };
    let geolocation = "from fail2bangeolocation.domain.";
    for asked in ["", "'sshd'"] {
        // What it does meanwhile it tells on the standard output.
        let text = format!(
            "import sys; {geolocation}fail2ban import get_banned_ips as ips\n\
             own, sys.stdout = sys.stdout, sys.stderr; found = ips({asked}); print(*found, file=own)"
        );
        let found = python(&text)?;
        ensure(
            found == set(&attackers),
            format!("fail2bangeolocation finds {found:?}"),
        )?;
    }
    let text = format!(
        "import sys; {geolocation}fail2banlog import get_banned_ips as ips; print(*ips(sys.argv[1], True))"
    );
    let found = python(&text)?;
    ensure(
        found == set(&attackers),
        format!("in the log it finds {found:?}"),
    )?;
    // The parser's release knows no line of fail2ban 1.0.2 either: a line of ours must fare as one of the original's.
    let original =
        "2026-01-02 03:04:05,678 fail2ban.actions        [9]: NOTICE  [sshd] Ban 192.0.2.1";
    let text = format!(
        "import sys, fail2ban_log_parser as p\n\
         verdict = lambda line: 'read' if p.parse(line)[0] else 'unread'\n\
         lines = [line.rstrip() for line in open(sys.argv[1]) if ' Ban ' in line]\n\
         print(*{{verdict(line) == verdict({original:?}) for line in lines}})"
    );
    let alike = python(&text)?;
    ensure(
        alike == set(&["True".to_owned()]),
        format!("fail2ban-log-parser: {alike:?}"),
    )?;
    names.ask(&["stop"]).map(drop)
}
