//! Commands: asked of the server as they are, but for those that have to do with its configuration or its life, for which
//! the client does the work.

use super::answer::{self, Signs};
use super::log::{self, Line};
use super::options::Options;
use super::{launch, read, socket};
use crate::fail2ban::server;
use crate::output::Output;
use base::Severity;
use conf::{Item, Own};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use wire::fail2ban::Value;

/// How long a server may take to say that it is there, where none is expected.
const FIRST_PING: f64 = 0.1;

/// Where one is expected to go.
const LAST_PING: f64 = 0.1;

/// What came of a command.
#[derive(Debug, PartialEq)]
pub(super) enum Done {
    /// It was done.
    Yes,
    /// It was not, which has been said.
    No,
    /// This process was the server and has ended with this code.
    Served(ExitCode),
}

impl From<bool> for Done {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// A client with its settings.
pub(super) struct Client<'a> {
    /// The name it was called by.
    pub(super) program: &'a str,
    pub(super) options: &'a Options,
    pub(super) own: Own,
    pub(super) output: &'a mut Output,
    /// A person types and sees what takes its time.
    pub(super) tells_steps: bool,
}

impl Client<'_> {
    /// Does one command.
    pub(super) fn run(&mut self, words: &[String]) -> io::Result<Done> {
        let mut rest = words.iter().map(String::as_str);
        match (rest.next(), words.len()) {
            (Some("start"), 1) => self.start(),
            (Some("restart"), 1) => self.restart(),
            (Some("restart"), _) => Ok(self.reload(&words[1..], &["--restart"])?.into()),
            (Some("reload"), _) => Ok(self.reload(&words[1..], &[])?.into()),
            (Some("ping"), 2..) => self.ping(words),
            _ => {
                let command: Vec<Value> = words.iter().map(|word| word.as_str().into()).collect();
                Ok(self.ask(words, &command, None)?.into())
            }
        }
    }

    /// `ping TIMEOUT`: the server may take so many seconds.
    fn ping(&mut self, words: &[String]) -> io::Result<Done> {
        let seconds: Option<f64> = words[1].trim().parse().ok();
        let Some(seconds) = seconds else {
            let number = base::literal(&words[1]);
            self.complain(format!("could not convert string to float: {number}"));
            return Ok(Done::No);
        };
        // Less than none, and more than any time: there is no end. To the system zero would mean that, too.
        let patience = Duration::try_from_secs_f64(seconds).ok();
        let patience = patience.map(|time| time.max(A_MOMENT));
        let command: Vec<Value> = words.iter().map(|word| word.as_str().into()).collect();
        Ok(self.ask(words, &command, patience)?.into())
    }

    /// Asks the server and prints its answer; `words` say how.
    fn ask(
        &mut self,
        words: &[String],
        command: &[Value],
        patience: Option<Duration>,
    ) -> io::Result<bool> {
        let path = Path::new(&self.own.socket);
        let reply = match socket::ask(path, command, patience) {
            Ok(reply) => reply,
            Err(silence) => {
                let is_ping = words.first().is_some_and(|word| word == "ping");
                let why = socket::told(&silence, path, is_ping);
                self.complain(why);
                return Ok(false);
            }
        };
        if reply.code != 0 {
            let refusal = answer::refusal(&reply.value);
            self.complain(refusal.log);
            if let Some(sentence) = refusal.sentence {
                self.output.answer(&sentence)?;
            }
            return Ok(false);
        }
        let signs = Signs::of_locale(|name| std::env::var(name).ok());
        match answer::shown(words, &reply.value, signs) {
            Ok(text) => self.output.answer(&text)?,
            Err(instead) => {
                let words = Value::list(words.iter().map(String::as_str)).repr();
                let value = reply.value.repr();
                self.log(&[
                    beautifier(
                        Severity::Warning,
                        "Beautifier error. Please report the error",
                    ),
                    beautifier(
                        Severity::Error,
                        &format!("Beautify {value} with {words} failed"),
                    ),
                ]);
                self.output.answer(&instead)?;
            }
        }
        Ok(true)
    }

    /// `reload`: the configuration is read here, and sent in one command that is done whole or not at all.
    fn reload(&mut self, words: &[String], first: &[&str]) -> io::Result<bool> {
        let is_option =
            |word: &&String| ["--restart", "--unban", "--if-exists"].contains(&word.as_str());
        let given = words.iter().take_while(is_option).count();
        let (options, rest) = words.split_at(given);
        let jail = match rest {
            [] => "--all",
            [jail] => jail.as_str(),
            more => {
                let more = Value::list(more.iter().map(String::as_str)).repr();
                self.complain(format!("Unexpected argument(s) for reload: {more}"));
                return Ok(false);
            }
        };
        if !self.is_answered(None) {
            self.complain("Could not find server");
            return Ok(false);
        }
        let only = (jail != "--all").then_some(jail);
        let Some(stream) = self.stream(only) else {
            return Ok(false);
        };
        self.step("reload")?;
        let options = first
            .iter()
            .copied()
            .chain(options.iter().map(String::as_str));
        let command = [
            "reload".into(),
            jail.into(),
            Value::list(options),
            stream_value(stream),
        ];
        self.ask(&["reload".to_owned()], &command, None)
    }

    /// `start`: of a server in the background, or here.
    fn start(&mut self) -> io::Result<Done> {
        if self.is_answered(Some(FIRST_PING)) {
            return Ok(self.not_started("Server already running"));
        }
        let Some(stream) = self.stream(None) else {
            return Ok(self.not_started(""));
        };
        self.start_with(stream)
    }

    /// `restart` without more words. The configuration is read before anything is stopped: one that is wrong must not
    /// leave the machine without its guard.
    fn restart(&mut self) -> io::Result<Done> {
        self.step("load configuration")?;
        let Some(stream) = self.stream(None) else {
            return Ok(self.not_started(""));
        };
        self.step("stop")?;
        let socket = self.own.socket.clone();
        let stop = "stop".to_owned();
        if self.ask(&[stop], &["stop".into()], None)? {
            let is_gone = launch::until(self.options.timeout, || {
                Ok(!Path::new(&socket).exists() || !self.is_answered(Some(LAST_PING)))
            });
            if !matches!(is_gone, Ok(true)) {
                let seconds = self.options.timeout.as_secs_f64();
                let sentence = format!("The server has not ended within {seconds} seconds");
                return Ok(self.not_started(&sentence));
            }
        } else if self.is_answered(Some(LAST_PING)) {
            return Ok(self.not_started("The server does not stop"));
        }
        self.step("start")?;
        self.start_with(stream)
    }

    fn start_with(&mut self, stream: Vec<Vec<Item>>) -> io::Result<Done> {
        if !self.options.removes_socket && Path::new(&self.own.socket).exists() {
            return Ok(self.not_started(
                "Fail2ban seems to be in unexpected state (not running but the socket exists)",
            ));
        }
        if self.options.is_foreground {
            self.output.flush()?;
            let options = self.resolved();
            return Ok(Done::Served(server::foreground(&options, Some(&stream))));
        }
        let server = match launch::launch(self.options, &self.own) {
            Ok(server) => server,
            Err(error) => {
                return Ok(self.not_started(&format!("Could not start server: {error}")));
            }
        };
        if let Err(why) = launch::await_server(server, self.options.timeout, &self.own) {
            return Ok(self.not_started(&format!("Could not start server: {why}")));
        }
        let is_set_up = self.tell("server-stream", stream_value(stream));
        let status = "server-status".to_owned();
        let is_ready = self.ask(&[status], &["server-status".into()], None)?;
        Ok((is_set_up && is_ready).into())
    }

    /// Becomes the server that somebody else sets up through its socket.
    pub(super) fn serve(&mut self) -> io::Result<Done> {
        self.output.flush()?;
        let options = self.resolved();
        Ok(Done::Served(server::foreground(&options, None)))
    }

    /// The options with all that fail2ban.conf says of the server itself.
    fn resolved(&self) -> Options {
        let own = &self.own;
        let given = [
            ("socket", &own.socket),
            ("pidfile", &own.pidfile),
            ("loglevel", &own.loglevel),
            ("logtarget", &own.logtarget),
            ("syslogsocket", &own.syslogsocket),
        ];
        Options {
            given: given.map(|(key, value)| (key, value.clone())).into(),
            ..self.options.clone()
        }
    }

    /// Sends a command whose result is none, and says only what went wrong.
    fn tell(&mut self, name: &str, argument: Value) -> bool {
        let path = Path::new(&self.own.socket);
        let why = match socket::ask(path, &[name.into(), argument], None) {
            Ok(reply) if reply.code == 0 => return true,
            Ok(reply) => answer::refusal(&reply.value).log,
            Err(silence) => socket::told(&silence, path, false),
        };
        self.complain(why);
        false
    }

    /// Whether a server answers; within so many seconds, or at any time.
    fn is_answered(&self, seconds: Option<f64>) -> bool {
        launch::is_answered(&self.own, seconds)
    }

    /// The commands that the configuration stands for; what is wrong with it has been said.
    fn stream(&mut self, only: Option<&str>) -> Option<Vec<Vec<Item>>> {
        let streamed = read::stream(&self.options.conf, &self.options.given, only);
        self.log(&streamed.log);
        streamed.commands
    }

    fn step(&mut self, what: &str) -> io::Result<()> {
        if self.tells_steps {
            self.output.data(&format!("  ## {what} ... "))?;
            self.output.flush()?;
        }
        Ok(())
    }

    fn not_started(&mut self, why: &str) -> Done {
        if !why.is_empty() {
            self.complain(why);
        }
        if self.program == "fail2ban-server" {
            self.complain("Async configuration of server failed");
        }
        Done::No
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.log(&[Line::error(text)]);
    }

    fn log(&mut self, lines: &[Line]) {
        log::print(lines, self.options.verbosity, self.output);
    }
}

/// The shortest time-out that a socket takes.
const A_MOMENT: Duration = Duration::from_micros(1);

fn beautifier(severity: Severity, text: &str) -> Line {
    Line {
        severity,
        logger: "fail2ban.beautifier".into(),
        text: text.into(),
    }
}

/// The stream as it travels.
fn stream_value(stream: Vec<Vec<Item>>) -> Value {
    Value::List(
        stream
            .into_iter()
            .map(|words| value(Item::List(words)))
            .collect(),
    )
}

pub(crate) fn value(item: Item) -> Value {
    match item {
        Item::None => Value::None,
        Item::Bool(truth) => Value::Bool(truth),
        Item::Int(number) => Value::Int(number),
        Item::Text(text) => Value::Str(text),
        Item::List(items) => Value::List(items.into_iter().map(value).collect()),
        Item::Map(pairs) => {
            let pairs = pairs
                .into_iter()
                .map(|(key, item)| (key.into(), value(item)));
            Value::Dict(pairs.collect())
        }
    }
}
