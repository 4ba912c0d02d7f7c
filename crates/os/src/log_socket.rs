//! The local socket of a log daemon (syslog, the journal), written to without ever waiting for it.
//!
//! A daemon that logs less fast than we speak, hangs, or is just being restarted must not hold anybody up: what it does
//! not take at once is an error for the caller to count. A restarted one is found again with the next message.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// A connected socket: of datagrams, or a stream where the other side has one.
pub struct LogSocket {
    path: PathBuf,
    socket: OwnedFd,
    is_stream: bool,
    /// What a stream has not yet taken of a message that it took the beginning of.
    rest: Vec<u8>,
}

impl LogSocket {
    /// Connects to whoever listens there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (socket, is_stream) = match connected(path, SocketType::DGRAM) {
            Err(Errno::PROTOTYPE) => (connected(path, SocketType::STREAM)?, true),
            other => (other?, false),
        };
        Ok(Self {
            path: path.to_owned(),
            socket,
            is_stream,
            rest: Vec::new(),
        })
    }

    /// Sends one message whole, or not at all; never waits. In a stream the message must show its own end.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self.try_send(message) {
            Ok(()) => Ok(()),
            Err(error @ (Errno::AGAIN | Errno::NOBUFS | Errno::MSGSIZE)) => Err(error.into()),
            // The other side was restarted, or is about to be.
            Err(_) => {
                *self = Self::open(&self.path)?;
                Ok(self.try_send(message)?)
            }
        }
    }

    fn try_send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        if !self.rest.is_empty() {
            let taken = send(&self.socket, &self.rest, flags)?;
            self.rest.drain(..taken);
            if !self.rest.is_empty() {
                return Err(Errno::AGAIN);
            }
        }
        let taken = send(&self.socket, message, flags)?;
        if self.is_stream {
            self.rest.extend_from_slice(&message[taken..]);
        }
        Ok(())
    }
}

fn connected(path: &Path, kind: SocketType) -> Result<OwnedFd, Errno> {
    // A stream's listener with a full queue would else hold the connecting side up.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, kind, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    #[test]
    fn a_full_socket_is_told_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let mut socket = LogSocket::open(&path).unwrap();
        let mut sent = 0;
        let error = loop {
            match socket.send(b"a message") {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let mut buffer = [0; 100];
        for _ in 0..sent {
            assert_eq!(daemon.recv(&mut buffer).unwrap(), 9);
        }
        socket.send(b"there is room again").unwrap();
        let length = daemon.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"there is room again");
    }

    #[test]
    fn a_restarted_daemon_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let mut socket = LogSocket::open(&path).unwrap();
        drop(daemon);
        fs::remove_file(&path).unwrap();
        assert!(socket.send(b"nobody").is_err());
        let daemon = UnixDatagram::bind(&path).unwrap();
        socket.send(b"hello").unwrap();
        let mut buffer = [0; 100];
        assert_eq!(daemon.recv(&mut buffer).unwrap(), 5);
    }

    #[test]
    fn a_stream_takes_messages_whole_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let listener = UnixListener::bind(&path).unwrap();
        let mut socket = LogSocket::open(&path).unwrap();
        let (mut daemon, _) = listener.accept().unwrap();
        let message = |number: usize| {
            let mut message = format!("{number} {}", "x".repeat(10_000)).into_bytes();
            message.push(0);
            message
        };
        let mut sent = Vec::new();
        // Far more than fits; every now and then somebody reads.
        let mut read = Vec::new();
        let mut buffer = vec![0; 100_000];
        for number in 0..500 {
            match socket.send(&message(number)) {
                Ok(()) => sent.push(number),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            if number % 50 == 0 {
                let length = daemon.read(&mut buffer).unwrap();
                read.extend_from_slice(&buffer[..length]);
            }
        }
        assert!(sent.len() < 500, "it was never full");
        // The rest of the last one goes out with the next that fits.
        while socket.send(&message(1000)).is_err() {
            let length = daemon.read(&mut buffer).unwrap();
            read.extend_from_slice(&buffer[..length]);
        }
        sent.push(1000);
        while read.iter().filter(|byte| **byte == 0).count() < sent.len() {
            if let Ok(length) = daemon.read(&mut buffer) {
                read.extend_from_slice(&buffer[..length]);
            }
            // Room for what the socket still has of the last message.
            if !socket.rest.is_empty() {
                let flushed = socket.try_send(b"");
                assert!(matches!(flushed, Ok(()) | Err(Errno::AGAIN)));
            }
        }
        let expected: Vec<u8> = sent.into_iter().flat_map(message).collect();
        assert!(read == expected);
    }

    #[test]
    fn nobody_there_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(LogSocket::open(&dir.path().join("none")).is_err());
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(LogSocket::open(&file).is_err());
    }
}
