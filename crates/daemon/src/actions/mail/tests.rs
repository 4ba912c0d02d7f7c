//! Letters, as a small mail server gets them.

use super::letter::base64;
use super::wire::{Limited, Roots};
use super::*;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// Of 127.0.0.1, by itself, for a hundred years.
const CERTIFICATE: &[u8] = include_bytes!("test-certificate.der");
const KEY: &[u8] = include_bytes!("test-key.der");

fn nobody() -> RootCertStore {
    RootCertStore::empty()
}

fn itself() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
    roots
}

pub(crate) fn letters(options: &[(&str, &str)]) -> Result<Letters, String> {
    let params: BTreeMap<String, String> = options
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let origin = base::Origin {
        file: "jail.local".into(),
        line: 1,
        text: "".into(),
    };
    let action = ActionSpec {
        name: "smtp.py".into(),
        actname: "smtp".into(),
        params,
        stock: None,
        origin,
    };
    Letters::new(&JailName::new("sshd"), &action)
}

/// A server that takes one connection and answers what it is told to; gives all that it was told.
fn server(offers: &'static str, refuses: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220-hello\r\n220 here\r\n").unwrap();
        let mut heard = String::new();
        if !serve(&mut stream, offers, refuses, &mut heard) {
            return heard;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(CERTIFICATE)],
                PrivatePkcs8KeyDer::from(KEY).into(),
            )
            .unwrap();
        let session = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        serve(&mut stream, offers, refuses, &mut heard);
        heard
    });
    (place, thread)
}

/// Answers until the end, or until TLS is asked for.
fn serve(
    stream: &mut (impl Read + Write),
    offers: &str,
    refuses: &str,
    heard: &mut String,
) -> bool {
    let mut stream = BufReader::new(stream);
    let mut in_letter = false;
    let mut line = String::new();
    while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
        let said = line.trim_end().to_owned();
        line.clear();
        heard.push_str(&said);
        heard.push('\n');
        let answer = match said.split([' ', ':']).next().unwrap() {
            "." if in_letter => "250 taken",
            _ if in_letter => continue,
            "EHLO" => offers,
            _ if !refuses.is_empty() && said.contains(refuses) => "550 no",
            "STARTTLS" => "220 go on",
            "AUTH" if said == "AUTH LOGIN" => "334 VXNlcm5hbWU6",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            "MAIL" | "RCPT" => "250 ok",
            // The first of the two answers to AUTH LOGIN; the second is the last word of the login.
            _ if heard.lines().rev().nth(1) == Some("AUTH LOGIN") => "334 UGFzc3dvcmQ6",
            _ => "235 welcome",
        };
        in_letter = said == "DATA";
        let wire = stream.get_mut();
        wire.write_all(format!("{answer}\r\n").as_bytes()).unwrap();
        wire.flush().unwrap();
        if said == "STARTTLS" {
            return true;
        }
    }
    false
}

fn send(letters: &Letters, letter: &Letter, roots: Roots) -> Result<(), String> {
    let Letters {
        server,
        sender,
        recipients,
        ..
    } = letters;
    server.send(roots, "vm", sender, recipients, &letter.text())
}

fn ticket() -> Ticket {
    let mut ticket = Ticket::bare(
        "192.0.2.7".parse().unwrap(),
        Timestamp::from_secs(1_700_000_000),
    );
    ticket.length = Some(Span::from_secs(600));
    ticket.failures = 5;
    ticket.matches = vec![".".into(), "RCPT TO:<evil>".into()];
    ticket
}

#[test]
fn a_letter_arrives_whole_and_no_line_of_it_is_an_order() {
    let (place, thread) = server("250-here\r\n250 AUTH PLAIN LOGIN", "");
    let options = [
        ("host", place.as_str()),
        ("user", "me"),
        ("password", "secret"),
        ("dest", "root, admin@example.org"),
        ("sendername", "Guard"),
        ("sender", "guard@example.org"),
        ("matches", "matches"),
    ];
    let letters = letters(&options).unwrap();
    let now = Timestamp::from_secs(1_795_612_950);
    let letter = letters.banned(now, "vm", &ticket(), None);
    let sent = send(&letters, &letter, nobody);
    assert_eq!(sent, Ok(()));
    let expected = "EHLO vm\nAUTH PLAIN AG1lAHNlY3JldA==\nMAIL FROM:<guard@example.org>\nRCPT TO:<root>\n\
        RCPT TO:<admin@example.org>\nDATA\nContent-Type: text/plain; charset=\"utf-8\"\nMIME-Version: 1.0\n\
        Content-Transfer-Encoding: 7bit\nSubject: [Fail2Ban] sshd: banned 192.0.2.7 from vm\n\
        From: Guard <guard@example.org>\nTo: root, admin@example.org\nDate: Wed, 25 Nov 2026 13:22:30 -0000\n\
        Auto-Submitted: auto-generated\n\n\
        192.0.2.7 is banned on vm for 600 seconds, after 5 failures in the jail sshd.\n\n\
        Lines that led to this ban:\n..\nRCPT TO:<evil>\n.\nQUIT\n";
    assert_eq!(thread.join().unwrap(), expected);
}

#[test]
fn servers_differ_in_logins_and_refusals() {
    let (place, thread) = server("250-here\r\n250-AUTH LOGIN\r\n250 HELP", "evil");
    let options = [
        ("host", place.as_str()),
        ("user", "me"),
        ("password", "secret"),
        ("dest", "evil@x,root"),
    ];
    let letters = letters(&options).unwrap();
    let letter = letters.started(Timestamp::from_secs(0), "vm");
    let sent = send(&letters, &letter, nobody);
    // One is refused and said; the other one gets it.
    let why = sent.unwrap_err();
    assert!(why.ends_with("evil@x: 550 no"), "{why}");
    let heard = thread.join().unwrap();
    assert!(
        heard.contains("AUTH LOGIN\nbWU=\nc2VjcmV0\nMAIL FROM:<fail2ban>\n"),
        "{heard}"
    );
    assert!(
        heard.contains("Subject: [Fail2Ban] sshd: started on vm\n"),
        "{heard}"
    );

    let (place, thread) = server("250 here", "root");
    let letters = self::letters(&[("host", place.as_str())]).unwrap();
    let letter = letters.stopped(Timestamp::from_secs(0), "vm");
    let sent = send(&letters, &letter, nobody);
    assert!(sent.unwrap_err().ends_with("root: 550 no"));
    let heard = thread.join().unwrap();
    assert!(!heard.contains("DATA"), "{heard}");
}

#[test]
fn what_is_to_be_encrypted_never_goes_plainly() {
    let options = |place: &str| {
        let options = [
            ("host", place),
            ("ssl", "true"),
            ("user", "me"),
            ("password", "secret"),
        ];
        letters(&options).unwrap()
    };
    let offers = "250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN";
    let (place, thread) = server(offers, "");
    let letters = options(&place);
    let letter = letters.started(Timestamp::from_secs(0), "vm");
    assert_eq!(send(&letters, &letter, itself), Ok(()));
    let heard = thread.join().unwrap();
    let order = "EHLO vm\nSTARTTLS\nEHLO vm\nAUTH PLAIN AG1lAHNlY3JldA==\nMAIL FROM:<fail2ban>\n";
    assert!(
        heard.starts_with(order) && heard.ends_with(".\nQUIT\n"),
        "{heard}"
    );
    // A server that nobody vouches for, and one that cannot.
    let refused = |offers, refuses, why: &str| {
        let (place, thread) = server(offers, refuses);
        let error = send(&options(&place), &letter, nobody).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert_eq!(thread.join().unwrap(), "EHLO vm\nSTARTTLS\n");
    };
    refused(offers, "", "TLS: ");
    refused(offers, "STARTTLS", "550 no");
}

#[test]
fn whatever_is_cited_is_sent_safely() {
    let letters = letters(&[("matches", "matches")]).unwrap();
    let mut ticket = ticket();
    ticket.matches = vec![format!("é\0\r\n.\r\nQUIT {}", "x".repeat(5000))];
    let text = letters
        .banned(Timestamp::from_secs(0), "vm", &ticket, None)
        .text();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Transfer-Encoding: base64"), "{head}");
    let is_short = |line: &str| {
        line.len() <= 76
            && line
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    assert!(body.split_terminator("\r\n").all(is_short), "{body}");
}

#[test]
fn options_are_smtp_pys() {
    let check = |host: &str, expected: Option<(&str, u16)>| {
        let found = host_and_port(host);
        assert_eq!(
            found,
            expected.map(|(host, port)| (host.to_owned(), port)),
            "{host}"
        );
    };
    check("localhost", Some(("localhost", 25)));
    check("mail.example.org:587", Some(("mail.example.org", 587)));
    check("::1", Some(("::1", 25)));
    check("[::1]:26", Some(("::1", 26)));
    check("[::1]", Some(("::1", 25)));
    check("h:x", None);
    check(":25", None);
    check("[::1]26", None);
    let plain = letters(&[]).unwrap();
    assert_eq!(
        (plain.sender.as_str(), plain.recipients.as_slice()),
        ("fail2ban", &["root".to_owned()][..])
    );
    assert!(!plain.server.encrypts && letters(&[("ssl", "True")]).unwrap().server.encrypts);
    for (key, value) in [("dest", ","), ("colour", "red"), ("host", "a:b")] {
        assert!(letters(&[(key, value)]).is_err(), "{key}");
    }
    assert!(
        !format!("{:?}", letters(&[("user", "me"), ("password", "secret")])).contains("secret")
    );
}

#[test]
fn a_connection_whose_time_is_up_says_and_hears_nothing_more() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let now = std::time::Instant::now();
    let check = |limit, is_over: bool| {
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut theirs = listener.accept().unwrap().0;
        let mut ours = Limited::new(socket, limit);
        // What comes a byte at a time is there each time that one looks.
        theirs.write_all(b"220").unwrap();
        let over = |done: std::io::Result<usize>| {
            done.is_err_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
        };
        assert_eq!(over(ours.read(&mut [0; 1])), is_over);
        assert_eq!(over(ours.read(&mut [0; 1])), is_over);
        assert_eq!(over(ours.write(b"x")), is_over);
    };
    check(now, true);
    check(now + std::time::Duration::from_secs(600), false);
}

#[test]
fn base64_is_rfc_4648s() {
    for (text, expected) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
    ] {
        assert_eq!(base64(text.as_bytes()), expected);
    }
}
