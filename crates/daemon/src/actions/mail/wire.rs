//! A connection as it is, or under TLS.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Whom certificates must come from.
pub(super) type Roots = fn() -> RootCertStore;

/// Those whom this machine trusts.
pub(super) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Without any the handshake fails and says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref(),
        }
    }

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
