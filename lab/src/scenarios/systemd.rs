//! The unit as it ships, under a real systemd with a real journal.

use crate::machine::Machine;
use crate::wait::until_true;
use crate::{Done, Stop, ensure};
use std::path::Path;
use std::time::Duration;

const UNIT: &str = "stockade.service";

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn unit(program: &Path) -> Done {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/systemd");
    let machine = Machine::boot("systemd", include_str!("systemd.sh"), &[program, &units])?;
    let show = |property: &str| machine.show(UNIT, property);
    until_true(SOON, "stockade.service is active", || {
        let state = show("ActiveState")?;
        ensure(
            state != "failed",
            format!("the unit failed: {}", machine.journal(UNIT)?),
        )?;
        Ok(state == "active")
    })?;
    ensure(show("Type")? == "notify", "the unit is not of Type=notify")?;
    ensure(
        show("StatusText")?.contains("guarding"),
        "no READY with a status was sent",
    )?;
    let pid = show("MainPID")?;
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
            machine.journal(UNIT).unwrap_or_default()
        ))
    })?;
    let fed = || show("WatchdogTimestampMonotonic");
    let before = fed()?;
    until_true(SOON, "the watchdog is fed", || Ok(fed()? != before))?;
    machine.text(&["systemctl", "restart", "stockade"])?;
    ensure(banned()?, "the restart lost the ban")?;
    ensure(show("MainPID")? != pid, "it was not restarted")?;
    let listed = machine.text(&["stockade", "banned", "--json"])?;
    ensure(
        listed.contains("198.51.100.7"),
        format!("not banned after the restart: {listed}"),
    )?;
    ensure(
        show("NRestarts")? == "0",
        "the unit was restarted by failure",
    )
}
