//! One question to a server through its socket.
//!
//! A server may think for long: a reload waits for shell commands, and `sleep` sleeps. So there is no end to the waiting
//! but where a command sets one. What may come is bounded instead ([`MAX_REPLY`](wire::fail2ban::MAX_REPLY)).

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use wire::fail2ban::{
    CLOSE, END, Frame, Frames, Reply, ReplyError, TooLong, Value, decode_reply, encode_command,
};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// The socket cannot be reached, or the connection ended.
    Socket(io::Error),
    /// The answer is longer than any.
    Long(TooLong),
    /// The answer cannot be read.
    Answer(ReplyError),
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

/// As Python prints errors of the system.
impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) if is_late(error) => f.write_str("timed out"),
            Self::Socket(error) => match error.raw_os_error() {
                Some(number) => {
                    let text = error.to_string();
                    let text = text.split(" (os error").next().unwrap_or_default();
                    write!(f, "[Errno {number}] {text}")
                }
                None => error.fmt(f),
            },
            Self::Long(error) => error.fmt(f),
            Self::Answer(error) => write!(f, "The server's answer is none: {error}"),
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Asks, and waits for the answer: so long for each piece of it, or without end.
pub(super) fn ask(
    path: &Path,
    command: &[Value],
    patience: Option<Duration>,
) -> Result<Reply, Silence> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    stream.write_all(&encode_command(command))?;
    let pickle = read(&mut stream)?;
    // A server that is gone by now has answered all the same.
    drop(stream.write_all(&[CLOSE, END].concat()));
    drop(stream.shutdown(Shutdown::Both));
    decode_reply(&pickle).map_err(Silence::Answer)
}

fn read(stream: &mut UnixStream) -> Result<Vec<u8>, Silence> {
    let mut frames = Frames::of_replies();
    let mut piece = vec![0; 64 << 10];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Err(io::Error::from_raw_os_error(RESET).into()),
            Ok(length) => frames.push(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        match frames.next_frame().map_err(Silence::Long)? {
            Some(Frame::Pickle(pickle)) => return Ok(pickle),
            Some(Frame::Close) => return Err(io::Error::from_raw_os_error(RESET).into()),
            None => {}
        }
    }
}

/// Linux's ECONNRESET, which is what a connection that ends within an answer amounts to.
const RESET: i32 = 104;

/// The sentence for it. Of a `ping` less is said.
pub(super) fn told(silence: &Silence, path: &Path, is_ping: bool) -> String {
    let Silence::Socket(error) = silence else {
        return silence.to_string();
    };
    let shown = path.display();
    if !path.exists() {
        return format!("Failed to access socket path: {shown}. Is fail2ban running?");
    }
    if error.kind() == ErrorKind::PermissionDenied {
        return format!("Permission denied to socket: {shown}, (you must be root)");
    }
    if is_ping {
        return silence.to_string();
    }
    format!("[{silence}] Unable to contact server. Is it running?")
}
