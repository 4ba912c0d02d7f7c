//! What a target is written to, once it is open. None of the sockets is ever waited for.

use super::line::{Line, Origin};
use super::target::{Place, Target};
use super::{Places, journal, syslog};
use os::LogSocket;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// An open target.
pub(super) enum Output {
    File {
        file: File,
        /// A line stands there half.
        is_torn: bool,
    },
    Stdout,
    Stderr,
    Syslog(LogSocket, syslog::Facility),
    Journal(LogSocket),
}

impl Output {
    /// Opens what a target names. An error says what could not be opened and why.
    pub(super) fn open(target: &Target, socket: &str, places: &Places) -> Result<Self, String> {
        Ok(match &target.place {
            Place::File(path) => Self::File {
                file: append_to(path)
                    .map_err(|error| format!("Unable to log to '{}': {error}", target.name))?,
                is_torn: false,
            },
            Place::Stdout => Self::Stdout,
            Place::Stderr => Self::Stderr,
            Place::Syslog(facility) => {
                let path = syslog::place(socket, &places.syslog);
                let socket = LogSocket::open(Path::new(path));
                Self::Syslog(
                    socket.map_err(|error| match error.kind() {
                        // fail2ban's sentence.
                        io::ErrorKind::NotFound => {
                            format!("Syslog socket file: {path} does not exists or is not a socket")
                        }
                        _ => format!("nobody takes log lines at the syslog socket {path}: {error}"),
                    })?,
                    *facility,
                )
            }
            Place::Journal => {
                let path = &places.journal;
                let socket = LogSocket::open(Path::new(path));
                Self::Journal(socket.map_err(|error| {
                    format!("the systemd journal takes no log lines at {path}: {error}")
                })?)
            }
        })
    }

    /// Writes a line whole, or says that it did not.
    pub(super) fn write(
        &mut self,
        target: &Target,
        origin: &Origin,
        line: &Line<'_>,
    ) -> io::Result<()> {
        let mut text = String::new();
        target.format.render(&mut text, origin, line);
        match self {
            Self::Syslog(socket, facility) => {
                socket.send(&syslog::message(*facility, line.level, &text))
            }
            Self::Journal(socket) => socket.send(&journal::entry(line.level, line.module, &text)),
            Self::File { file, is_torn } => {
                text.push('\n');
                if *is_torn {
                    text.insert(0, '\n');
                }
                append(file, text.as_bytes(), is_torn)
            }
            Self::Stdout => {
                text.push('\n');
                let mut stdout = io::stdout().lock();
                stdout.write_all(text.as_bytes())?;
                stdout.flush()
            }
            Self::Stderr => {
                text.push('\n');
                io::stderr().write_all(text.as_bytes())
            }
        }
    }
}

/// A full disk may take the beginning of a line: the next one that it takes must not stand behind it.
fn append(file: &mut File, mut bytes: &[u8], is_torn: &mut bool) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                *is_torn = !bytes.is_empty();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}
