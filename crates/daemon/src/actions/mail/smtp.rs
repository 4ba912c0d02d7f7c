//! Just enough SMTP to hand one letter to a mail server: greeting, TLS and login where they are asked for, envelope,
//! letter.
//!
//! Of all that SMTP can do a notifier needs this much; a library for the rest of it would bring three dozen packages
//! into a program that may run as root.

use super::letter::base64;
use super::wire::{Limited, Roots, Wire, left};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// The whole exchange takes no longer, once the name system has answered.
const PATIENCE: Duration = Duration::from_secs(60);
/// One address of the server has so much of it to take the connection.
const KNOCK: Duration = Duration::from_secs(15);
/// Bytes of one answer of the server.
const LONGEST_ANSWER: u64 = 16 << 10;

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    /// It must encrypt, by STARTTLS.
    pub(super) encrypts: bool,
    pub(super) login: Option<Login>,
}

/// Who we are to a server that asks.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A password belongs into no log.
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Hands a letter over; its lines end with CR LF. `roots` are whom a server's certificate must come from.
    pub(super) fn send(
        &self,
        roots: Roots,
        machine: &str,
        sender: &str,
        recipients: &[String],
        text: &str,
    ) -> Result<(), String> {
        let place = format!("{}:{}", self.host, self.port);
        let told = |error: std::io::Error| format!("mail server {place}: {error}");
        let talk = Talk::begin(&self.host, self.port).map_err(told)?;
        let done = self.hand_over(talk, roots, machine, sender, recipients, text);
        done.map_err(|error| format!("mail server {place}: {error}"))
    }

    fn hand_over(
        &self,
        mut talk: Talk,
        roots: Roots,
        machine: &str,
        sender: &str,
        recipients: &[String],
        text: &str,
    ) -> Result<(), String> {
        talk.hear(&["220"])?;
        let mut offers = talk.greet(machine)?;
        if self.encrypts {
            talk.say("STARTTLS", &["220"])?;
            talk = talk.encrypted(&self.host, roots)?;
            offers = talk.greet(machine)?;
        }
        if let Some(login) = &self.login {
            talk.log_in(login, &offers)?;
        }
        talk.say(&format!("MAIL FROM:<{sender}>"), &["250"])?;
        let mut refused = Vec::new();
        for recipient in recipients {
            if let Err(why) = talk.say(&format!("RCPT TO:<{recipient}>"), &["250", "251"]) {
                refused.push(format!("{recipient}: {why}"));
            }
        }
        if refused.len() == recipients.len() {
            return Err(refused.join("; "));
        }
        talk.say("DATA", &["354"])?;
        let mut stuffed = String::with_capacity(text.len() + 16);
        for line in text.split_inclusive("\r\n") {
            // A line of one dot would end the letter.
            if line.starts_with('.') {
                stuffed.push('.');
            }
            stuffed.push_str(line);
        }
        stuffed.push('.');
        talk.say(&stuffed, &["250"])?;
        // The letter is theirs now, whatever they think of the farewell.
        drop(talk.say("QUIT", &["221"]));
        match refused.is_empty() {
            true => Ok(()),
            false => Err(refused.join("; ")),
        }
    }
}

/// One connection.
struct Talk {
    stream: BufReader<Wire>,
}

impl Talk {
    fn begin(host: &str, port: u16) -> std::io::Result<Self> {
        let addresses = (host, port).to_socket_addrs()?;
        let limit = Instant::now() + PATIENCE;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect_timeout(&address, left(limit)?.min(KNOCK)) {
                Ok(socket) => {
                    let wire = Wire::Plain(Limited::new(socket, limit));
                    let stream = BufReader::new(wire);
                    return Ok(Self { stream });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| std::io::Error::other("the host has no address")))
    }

    /// Says who we are; gives what the server offers.
    fn greet(&mut self, machine: &str) -> Result<String, String> {
        match self.say(&format!("EHLO {machine}"), &["250"]) {
            Ok(offers) => Ok(offers),
            Err(_) => self.say(&format!("HELO {machine}"), &["250"]),
        }
    }

    /// Goes on under TLS.
    fn encrypted(self, host: &str, roots: Roots) -> Result<Self, String> {
        // What came before it was asked for may be somebody's between us and the server.
        if !self.stream.buffer().is_empty() {
            return Err("it speaks before it is asked".into());
        }
        let wire = self.stream.into_inner().encrypted(host, roots)?;
        let stream = BufReader::new(wire);
        Ok(Self { stream })
    }

    fn log_in(&mut self, login: &Login, offers: &str) -> Result<(), String> {
        let Login { user, password } = login;
        let methods = offers.lines().filter(|line| {
            line.get(4..8)
                .is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
        });
        let methods: Vec<&str> = methods.flat_map(str::split_whitespace).collect();
        let offers = |method: &str| methods.iter().any(|word| word.eq_ignore_ascii_case(method));
        if offers("LOGIN") && !offers("PLAIN") {
            self.say("AUTH LOGIN", &["334"])?;
            self.say(&base64(user.as_bytes()), &["334"])?;
            return self.say(&base64(password.as_bytes()), &["235"]).map(drop);
        }
        let secret = base64(format!("\0{user}\0{password}").as_bytes());
        self.say(&format!("AUTH PLAIN {secret}"), &["235"])
            .map(drop)
    }

    /// Says something and hears the answer, which must begin with one of these codes.
    fn say(&mut self, text: &str, expected: &[&str]) -> Result<String, String> {
        let text = format!("{text}\r\n");
        let told = |error: std::io::Error| error.to_string();
        let wire = self.stream.get_mut();
        wire.write_all(text.as_bytes()).map_err(told)?;
        wire.flush().map_err(told)?;
        self.hear(expected)
    }

    fn hear(&mut self, expected: &[&str]) -> Result<String, String> {
        let mut answer = String::new();
        loop {
            let mut line = Vec::new();
            let read = (&mut self.stream)
                .take(LONGEST_ANSWER)
                .read_until(b'\n', &mut line);
            match read {
                Ok(0) => return Err("it hung up".into()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
            let line = String::from_utf8_lossy(&line);
            answer.push_str(line.trim_end());
            answer.push('\n');
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
            if answer.len() as u64 > LONGEST_ANSWER {
                return Err("its answer has no end".into());
            }
        }
        match expected.iter().any(|code| {
            answer
                .lines()
                .next_back()
                .is_some_and(|last| last.starts_with(code))
        }) {
            true => Ok(answer),
            false => Err(answer.trim_end().replace('\n', " / ")),
        }
    }
}
