//! Clients in Python: our own package by its tests, and it and the original's beside a server that speaks by this crate.

use super::{ask, package};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use wire::fail2ban::{Exception, Frame, Frames, Value, decode, encode_message, encode_reply};

#[test]
fn the_package_keeps_its_own_tests() {
    let run = Command::new("python3")
        .args(["-B", "-W", "error", "-m", "unittest", "discover", "-s"])
        .arg(package().join("tests"))
        .output();
    let Ok(run) = run else {
        eprintln!("SKIPPED the_package_keeps_its_own_tests: no python3");
        return;
    };
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("Ran ") && !said.contains("Ran 0 "), "{said}");
}

/// Asks over the socket that the first line names; says what is printed of each answer.
const SCRIPT: &str = r#"
import sys
from fail2ban.client.csocket import CSocket
from fail2ban.exceptions import UnknownJailException
client = CSocket(sys.stdin.readline().strip())
print(client.send(["ping"]))
print(client.send(["status", None, 1, 1.5, True, ["a"], {"b": 1}]))
code, error = client.send(["status", "<F2B_END_COMMAND>"])
print(code, type(error) is UnknownJailException, error.args)
print(client.send(["quit"]))
client.close()
"#;

const PRINTED: &str = "\
(0, 'pong')
(0, [('Number of jail', 1), ('Jail list', 'sshd')])
1 True ('x',)
ERROR: x
";

fn answers() -> VecDeque<Vec<u8>> {
    let status = Value::List(vec![
        Value::pair("Number of jail", 1),
        Value::pair("Jail list", "sshd"),
    ]);
    let unknown = Exception::new("fail2ban.exceptions.UnknownJailException", "x");
    VecDeque::from([
        encode_reply(0, &"pong".into()),
        encode_reply(0, &status),
        encode_reply(1, &unknown.into()),
        encode_message(&"ERROR: x".into()),
    ])
}

fn heard() -> Vec<Option<Value>> {
    let words: Vec<Value> = vec![
        "status".into(),
        "None".into(),
        1.into(),
        1.5.into(),
        true.into(),
        Value::list(["a"]),
        Value::Dict(vec![("b".into(), 1.into())]),
    ];
    vec![
        Some(Value::list(["ping"])),
        Some(Value::List(words)),
        Some(Value::list(["status", "<F2B_END_COMMAND>"])),
        Some(Value::list(["quit"])),
        None,
    ]
}

/// Answers one connection; gives what was asked, nothing for the word that nothing more comes.
fn serve(listener: &UnixListener) -> Vec<Option<Value>> {
    let (mut connection, _) = listener.accept().unwrap();
    let mut answers = answers();
    let mut frames = Frames::of_requests();
    let mut heard = Vec::new();
    let mut buffer = [0; 7];
    loop {
        let length = connection.read(&mut buffer).unwrap();
        if length == 0 {
            return heard;
        }
        frames.push(&buffer[..length]);
        while let Some(frame) = frames.next_frame().unwrap() {
            match frame {
                Frame::Close => heard.push(None),
                Frame::Pickle(pickle) => {
                    heard.push(Some(decode(&pickle).unwrap()));
                    let answer = answers.pop_front().unwrap();
                    connection.write_all(&answer).unwrap();
                }
            }
        }
    }
}

fn check_client(client: impl FnOnce(String) -> Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || serve(&listener));
    let Some(printed) = client(format!("{}\n", path.display())) else {
        // Nobody came.
        drop(std::os::unix::net::UnixStream::connect(&path).unwrap());
        server.join().unwrap();
        return;
    };
    assert_eq!(printed, PRINTED);
    assert_eq!(server.join().unwrap(), heard());
}

#[test]
fn our_package_talks_to_our_server() {
    check_client(|line| ask("our_package_talks_to_our_server", SCRIPT, line));
}

#[test]
fn the_originals_client_talks_to_our_server() {
    const THEIRS: &str = "/usr/lib/python3/dist-packages";
    if !Path::new(THEIRS)
        .join("fail2ban/client/csocket.py")
        .exists()
    {
        eprintln!(
            "SKIPPED the_originals_client_talks_to_our_server: Debian's fail2ban is not installed"
        );
        return;
    }
    check_client(|line| {
        let script = format!("import sys\nsys.path.insert(0, {THEIRS:?})\n{SCRIPT}");
        ask("the_originals_client_talks_to_our_server", &script, line)
    });
}
