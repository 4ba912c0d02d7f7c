//! The control socket: one JSON line asks, one JSON line answers.
//!
//! The socket file is the owner's alone (0600): who can connect may command. Connections are few and bounded; one that
//! stays silent or sends endless bytes costs a thread for half a minute at most, and gives way at once when others
//! come and no place is left.

use crate::control::clients::{Clients, Place};
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wire::{Failed, Request};

mod clients;

/// How long a client may stay silent between requests.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the end waits for answers that are being given.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// The pause after a connection could not be taken, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// The listening socket. When this is dropped its file is removed, and whoever is being answered gets the answer.
pub(crate) struct ControlSocket {
    path: PathBuf,
    clients: Arc<Clients>,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Gone already is as good as removed.
        drop(fs::remove_file(&self.path));
        self.clients.wait_for_answers(LAST_ANSWERS);
    }
}

/// Makes the socket and serves it: `answer` is called on a thread of each connection and returns the line.
/// A dead socket file in the way is replaced; a live one is an error (`AddrInUse`), and so is any other file.
pub(crate) fn serve(
    path: &Path,
    answer: impl Fn(Request) -> String + Send + Sync + 'static,
) -> io::Result<ControlSocket> {
    let listener = bind(path)?;
    let clients = Arc::new(Clients::default());
    let socket = ControlSocket {
        path: path.to_owned(),
        clients: Arc::clone(&clients),
    };
    let answer = Arc::new(answer);
    thread::Builder::new()
        .name("control".into())
        .spawn(move || {
            for stream in listener.incoming() {
                match stream {
                    Ok(stream) => accept(stream, &answer, &clients),
                    // It would fail again at once.
                    Err(_) => thread::sleep(BREATH),
                }
            }
        })?;
    Ok(socket)
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    let parent = path.parent().unwrap_or(Path::new(""));
    if !parent.as_os_str().is_empty() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)?;
    }
    if let Ok(metadata) = fs::symlink_metadata(path)
        && !metadata.file_type().is_socket()
    {
        let text = "there is a file that is no socket";
        return Err(io::Error::new(ErrorKind::AlreadyExists, text));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            ErrorKind::AddrInUse,
            "another daemon answers on this socket",
        ));
    }
    // Bound where nobody else can go, and moved into place when its mode is right: at no moment can another user
    // connect, whatever the umask.
    let hidden = parent.join(format!(".{}", std::process::id()));
    let inside = hidden.join("s");
    // A process of the same number may have died here.
    drop(fs::remove_file(&inside));
    drop(fs::remove_dir(&hidden));
    DirBuilder::new().mode(0o700).create(&hidden)?;
    let bound = UnixListener::bind(&inside).and_then(|listener| {
        fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        fs::rename(&inside, path)?;
        Ok(listener)
    });
    fs::remove_dir(&hidden)?;
    bound
}

fn accept<A>(stream: UnixStream, answer: &Arc<A>, clients: &Arc<Clients>)
where
    A: Fn(Request) -> String + Send + Sync + 'static,
{
    let place = match Place::take(clients, &stream) {
        Ok(Some(place)) => place,
        Ok(None) => return refuse(&stream, "too many clients at once, try again"),
        Err(error) => {
            return refuse(
                &stream,
                &format!("the connection cannot be served: {error}"),
            );
        }
    };
    let answer = Arc::clone(answer);
    let spawned = thread::Builder::new().name("client".into()).spawn(move || {
        // A client that went away has nobody left to tell.
        drop(converse(&stream, &place, &*answer));
    });
    // Without a thread the closure is dropped, which closes the connection and gives the place back.
    drop(spawned);
}

fn converse(
    stream: &UnixStream,
    place: &Place,
    answer: &dyn Fn(Request) -> String,
) -> io::Result<()> {
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
        let _answering = place.answering();
        if line.first() != Some(&b'{') || line.len() > wire::MAX_REQUEST {
            refuse(
                stream,
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

fn refuse(mut stream: &UnixStream, why: &str) {
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
    use super::clients::MAX_CLIENTS;
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

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
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()) & 0o022, 0);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let twice = b"{\"command\":\"ping\"}\n{\"command\":\"unban_all\"}\n";
        assert_eq!(ask(&path, twice), "Ping\nUnbanAll\n");
        assert!(ask(&path, b"{\"command\":\"no\"}\n").contains("not a message of this protocol"));
        assert!(ask(&path, b"\x80\x04pickle<F2B_END_COMMAND>").contains("one JSON object"));
        assert_eq!(ask(&path, b""), "");
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn silent_clients_give_way() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _socket) = start(dir.path());
        let connect = || UnixStream::connect(&path).unwrap();
        let mut held: Vec<UnixStream> = (0..MAX_CLIENTS).map(|_| connect()).collect();
        assert_eq!(ask(&path, b"{\"command\":\"ping\"}\n"), "Ping\n");
        // The one that was silent longest had to go.
        assert_eq!(held[0].read(&mut [0]).unwrap(), 0);
        held[1].write_all(b"{\"command\":\"ping\"}\n").unwrap();
        let mut reply = [0; 5];
        held[1].read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"Ping\n");
    }

    #[test]
    fn the_end_waits_for_an_answer_that_is_being_given() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let (asked, questions) = channel();
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let socket = serve(&path, move |_| {
            asked.send(()).unwrap();
            released.lock().unwrap().recv().ok();
            "done".into()
        })
        .unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"{\"command\":\"ping\"}\n").unwrap();
        questions.recv().unwrap();
        let clients = Arc::clone(&socket.clients);
        assert!(!clients.wait_for_answers(Duration::ZERO));
        drop(release);
        drop(socket);
        assert!(clients.wait_for_answers(Duration::ZERO));
        let mut reply = [0; 5];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"done\n");
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

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        fs::write(&path, "root").unwrap();
        let refused = serve(&path, |_| String::new()).map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "root");
    }
}
