//! A connection as it is, or under TLS; either ends at a set time.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whom certificates must come from.
pub(super) type Roots = fn() -> RootCertStore;

/// Those whom this machine trusts.
pub(super) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Without any the handshake fails and says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// A socket for a limited time. A time-out of the system counts anew for each call: a server that sends a byte now and
/// then could go on for ever. So each call has what is left.
pub(super) struct Limited {
    socket: TcpStream,
    limit: Instant,
}

impl Limited {
    pub(super) fn new(socket: TcpStream, limit: Instant) -> Self {
        Self { socket, limit }
    }
}

/// What is left of the time.
pub(super) fn left(limit: Instant) -> io::Result<Duration> {
    let left = limit.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(io::Error::new(io::ErrorKind::TimedOut, "it takes too long")),
        false => Ok(left),
    }
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.limit)?))?;
        self.socket.read(buffer)
    }
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.limit)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

pub(super) enum Wire {
    Plain(Limited),
    Tls(Box<StreamOwned<ClientConnection, Limited>>),
}

impl Wire {
    /// The same connection under TLS, the server's name proven.
    pub(super) fn encrypted(self, host: &str, roots: Roots) -> Result<Self, String> {
        let told = |error: rustls::Error| format!("TLS: {error}");
        let Self::Plain(mut socket) = self else {
            return Ok(self);
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(told)?
            .with_root_certificates(roots())
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let mut session = ClientConnection::new(Arc::new(config), name).map_err(told)?;
        while session.is_handshaking() {
            let step = session.complete_io(&mut socket);
            step.map_err(|error| format!("TLS: {error}"))?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(session, socket))))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
