//! Telling the service manager how we are: systemd's notification protocol.

use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The manager's socket, if somebody manages us.
pub struct Notifier {
    socket: Option<(OwnedFd, SocketAddrUnix)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. Silent where they are absent or make no sense.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let for_us =
            variable("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let micros = variable("WATCHDOG_USEC")
            .filter(|_| for_us)
            .and_then(|text| text.parse().ok());
        Self {
            socket: variable("NOTIFY_SOCKET").and_then(|path| connect(&path).ok()),
            watchdog: micros
                .filter(|micros| *micros > 0)
                .map(Duration::from_micros),
        }
    }

    /// We are up; the text is for `systemctl status`.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", status.replace('\n', " ")));
    }

    /// We still work.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// We are going down.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Within this time `alive` must be said again, if somebody watches.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    fn send(&self, message: &str) {
        if let Some((socket, address)) = &self.socket {
            // A manager that does not listen will act on our silence.
            sendto(socket, message.as_bytes(), SendFlags::NOSIGNAL, address).ok();
        }
    }
}

fn connect(path: &str) -> io::Result<(OwnedFd, SocketAddrUnix)> {
    // '@' stands for the NUL byte that begins an abstract name.
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes())?,
        None => SocketAddrUnix::new(path)?,
    };
    Ok((
        socket_with(
            AddressFamily::UNIX,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            None,
        )?,
        address,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn messages_arrive_as_the_protocol_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier {
            socket: Some(connect(path.to_str().unwrap()).unwrap()),
            watchdog: None,
        };
        notifier.ready("all\nwell");
        notifier.alive();
        notifier.stopping();
        let mut buffer = [0; 100];
        for expected in ["READY=1\nSTATUS=all well", "WATCHDOG=1", "STOPPING=1"] {
            let length = manager.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected.as_bytes());
        }
    }
}
