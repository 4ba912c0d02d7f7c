//! Other servers than sshd: each one attacked with its real client, from IPv4 and IPv6.

use crate::attack::{self, ensure_shut, host_of, set, sources};
use crate::daemon::{Daemon, SOON};
use crate::world::World;
use crate::{Done, ensure, servers};
use std::path::Path;

/// Attackers of each family.
const EACH: u8 = 4;

/// A server's jail and how its client knocks: gives whether it was let in.
struct Service<'w> {
    jail: &'w str,
    port: u16,
    log_in: &'w dyn Fn(&str, &str, &str) -> Done<bool>,
}

pub(crate) fn mariadb(program: &Path) -> Done {
    let world = World::new()?;
    let _server = servers::mariadb(&world)?;
    let log_in =
        |source: &str, user: &str, password: &str| attack::mariadb(&world, source, user, password);
    Service {
        jail: "mysqld-auth",
        port: 3306,
        log_in: &log_in,
    }
    .is_guarded(&world, program, 10)
}

pub(crate) fn postgresql(program: &Path) -> Done {
    let world = World::new()?;
    let _server = servers::postgresql(&world)?;
    let log_in =
        |source: &str, user: &str, password: &str| attack::psql(&world, source, user, password);
    Service {
        jail: "postgresql",
        port: 5432,
        log_in: &log_in,
    }
    .is_guarded(&world, program, 20)
}

pub(crate) fn nginx(program: &Path) -> Done {
    let world = World::new()?;
    let _server = servers::nginx(&world)?;
    let log_in = |source: &str, user: &str, password: &str| {
        let url = format!("http://{}/", host_of(source));
        let said = attack::curl(&world, source, &url, Some(&format!("{user}:{password}")))?;
        Ok(said.stdout == b"200")
    };
    Service {
        jail: "nginx-http-auth",
        port: 80,
        log_in: &log_in,
    }
    .is_guarded(&world, program, 30)
}

pub(crate) fn vsftpd(program: &Path) -> Done {
    let world = World::new()?;
    let _server = servers::vsftpd(&world)?;
    let log_in = |source: &str, user: &str, password: &str| {
        let url = format!("ftp://{}/", host_of(source));
        let said = attack::curl(&world, source, &url, Some(&format!("{user}:{password}")))?;
        Ok(said.status.success())
    };
    Service {
        jail: "vsftpd",
        port: 21,
        log_in: &log_in,
    }
    .is_guarded(&world, program, 40)
}

impl Service<'_> {
    /// The whole proof: attackers are shut out, a bystander is not, all who keep books agree, an unban lets in again.
    fn is_guarded(&self, world: &World, program: &Path, block: u8) -> Done {
        let attackers = sources(block, EACH);
        let bystanders = sources(block + 1, 1);
        let daemon = Daemon::start(world, program, &[])?;
        daemon.wait_state(self.jail, "running", SOON)?;
        self.ensure_served(&bystanders, "before the attack")?;
        for source in &attackers {
            for _ in 0..5 {
                ensure(
                    !(self.log_in)(source, "root", "wrong")?,
                    "a wrong password was let in",
                )?;
            }
        }
        daemon.wait_banned(self.jail, &set(&attackers), SOON)?;
        ensure_shut(world, self.port, &attackers, &bystanders)?;
        self.ensure_served(&bystanders, "while others are banned")?;
        daemon.agree(self.jail)?;
        let answer = daemon.json(&["unban", &attackers[0]])?;
        ensure(
            answer["unbanned"][0]["ip"] == *attackers[0],
            format!("unban said {answer}"),
        )?;
        ensure_shut(world, self.port, &attackers[1..], &attackers[..1])?;
        self.ensure_served(&attackers[..1], "after the unban")?;
        daemon.agree(self.jail)?;
        daemon.stop(true).map(drop)
    }

    fn ensure_served(&self, sources: &[String], when: &str) -> Done {
        for source in sources {
            ensure(
                (self.log_in)(source, "good", "secret")?,
                format!("good from {source} is not served {when}"),
            )?;
        }
        Ok(())
    }
}
