//! The control socket: one JSON line asks, one JSON line answers; and fail2ban's protocol beside it.
//!
//! The first byte of a connection decides: `{` begins a line of ours, everything else is a pickle. The socket file is the
//! owner's alone (0600): who can connect may command. A second one beside it is for a group whose members may only ask.
//! Connections are few and bounded; one that stays silent or sends endless bytes costs a thread for half a minute at
//! most, and gives way at once when others come and no place is left.

use crate::commands::Reply;
use crate::control::clients::{Clients, Place};
use crate::hub::Watch;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wire::fail2ban::{MAX_REQUEST, Value};
use wire::{Failed, Request};

mod clients;
mod pickles;
mod watching;

/// How long a client may stay silent between requests.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the end waits for answers that are being given.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// The pause after a connection could not be taken, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// The listening socket. When this is dropped its file is removed, and whoever is being answered gets the answer.
pub(crate) struct ControlSocket {
    /// Its path, and which file that is: another server may have put its own in the place. None for a socket that the
    /// service manager has bound and keeps.
    file: Option<Bound>,
    clients: Arc<Clients>,
}

/// A socket file that was made here, and which one it is.
pub(crate) type Bound = (PathBuf, (u64, u64));

impl ControlSocket {
    /// Its file, if it has one of its own.
    pub(crate) fn bound(&self) -> Option<&Bound> {
        self.file.as_ref()
    }
}

/// Removes a socket file, unless another one has taken its place.
pub(crate) fn remove((path, file): &Bound) {
    if identity(path).is_ok_and(|now| now == *file) {
        // Gone already is as good as removed.
        drop(fs::remove_file(path));
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Some(bound) = &self.file {
            remove(bound);
        }
        self.clients.wait_for_answers(LAST_ANSWERS);
    }
}

/// Who answers, on a thread of each connection.
pub(crate) trait Answer: Send + Sync + 'static {
    /// One line for one line of ours.
    fn json(&self, request: Request) -> String;
    /// Lets the hub tell of events from now on; an error is the line to answer.
    fn watch(&self, _watch: Watch) -> Result<(), String> {
        Err(failed("nobody tells of events here"))
    }
    /// fail2ban's value for a command in its manner; none if the daemon is ending.
    fn command(&self, command: Value) -> Option<Reply>;
    /// The longest such command, in bytes.
    fn longest_command(&self) -> usize {
        MAX_REQUEST
    }
}

/// Who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The user that the daemon runs as, and root.
    Owner,
    /// The members of this group, too.
    Group(u32),
}

/// Makes the socket and serves it.
/// A dead socket file in the way is replaced; a live one is an error (`AddrInUse`), and so is any other file.
pub(crate) fn serve(path: &Path, access: Access, answer: impl Answer) -> io::Result<ControlSocket> {
    let listener = bind(path, access)?;
    let file = (path.to_owned(), identity(path)?);
    listen(listener, Some(file), answer)
}

/// Serves a socket that was handed over.
pub(crate) fn serve_activated(
    listener: UnixListener,
    answer: impl Answer,
) -> io::Result<ControlSocket> {
    listen(listener, None, answer)
}

fn listen(
    listener: UnixListener,
    file: Option<Bound>,
    answer: impl Answer,
) -> io::Result<ControlSocket> {
    let clients = Arc::new(Clients::default());
    let socket = ControlSocket {
        file,
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

fn bind(path: &Path, access: Access) -> io::Result<UnixListener> {
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
        let mode = match access {
            Access::Owner => 0o600,
            Access::Group(group) => {
                chown(&inside, None, Some(group))?;
                0o660
            }
        };
        fs::set_permissions(&inside, Permissions::from_mode(mode))?;
        fs::rename(&inside, path)?;
        Ok(listener)
    });
    fs::remove_dir(&hidden)?;
    bound
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn accept(stream: UnixStream, answer: &Arc<impl Answer>, clients: &Arc<Clients>) {
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

fn converse(stream: &UnixStream, place: &Place, answer: &dyn Answer) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut reader = BufReader::with_capacity(4096, stream);
    match reader.fill_buf()?.first() {
        None => Ok(()),
        Some(b'{') => converse_in_lines(reader, place, answer),
        Some(_) => pickles::converse(reader, place, answer),
    }
}

fn converse_in_lines(
    mut reader: BufReader<&UnixStream>,
    place: &Place,
    answer: &dyn Answer,
) -> io::Result<()> {
    let mut writer = *reader.get_ref();
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
                writer,
                "a request is one JSON object in one line of at most 1 MiB",
            );
            return Ok(());
        }
        let reply = match wire::decode(&line) {
            Ok(Request::Watch { jail, lines }) => {
                return watching::stream(writer, jail, lines, answer);
            }
            Ok(request) => answer.json(request),
            Err(malformed) => failed(&malformed.to_string()),
        };
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
    use wire::fail2ban::{
        CLOSE, END, Exception, Frame, Frames, ReplyError, decode_reply, encode, encode_command,
    };

    /// Lines are answered by this, commands by what they are.
    struct Echo<F>(F);

    impl<F: Fn(Request) -> String + Send + Sync + 'static> Answer for Echo<F> {
        fn json(&self, request: Request) -> String {
            (self.0)(request)
        }

        fn command(&self, command: Value) -> Option<Reply> {
            let is = |word: &str| {
                command
                    .items()
                    .is_some_and(|words| words == [Value::from(word)])
            };
            match (is("raise"), is("end")) {
                (true, _) => Some(Err(Exception::new("KeyError", "x"))),
                (_, true) => None,
                _ => Some(Ok(command)),
            }
        }
    }

    fn start(dir: &Path) -> (PathBuf, ControlSocket) {
        let path = dir.join("run/control.sock");
        let socket = serve(&path, Access::Owner, Echo(|request| format!("{request:?}"))).unwrap();
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
        assert_eq!(ask(&path, b""), "");
        drop(socket);
        assert!(!path.exists());
    }

    /// Sends bytes to a socket of echoes and gives what comes back until the end, marks as line ends.
    fn check_pickles(bytes: &[u8], expected: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let (path, _socket) = start(dir.path());
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let mut frames = Frames::of_replies();
        frames.push(&reply);
        let mut told = Vec::new();
        while let Some(Frame::Pickle(pickle)) = frames.next_frame().unwrap() {
            told.push(match decode_reply(&pickle) {
                Ok(reply) => format!("{} {}", reply.code, reply.value.repr()),
                Err(ReplyError::NoPair(value)) => value.repr(),
                Err(ReplyError::Pickle(error)) => panic!("{error}"),
            });
        }
        assert_eq!(told, expected);
        assert!(!frames.is_within());
    }

    #[test]
    fn pickles_are_answered_in_their_order() {
        let command = |words: &[&str]| {
            let words: Vec<Value> = words.iter().map(|word| Value::from(*word)).collect();
            encode_command(&words)
        };
        let close = [CLOSE, END].concat();
        let two = [command(&["a"]), command(&["b", "c"])].concat();
        check_pickles(&two, &["0 ['a']", "0 ['b', 'c']"]);
        // Nothing is answered behind the last one.
        let closed = [command(&["a"]), close, command(&["b"])].concat();
        check_pickles(&closed, &["0 ['a']"]);
        check_pickles(&command(&["raise"]), &["1 KeyError('x')"]);
        check_pickles(&command(&["end"]), &["['SHUTDOWN']"]);
        let half = &command(&["a"])[..9];
        check_pickles(half, &[]);
        let nonsense = [b"x", END, &command(&["a"])[..]].concat();
        check_pickles(
            &nonsense,
            &[
                "'ERROR: there is no pickle opcode 0x78 (byte 0)'",
                "0 ['a']",
            ],
        );
        let call = [b"cos\nsystem\n(S'id'\ntR.", END].concat();
        check_pickles(
            &call,
            &["'ERROR: GLOBAL is refused: only plain data is read (byte 0)'"],
        );
        let text = [&encode(&Value::from("ping"))[..], END].concat();
        check_pickles(&text, &["0 'ping'"]);
    }

    #[test]
    fn an_endless_pickle_ends_its_connection() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _socket) = start(dir.path());
        let mut stream = UnixStream::connect(&path).unwrap();
        // A list of more numbers than a request has room for.
        stream.write_all(b"\x80\x02](").unwrap();
        let numbers = vec![b'N'; 64 << 10];
        // The daemon closes when it has enough.
        while stream.write_all(&numbers).is_ok() {}
        assert_eq!(ask(&path, b"{\"command\":\"ping\"}\n"), "Ping\n");
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
        let socket = serve(
            &path,
            Access::Owner,
            Echo(move |_| {
                asked.send(()).unwrap();
                released.lock().unwrap().recv().ok();
                "done".into()
            }),
        )
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
        let taken = serve(&path, Access::Owner, Echo(|_| String::new()))
            .map(drop)
            .unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        drop(socket);
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        // The first listener's thread still holds its own, now nameless socket; the file alone decides.
        serve(&path, Access::Owner, Echo(|_| String::new())).unwrap();
    }

    #[test]
    fn the_socket_of_the_next_server_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let first = serve(&path, Access::Owner, Echo(|_| String::new())).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = serve(&path, Access::Owner, Echo(|_| "second".into())).unwrap();
        drop(first);
        assert_eq!(ask(&path, b"{\"command\":\"ping\"}\n"), "second\n");
    }

    #[test]
    fn a_socket_that_was_handed_over_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let socket = serve_activated(listener, Echo(|request| format!("{request:?}"))).unwrap();
        assert_eq!(ask(&path, b"{\"command\":\"ping\"}\n"), "Ping\n");
        drop(socket);
        assert!(path.exists());
    }

    #[test]
    fn a_group_may_have_a_socket_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("status.sock");
        let own = fs::metadata(dir.path()).unwrap().gid();
        let _socket = serve(&path, Access::Group(own), Echo(|_| String::new())).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o660);
        assert_eq!(metadata.gid(), own);
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        fs::write(&path, "root").unwrap();
        let refused = serve(&path, Access::Owner, Echo(|_| String::new()))
            .map(drop)
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "root");
    }
}
