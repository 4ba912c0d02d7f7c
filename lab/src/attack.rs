//! Attackers: their addresses, their real clients, and bare connections that show who gets through.

use crate::process::{Running, run};
use crate::wait::until_true;
use crate::world::{SERVER4, SERVER6, World, read};
use crate::{Done, Stop, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long a connection may take that nobody stops.
const PATIENCE: Duration = Duration::from_millis(1500);

/// IPv4 sources.
pub(crate) fn sources4(block: u8, count: u8) -> Vec<String> {
    (1..=count).map(|n| format!("10.77.{block}.{n}")).collect()
}

/// IPv6 sources, each in a /64 of its own.
pub(crate) fn sources6(block: u8, count: u8) -> Vec<String> {
    (1..=count)
        .map(|n| format!("fd77:0:{:x}:{n:x}::1", u16::from(block) + 1))
        .collect()
}

/// As many of both.
pub(crate) fn sources(block: u8, count: u8) -> Vec<String> {
    sources4(block, count)
        .into_iter()
        .chain(sources6(block, count))
        .collect()
}

/// Addresses as the daemon, the store and the kernel are asked for them.
pub(crate) fn set(sources: &[String]) -> BTreeSet<String> {
    sources.iter().cloned().collect()
}

/// The server's address of the same family.
pub(crate) fn server_of(source: &str) -> &'static str {
    if source.contains(':') {
        SERVER6
    } else {
        SERVER4
    }
}

/// The server's address as it stands in a URL.
pub(crate) fn host_of(source: &str) -> String {
    if source.contains(':') {
        format!("[{SERVER6}]")
    } else {
        SERVER4.to_owned()
    }
}

/// Those who can open a connection to the server's port.
pub(crate) fn who_connects(world: &World, sources: &[String], port: u16) -> Done<BTreeSet<String>> {
    world.as_attacker(|| {
        let mut waiting = Vec::new();
        for source in sources {
            waiting.push((source, begin(source, port)?));
        }
        let deadline = Instant::now() + PATIENCE;
        let mut open = BTreeSet::new();
        for (source, fd) in waiting {
            if finish(fd, deadline).is_ok() {
                open.insert(source.clone());
            }
        }
        Ok(open)
    })
}

/// Fails unless nobody of the `shut` and everybody of the `open` reaches the port.
pub(crate) fn ensure_shut(world: &World, port: u16, shut: &[String], open: &[String]) -> Done {
    let all: Vec<String> = shut.iter().chain(open).cloned().collect();
    let connected = who_connects(world, &all, port)?;
    let leaks: Vec<_> = shut
        .iter()
        .filter(|source| connected.contains(*source))
        .take(3)
        .collect();
    ensure(
        leaks.is_empty(),
        format!("banned and still let in to port {port}: {leaks:?}…"),
    )?;
    let lost: Vec<_> = open
        .iter()
        .filter(|source| !connected.contains(*source))
        .take(3)
        .collect();
    ensure(
        lost.is_empty(),
        format!("never banned and not let in to port {port}: {lost:?}…"),
    )
}

/// Opens a connection and keeps it.
pub(crate) fn hold(world: &World, source: &str, port: u16) -> Done<TcpStream> {
    world.as_attacker(|| {
        let fd = begin(source, port)?;
        finish(fd, Instant::now() + PATIENCE)
            .map_err(|error| Stop::Fail(format!("{source} to port {port}: {error}")))
    })
}

/// Fails unless the server's side has cut the connection: a reset or an end, after whatever it had said before.
pub(crate) fn ensure_cut(mut held: TcpStream, whose: &str) -> Done {
    held.set_read_timeout(Some(Duration::from_secs(3)))?;
    let mut said = [0; 4096];
    loop {
        match held.read(&mut said) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                return Err(Stop::Fail(format!(
                    "{whose} is banned and an open connection of his lives on"
                )));
            }
            Err(_) => return Ok(()),
        }
    }
}

fn begin(source: &str, port: u16) -> Done<OwnedFd> {
    let parsed = |text: &str| {
        text.parse::<IpAddr>()
            .map_err(|error| Stop::Fail(format!("{text}: {error}")))
    };
    let (from, to) = (parsed(source)?, parsed(server_of(source))?);
    let family = if from.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let fd = socket_with(family, SocketType::STREAM, flags, None).map_err(io::Error::from)?;
    bind(&fd, &SocketAddr::new(from, 0))
        .map_err(|error| Stop::Fail(format!("bind {source}: {error}")))?;
    match connect(&fd, &SocketAddr::new(to, port)) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(fd),
        Err(error) => Err(Stop::Fail(format!("connect from {source}: {error}"))),
    }
}

fn finish(fd: OwnedFd, deadline: Instant) -> io::Result<TcpStream> {
    let left = deadline.saturating_duration_since(Instant::now());
    let limit = Timespec::try_from(left).map_err(io::Error::other)?;
    if poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&limit))? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    sockopt::socket_error(&fd)??;
    let stream = TcpStream::from(fd);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// A real `ssh` that types wrong passwords. Before the last of them it waits at a gate, as a slow person would.
pub(crate) struct SshAttack {
    client: Running,
    name: String,
    prompts: PathBuf,
    gate: File,
}

impl SshAttack {
    /// Begins: `tries` passwords one after the other, the gate before one more.
    pub(crate) fn begin(world: &World, source: &str, user: &str, tries: usize) -> Done<Self> {
        let name = format!("ssh-{}", source.replace([':', '.'], "-"));
        let askpass = world.write(
            "askpass",
            "#!/bin/sh\necho asked >> \"$LAB_PROMPTS\"\n\
             [ \"$(wc -l < \"$LAB_PROMPTS\")\" -le \"$LAB_TRIES\" ] || read -r word < \"$LAB_GATE\"\necho wrong\n",
        );
        let (askpass, prompts) = (askpass?, world.file(&format!("{name}.prompts")));
        let gate = world.file(&format!("{name}.gate"));
        ensure(
            run(Command::new("chmod").arg("755").arg(&askpass))?
                .status
                .success(),
            "chmod of askpass",
        )?;
        ensure(
            run(Command::new("mkfifo").arg(&gate))?.status.success(),
            "mkfifo",
        )?;
        let mut command = ssh(world, source, user);
        command.args([
            "-o",
            "PubkeyAuthentication=no",
            "-o",
            "PreferredAuthentications=password",
        ]);
        command
            .arg("-o")
            .arg(format!("NumberOfPasswordPrompts={}", tries + 1));
        command.arg(server_of(source)).arg("true");
        command
            .env("SSH_ASKPASS", &askpass)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", ":0");
        command
            .env("LAB_PROMPTS", &prompts)
            .env("LAB_TRIES", tries.to_string())
            .env("LAB_GATE", &gate);
        let client = world.start(&name, &mut command)?;
        // Open for both ends, so that neither side waits for the other to open it.
        let gate = File::options().read(true).write(true).open(gate)?;
        Ok(Self {
            client,
            name,
            prompts,
            gate,
        })
    }

    /// Waits until all tries but the last are refused, or the client has ended.
    pub(crate) fn wait_tries(&mut self, tries: usize) -> Done {
        until_true(
            Duration::from_secs(30),
            &format!("{}: {tries} wrong passwords", self.name),
            || Ok(read(&self.prompts).lines().count() > tries || self.client.ended()?.is_some()),
        )
    }

    /// Opens the gate and waits for the client's end; gives its exit code.
    pub(crate) fn finish(mut self) -> Done<i32> {
        self.gate.write_all(b"go\n")?;
        crate::wait::until(
            Duration::from_secs(20),
            &format!("the end of {}", self.name),
            || self.client.ended(),
        )
    }
}

/// `ssh` from a source, free of the machine's own configuration, keys and agents.
pub(crate) fn ssh(world: &World, source: &str, user: &str) -> Command {
    let mut command = world.attacker("ssh");
    command.args([
        "-F",
        "none",
        "-b",
        source,
        "-l",
        user,
        "-o",
        "IdentityAgent=none",
        "-o",
        "ConnectTimeout=5",
    ]);
    command.args([
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
    ]);
    command.env_remove("SSH_AUTH_SOCK");
    command
}

/// Logs in as `good` with the right key; true if the server let it in.
pub(crate) fn ssh_log_in(world: &World, source: &str) -> Done<bool> {
    let mut command = ssh(world, source, "good");
    command.arg("-i").arg(world.file("good-key")).args([
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "BatchMode=yes",
    ]);
    let output = run(command.arg(server_of(source)).arg("echo welcome"))?;
    Ok(output.stdout == b"welcome\n")
}

/// Fails unless `good` can log in from each of these.
pub(crate) fn ensure_ssh_log_in(world: &World, sources: &[&str], when: &str) -> Done {
    for source in sources {
        ensure(
            ssh_log_in(world, source)?,
            format!("a good user from {source} cannot log in {when}"),
        )?;
    }
    Ok(())
}

/// `curl` from a source; gives what it said.
pub(crate) fn curl(world: &World, source: &str, url: &str, login: Option<&str>) -> Done<Output> {
    let mut command = world.attacker("curl");
    command.args([
        "-sS",
        "-g",
        "--noproxy",
        "*",
        "--max-time",
        "5",
        "--interface",
        &format!("host!{source}"),
    ]);
    command.args(["-o", "/dev/null", "-w", "%{http_code}"]);
    if let Some(login) = login {
        command.args(["-u", login]);
    }
    run(command.arg(url))
}

/// `mariadb` from a source; true if it was let in. One at a time: the source is that of the route.
pub(crate) fn mariadb(world: &World, source: &str, user: &str, password: &str) -> Done<bool> {
    world.speak_from(source)?;
    let mut command = world.attacker("mariadb");
    command.args([
        "--no-defaults",
        "--connect-timeout=5",
        "-h",
        server_of(source),
        "-u",
        user,
    ]);
    command.args([&format!("-p{password}"), "-N", "-e", "SELECT 'welcome'"]);
    Ok(run(&mut command)?.stdout == b"welcome\n")
}

/// `psql` from a source; true if it was let in. One at a time: the source is that of the route.
pub(crate) fn psql(world: &World, source: &str, user: &str, password: &str) -> Done<bool> {
    world.speak_from(source)?;
    let mut command = world.attacker("psql");
    let target = format!(
        "host={} user={user} dbname=postgres sslmode=disable connect_timeout=5",
        server_of(source)
    );
    command
        .args(["-X", "-A", "-t", "-c", "SELECT 'welcome'", &target])
        .env("PGPASSWORD", password);
    Ok(run(&mut command)?.stdout == b"welcome\n")
}

/// Appends to a log as a service does.
pub(crate) fn append(path: &Path, text: impl AsRef<[u8]>) -> Done {
    let mut file = File::options().create(true).append(true).open(path)?;
    Ok(file.write_all(text.as_ref())?)
}

/// sshd's line of a wrong password, dated now.
pub(crate) fn failed_password(source: &str) -> Done<String> {
    Ok(line_of(&now_text()?, 4242, source))
}

/// `count` wrong passwords from each source, dated now. Each has a process of its own, as sshd does it.
pub(crate) fn failed_passwords(sources: &[String], count: usize) -> Done<String> {
    let now = now_text()?;
    Ok(sources
        .iter()
        .enumerate()
        .map(|(n, source)| line_of(&now, 5000 + n, source).repeat(count))
        .collect())
}

fn line_of(now: &str, pid: usize, source: &str) -> String {
    format!("{now} host sshd[{pid}]: Failed password for root from {source} port 4711 ssh2\n")
}

fn now_text() -> Done<String> {
    let said = run(Command::new("date").arg("+%Y-%m-%dT%H:%M:%S.%6N%:z"))?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
