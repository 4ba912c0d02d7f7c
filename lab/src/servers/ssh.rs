//! OpenSSH.

use crate::Done;
use crate::process::{Running, must, need};
use crate::servers::wait_port;
use crate::world::World;
use std::process::Command;

/// Starts it on port 22; `good` may log in with the key `good-key`. It logs to /dev/log, which must be there before.
pub(crate) fn sshd(world: &World) -> Done<Running> {
    for program in ["sshd", "ssh", "ssh-keygen"] {
        need(program)?;
    }
    for name in ["host-key", "good-key"] {
        must(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(world.file(name)),
        )?;
    }
    let keys = world.file("home/.ssh/authorized_keys");
    std::fs::copy(world.file("good-key.pub"), &keys)?;
    let dir = world.dir.display();
    // Without PAM a wrong password costs milliseconds instead of seconds; the lines are the same.
    let config = world.write(
        "sshd.conf",
        &format!(
            "Port 22\nHostKey {dir}/host-key\nPidFile none\nUsePAM no\nUseDNS no\nPasswordAuthentication yes\n\
             KbdInteractiveAuthentication no\nStrictModes no\nMaxAuthTries 20\nMaxStartups 500:30:1000\n"
        ),
    )?;
    // It re-executes itself and wants its own absolute path.
    let mut server = world.start(
        "sshd",
        world
            .server("/usr/sbin/sshd")
            .args(["-D", "-f"])
            .arg(config),
    )?;
    wait_port(world, &mut server, "sshd", 22)?;
    Ok(server)
}
