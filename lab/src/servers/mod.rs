//! Real servers as Debian ships them, in a world's namespaces. Each waits until it answers.

mod databases;
mod ftp;
mod logging;
mod ssh;
mod web;

pub(crate) use databases::{mariadb, postgresql};
pub(crate) use ftp::vsftpd;
pub(crate) use logging::{journald, log_to_journal, rsyslogd};
pub(crate) use ssh::sshd;
pub(crate) use web::nginx;

use crate::Done;
use crate::Stop;
use crate::attack::who_connects;
use crate::process::Running;
use crate::wait::until;
use crate::world::World;
use std::time::Duration;

/// Waits until both addresses of the server take connections on a port.
fn wait_port(world: &World, server: &mut Running, name: &str, port: u16) -> Done {
    let probes = ["10.77.250.250".to_owned(), "fd77:0:fa:fa::1".to_owned()];
    until(
        Duration::from_secs(60),
        &format!("{name} answers on port {port}"),
        || {
            if let Some(code) = server.ended()? {
                return Err(Stop::Fail(format!(
                    "{name} ended with {code}: {}",
                    world.said(name)
                )));
            }
            let open = who_connects(world, &probes, port)?;
            Ok((open.len() == probes.len()).then_some(()))
        },
    )
}
