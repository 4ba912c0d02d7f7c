//! Two servers of Debian's fail2ban, alike but for their directories; and a socket that answers what a test wants.

use crate::programs::CLIENT;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use wire::fail2ban::{Frame, Frames, Value, decode, encode_reply};

/// A directory with a configuration, and perhaps a server.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

const JAILS: &str = "[DEFAULT]
enabled = true
backend = polling
filter = f
logpath = {dir}/first.log
action = act
maxretry = 3
[j1]
[j2]
findtime = 5m
[off]
enabled = false
";

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        // Somebody else looks into it, too.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let general = "[Definition]
socket = {dir}/f.sock
pidfile = {dir}/f.pid
logtarget = {dir}/f.log
loglevel = INFO
syslogsocket = auto
allowipv6 = auto
dbfile = {dir}/f.sqlite3
dbpurgeage = 1d
dbmaxmatches = 10
";
        let broken = format!("{JAILS}no option\n");
        let filter = "[Definition]\nfailregex = ^fail <HOST>$\nignoreregex =\n";
        let action = "[Definition]\nactionban = echo ban <ip> >>{dir}/out\nactionunban =\n";
        for (name, text) in [
            ("conf/fail2ban.conf", general),
            ("conf/jail.conf", JAILS),
            ("conf/filter.d/f.conf", filter),
            ("conf/action.d/act.conf", action),
            ("broken/fail2ban.conf", general),
            ("broken/jail.conf", &broken),
            (
                "unreadable/fail2ban.conf",
                "[Definition]\nsocket = %(nosuch)s\n",
            ),
            ("empty/jail.conf", JAILS),
            ("first.log", ""),
            ("second.log", ""),
            ("third.log", ""),
        ] {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, place.fill(text)).unwrap();
        }
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path().join("f.sock")
    }

    /// The text with this directory in it.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("{dir}", self.path().to_str().unwrap())
    }

    /// The text without it.
    pub(crate) fn clear(&self, text: &str) -> String {
        text.replace(self.path().to_str().unwrap(), "{dir}")
    }

    /// The words of a line, with the configuration of this place in front unless it names another.
    pub(crate) fn words(&self, line: &str) -> Vec<String> {
        let own = self.fill("{dir}/conf");
        let mut words = match line.starts_with("-c") {
            true => Vec::new(),
            false => vec!["-c".to_owned(), own],
        };
        let given = line.split(' ').map(|word| match word {
            // Nothing but a blank stands for no text at all.
            "·" => String::new(),
            word => self.fill(&word.replace('·', " ")),
        });
        words.extend(given);
        words
    }

    /// Starts Debian's server and waits until it is ready.
    pub(crate) fn start_server(&self) {
        let started = Command::new(CLIENT)
            .args(self.words("start"))
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        assert!(started.status.success(), "{started:?}");
    }
}

/// A server that is still there when a test has failed must not stay.
impl Drop for Place {
    fn drop(&mut self) {
        if self.socket().exists() {
            drop(Command::new(CLIENT).args(self.words("stop")).output());
        }
    }
}

/// A socket behind which a thread answers; what it is asked is kept as Python shows it.
pub(crate) struct Ear {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Ear {
    /// `answer` makes bytes of a command: a whole reply, or a part of one, after which the connection ends.
    pub(crate) fn at(
        path: &Path,
        answer: impl Fn(&Value) -> (Vec<u8>, Then) + Send + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let writes = Arc::clone(&heard);
        // It ends with the test's process: nothing tells it to.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                serve(&mut stream, &answer, &writes);
            }
        });
        Self { heard }
    }

    /// What was heard since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

/// What follows a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Listen,
    HangUp,
}

fn serve(
    stream: &mut UnixStream,
    answer: &impl Fn(&Value) -> (Vec<u8>, Then),
    heard: &Mutex<Vec<String>>,
) {
    let mut frames = Frames::of_requests();
    let mut piece = [0; 4096];
    loop {
        let Ok(length @ 1..) = stream.read(&mut piece) else {
            return;
        };
        frames.push(&piece[..length]);
        while let Some(Frame::Pickle(pickle)) = frames.next_frame().unwrap() {
            let command = decode(&pickle).unwrap();
            heard.lock().unwrap().push(command.repr());
            let (reply, then) = answer(&command);
            if stream.write_all(&reply).is_err() || then == Then::HangUp {
                return;
            }
        }
    }
}

/// A reply that all is well.
pub(crate) fn well(command: &Value) -> (Vec<u8>, Then) {
    let first = command.items().and_then(|words| words.first());
    let value = match first.and_then(Value::as_str) {
        Some("ping") => Value::from("pong"),
        Some("stop") => Value::None,
        _ => Value::from("OK"),
    };
    (encode_reply(0, &value), Then::Listen)
}
