//! The control socket: one JSON line asks, one JSON line answers.
//!
//! The socket file is the owner's alone (0600): who can connect may command. Connections are few and bounded;
//! a client that stays silent or sends endless bytes costs one thread for half a minute and no more.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use wire::{Failed, Request};

/// Clients served at once; one more is told to come again.
const MAX_CLIENTS: usize = 16;
/// How long a client may stay silent between requests.
const SILENCE: Duration = Duration::from_secs(30);

/// The listening socket; its file is removed when this is dropped.
pub(crate) struct ControlSocket {
    path: PathBuf,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Gone already is as good as removed.
        drop(fs::remove_file(&self.path));
    }
}

/// Makes the socket and serves it: `answer` is called on a thread of each connection and returns the line.
/// A dead socket file in the way is replaced; a live one is an error (`AddrInUse`).
pub(crate) fn serve(
    path: &Path,
    answer: impl Fn(Request) -> String + Send + Sync + 'static,
) -> io::Result<ControlSocket> {
    let listener = bind(path)?;
    let socket = ControlSocket {
        path: path.to_owned(),
    };
    let answer = Arc::new(answer);
    let clients = Arc::new(AtomicUsize::new(0));
    thread::Builder::new()
        .name("control".into())
        .spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                accept(stream, &answer, &clients);
            }
        })?;
    Ok(socket)
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            ErrorKind::AddrInUse,
            "another daemon answers on this socket",
        ));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Bound under a name that nobody knows and moved into place when its mode is right: at no moment can
    // another user connect.
    let hidden = path.with_extension(format!("{}.new", std::process::id()));
    let listener = UnixListener::bind(&hidden)?;
    fs::set_permissions(&hidden, Permissions::from_mode(0o600))?;
    fs::rename(&hidden, path)?;
    Ok(listener)
}

fn accept<A>(stream: UnixStream, answer: &Arc<A>, clients: &Arc<AtomicUsize>)
where
    A: Fn(Request) -> String + Send + Sync + 'static,
{
    if clients.fetch_add(1, Ordering::Relaxed) >= MAX_CLIENTS {
        clients.fetch_sub(1, Ordering::Relaxed);
        refuse(stream, "too many clients at once, try again");
        return;
    }
    let (answer, counter) = (Arc::clone(answer), Arc::clone(clients));
    let spawned = thread::Builder::new().name("client".into()).spawn(move || {
        // A client that went away has nobody left to tell.
        drop(converse(&stream, &*answer));
        counter.fetch_sub(1, Ordering::Relaxed);
    });
    if spawned.is_err() {
        clients.fetch_sub(1, Ordering::Relaxed);
    }
}

fn converse(stream: &UnixStream, answer: &dyn Fn(Request) -> String) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut reader = BufReader::with_capacity(4096, stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(wire::MAX_REQUEST as u64 + 1)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if line.first() != Some(&b'{') || line.len() > wire::MAX_REQUEST {
            refuse(
                stream.try_clone()?,
                "a request is one JSON object in one line of at most 1 MiB",
            );
            return Ok(());
        }
        let reply = match wire::decode(&line) {
            Ok(request) => answer(request),
            Err(malformed) => failed(&malformed.to_string()),
        };
        let mut writer = stream;
        writer.write_all(reply.as_bytes())?;
        writer.write_all(b"\n")?;
    }
}

fn refuse(mut stream: UnixStream, why: &str) {
    // The peer may be gone; there is nobody else to tell.
    drop(writeln!(stream, "{}", failed(why)));
}

/// The line of a failure.
pub(crate) fn failed(why: &str) -> String {
    wire::encode(&Failed {
        v: wire::VERSION,
        error: why.to_owned(),
        help: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(dir: &Path) -> (PathBuf, ControlSocket) {
        let path = dir.join("run/control.sock");
        let socket = serve(&path, |request| format!("{request:?}")).unwrap();
        (path, socket)
    }

    fn ask(path: &Path, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    #[test]
    fn answers_line_by_line_and_survives_nonsense() {
        let dir = tempfile::tempdir().unwrap();
        let (path, socket) = start(dir.path());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let twice = b"{\"command\":\"ping\"}\n{\"command\":\"unban_all\"}\n";
        assert_eq!(ask(&path, twice), "Ping\nUnbanAll\n");
        assert!(ask(&path, b"{\"command\":\"no\"}\n").contains("not a message of this protocol"));
        assert!(ask(&path, b"\x80\x04pickle<F2B_END_COMMAND>").contains("one JSON object"));
        assert_eq!(ask(&path, b""), "");
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn silent_clients_are_bounded_and_do_not_block_the_count() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _socket) = start(dir.path());
        let mut held = Vec::new();
        for _ in 0..MAX_CLIENTS {
            let mut stream = UnixStream::connect(&path).unwrap();
            // An answered ping proves that this one holds a place.
            stream.write_all(b"{\"command\":\"ping\"}\n").unwrap();
            let mut byte = [0; 5];
            stream.read_exact(&mut byte).unwrap();
            held.push(stream);
        }
        assert!(ask(&path, b"").contains("too many clients"));
    }

    #[test]
    fn a_live_socket_is_not_taken_over_and_a_dead_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let (path, socket) = start(dir.path());
        let taken = serve(&path, |_| String::new()).map(drop).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        drop(socket);
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        // The first listener's thread still holds its own, now nameless socket; the file alone decides.
        serve(&path, |_| String::new()).unwrap();
    }
}
