//! `fail2ban-server` in this process: the daemon with fail2ban's manners.

use super::FAILED;
use super::client::log::{self, Line};
use super::client::options::Options;
use super::client::read;
use super::client::work::value;
use crate::output::Output;
use conf::Item;
use daemon::{Ended, Manners, Server, TABLE};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use wire::fail2ban::Value;

/// The word that scripts wait for.
const READY: &str = "Server ready";

/// Becomes the server and returns when it has ended. `options.given` holds socket, pidfile, log level, log target and
/// system log as they are to be; `stream` are the commands that set it up, `None` if they come through the socket.
pub(super) fn foreground(options: &Options, stream: Option<&[Vec<Item>]>) -> ExitCode {
    let stream = match stream {
        Some(stream) => stream.to_vec(),
        None => of_the_server(options),
    };
    let given = |key: &str| {
        let mut given = options.given.iter();
        let (_, value) = given.find(|(known, _)| *known == key)?;
        Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
    };
    let daemons = daemon::Options {
        config: None,
        dry_run: false,
        db: None,
        socket: given("socket").unwrap_or_default(),
        table: TABLE.to_owned(),
        log: None,
        force: true,
        journal: None,
        manner: Manners::Fail2ban(Server {
            stream: stream.into_iter().map(command).collect(),
            pidfile: given("pidfile"),
            ready: if options.is_async { || {} } else { say_ready },
        }),
    };
    match daemon::run(&daemons) {
        Ok(Ended::Clean) => ExitCode::SUCCESS,
        Ok(Ended::Troubled) => ExitCode::from(FAILED),
        Err(diagnostics) => {
            let told = diagnostics
                .iter()
                .map(|one| Line::error(one.told().to_string()));
            log::print(
                &told.collect::<Vec<_>>(),
                options.verbosity,
                &mut Output::new(),
            );
            ExitCode::from(FAILED)
        }
    }
}

/// What fail2ban.conf says of the server itself: its database must be known before there is a jail. The jails come through
/// the socket.
fn of_the_server(options: &Options) -> Vec<Vec<Item>> {
    let read = read::stream(&options.conf, &options.given, None);
    let mut commands = read.commands.unwrap_or_default();
    commands.retain(|words| words.len() == 3 && words.first() == Some(&Item::from("set")));
    commands
}

fn command(words: Vec<Item>) -> Value {
    value(Item::List(words))
}

fn say_ready() {
    // Nobody may be listening, which is no reason not to guard.
    drop(writeln!(io::stdout(), "{READY}"));
}
