//! What servers log to: rsyslogd or systemd-journald, each the owner of /dev/log in its world.

use crate::Done;
use crate::process::{Running, must, need, run};
use crate::wait::until_true;
use crate::world::World;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// Starts rsyslogd as Debian sets it up: auth.log and mail.log in /var/log.
pub(crate) fn rsyslogd(world: &World) -> Done<Running> {
    need("rsyslogd")?;
    let config = world.write(
        "rsyslog.conf",
        "module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         input(type=\"imuxsock\" Socket=\"/dev/log\" CreatePath=\"on\")\n\
         auth,authpriv.* /var/log/auth.log\n\
         mail.* /var/log/mail.log\n",
    )?;
    let pid_file = world.file("rsyslog.pid");
    let server = world.start(
        "rsyslogd",
        world
            .server("rsyslogd")
            .arg("-n")
            .arg("-f")
            .arg(config)
            .arg("-i")
            .arg(pid_file),
    )?;
    let socket = world.inside("/dev/log");
    until_true(SOON, "rsyslogd's /dev/log", || Ok(socket.exists()))?;
    Ok(server)
}

/// Starts systemd-journald with a journal of its own in /run/log/journal.
pub(crate) fn journald(world: &World) -> Done<Running> {
    let program = "/lib/systemd/systemd-journald";
    need(program)?;
    need("journalctl")?;
    let server = world.start("journald", &mut world.server(program))?;
    let socket = world.inside("/run/systemd/journal/dev-log");
    until_true(SOON, "journald's socket", || Ok(socket.exists()))?;
    must(
        world
            .server("ln")
            .args(["-s", "/run/systemd/journal/dev-log", "/dev/log"]),
    )?;
    log_to_journal(world, "logger", "lab", "the journal is there")?;
    until_true(SOON, "journald's first entry", || {
        let said = run(world
            .server("journalctl")
            .args(["--no-pager", "-q", "-o", "cat"]))?;
        Ok(String::from_utf8_lossy(&said.stdout).contains("the journal is there"))
    })?;
    Ok(server)
}

/// Writes one message through syslog's socket with a program (`logger`, or a copy of it).
pub(crate) fn log_to_journal(world: &World, program: &str, tag: &str, message: &str) -> Done {
    must(
        world
            .server(program)
            .args(["-p", "auth.info", "-t", tag, message]),
    )
    .map(drop)
}
