//! The commands that talk to a running daemon.

use crate::args;
use crate::output::Output;
use crate::table::{Align, Table};
use crate::time::{local, until};
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use wire::{
    Answer, AttemptAnswer, BanAnswer, BannedAnswer, ReloadAnswer, Request, Status, StatusAnswer,
    StopAnswer, UnbanAnswer,
};

/// Longer than any order takes: the daemon answers a ban when the kernel and the disk have it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn status(options: &args::Status, output: &mut Output) -> io::Result<ExitCode> {
    let request = Request::Status {
        jail: options.jail.clone(),
    };
    with_answer(
        &options.client,
        &request,
        output,
        |answer: &StatusAnswer, output| {
            match (&options.jail, answer.status.jails.first()) {
                (Some(_), Some(jail)) => print_jail(jail, output)?,
                _ => print_status(&answer.status, output)?,
            }
            Ok(ExitCode::from(u8::from(!answer.status.problems.is_empty())))
        },
    )
}

pub(crate) fn banned(options: &args::Banned, output: &mut Output) -> io::Result<ExitCode> {
    let request = Request::Banned {
        jail: options.jail.clone(),
        newest: None,
    };
    with_answer(
        &options.client,
        &request,
        output,
        |answer: &BannedAnswer, output| {
            print_bans(&answer.bans, output)?;
            Ok(ExitCode::SUCCESS)
        },
    )
}

pub(crate) fn ban(options: &args::Ban, output: &mut Output) -> io::Result<ExitCode> {
    let request = Request::Ban {
        jail: options.jail.clone(),
        ips: options.ips.clone(),
        time: options.time.clone(),
        force: options.force,
    };
    with_answer(
        &options.client,
        &request,
        output,
        |answer: &BanAnswer, output| {
            for ip in &answer.banned {
                output.say(&format!("{ip}: banned in {}", options.jail))?;
            }
            for ip in &answer.already {
                output.say(&format!("{ip}: was banned in {} already", options.jail))?;
            }
            for refusal in &answer.refused {
                output.complain(&format!("error: {}: {}", refusal.ip, refusal.reason));
            }
            Ok(ExitCode::from(u8::from(!answer.refused.is_empty())))
        },
    )
}

pub(crate) fn unban(options: &args::Unban, output: &mut Output) -> io::Result<ExitCode> {
    let request = if options.all {
        Request::UnbanAll
    } else {
        Request::Unban {
            ips: options.ips.clone(),
            jail: options.jail.clone(),
        }
    };
    with_answer(
        &options.client,
        &request,
        output,
        |answer: &UnbanAnswer, output| {
            for lifted in &answer.unbanned {
                output.say(&format!("{}: unbanned in {}", lifted.ip, lifted.jail))?;
            }
            let mut wrong = false;
            for ip in &answer.absent {
                if base::FailureId::from(ip.as_str()).is_malformed_address() {
                    wrong = true;
                    output.complain(&format!("error: {ip}: not an IP address"));
                } else {
                    output.say(&format!("{ip}: was not banned"))?;
                }
            }
            if options.all && answer.unbanned.is_empty() {
                output.say("nobody was banned")?;
            }
            Ok(ExitCode::from(u8::from(wrong)))
        },
    )
}

pub(crate) fn attempt(options: &args::Attempt, output: &mut Output) -> io::Result<ExitCode> {
    let request = Request::Attempt {
        jail: options.jail.clone(),
        ip: options.ip.clone(),
        lines: options.lines.clone(),
    };
    with_answer(
        &options.client,
        &request,
        output,
        |answer: &AttemptAnswer, output| {
            let what = match answer.counted {
                true => "counted",
                false => "not counted: the jail ignores it, or it is no address",
            };
            output.say(&format!("{}: {what}", options.ip))?;
            Ok(ExitCode::from(u8::from(!answer.counted)))
        },
    )
}

pub(crate) fn reload(options: &args::Reload, output: &mut Output) -> io::Result<ExitCode> {
    with_answer(
        &options.client,
        &Request::Reload,
        output,
        |answer: &ReloadAnswer, output| {
            let lists = [
                ("new", &answer.added),
                ("changed", &answer.changed),
                ("gone, their bans lifted", &answer.removed),
            ];
            for (what, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
                output.say(&format!("{what}: {}", names.join(", ")))?;
            }
            output.say(&format!("as before: {} jails", answer.unchanged))?;
            for broken in &answer.broken {
                let what = match broken.runs_as_before {
                    true => "it runs on as before",
                    false => "it does not run",
                };
                output.complain(&format!("{}\n  jail {}: {what}", broken.error, broken.jail));
            }
            Ok(ExitCode::from(u8::from(!answer.broken.is_empty())))
        },
    )
}

pub(crate) fn stop(options: &args::Stop, output: &mut Output) -> io::Result<ExitCode> {
    if options.flush && is_alone(&options.client.socket) {
        return crate::sweep::sweep(&options.client, output);
    }
    let request = Request::Stop {
        flush: options.flush,
    };
    with_answer(
        &options.client,
        &request,
        output,
        |answer: &StopAnswer, output| {
            match (answer.flushed, answer.standing) {
            (true, _) => output.say("stopped; the table and every ban are gone from the kernel")?,
            (false, 0) => output.say("stopped; nobody is banned")?,
            (false, n) => output.say(&format!(
                "stopped; {n} bans stand on in the kernel until their time (stockade stop --flush removes them)"
            ))?,
        }
            Ok(ExitCode::SUCCESS)
        },
    )
}

/// Asks, prints JSON if wanted, else lets `print` speak; the exit code is the same either way.
pub(crate) fn with_answer<T: DeserializeOwned>(
    client: &args::Client,
    request: &Request,
    output: &mut Output,
    print: impl FnOnce(&T, &mut Output) -> io::Result<ExitCode>,
) -> io::Result<ExitCode> {
    let line = match ask(&client.socket, request) {
        Ok(line) => line,
        Err(error) => {
            output.complain(&unreachable(&client.socket, &error));
            return Ok(ExitCode::from(3));
        }
    };
    match wire::decode::<Answer<T>>(line.as_bytes()) {
        Ok(Answer::Failed(failed)) => {
            if client.json {
                output.data(line.trim_end())?;
            }
            output.complain(&format!("error: {}", failed.error));
            if let Some(help) = failed.help {
                output.complain(&format!("help: {help}"));
            }
            Ok(ExitCode::from(1))
        }
        Ok(Answer::Done(answer)) if client.json => {
            output.data(line.trim_end())?;
            print(&answer, &mut Output::silent())
        }
        Ok(Answer::Done(answer)) => print(&answer, output),
        Err(malformed) => {
            output.complain(&format!(
                "error: the daemon's answer cannot be read: {malformed}"
            ));
            output.complain("help: is the daemon of another version? Restart it");
            Ok(ExitCode::from(1))
        }
    }
}

pub(crate) fn ask(socket: &Path, request: &Request) -> io::Result<String> {
    ask_within(socket, request, PATIENCE)
}

/// The same, for somebody who waits no longer than this.
pub(crate) fn ask_within(
    socket: &Path,
    request: &Request,
    patience: Duration,
) -> io::Result<String> {
    let mut stream = connect(socket, request)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut text = wire::encode(request);
    text.push('\n');
    // A daemon that refuses a client says so without reading what it asks.
    let written = stream.write_all(text.as_bytes());
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line);
    if !line.ends_with('\n') {
        written?;
        read?;
        return Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the daemon closed the connection",
        ));
    }
    Ok(line)
}

/// Who may not command the daemon may still ask it, at the socket of the group.
fn connect(socket: &Path, request: &Request) -> io::Result<UnixStream> {
    match UnixStream::connect(socket) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && request.only_asks() => {
            UnixStream::connect(socket.with_file_name(daemon::STATUS_SOCKET)).map_err(|_| error)
        }
        connected => connected,
    }
}

/// True if surely no daemon listens at the usual place: it cannot be the one that keeps the table.
fn is_alone(socket: &Path) -> bool {
    let tried = UnixStream::connect(socket).map_err(|error| error.kind());
    let is_dead = matches!(
        tried,
        Err(ErrorKind::NotFound | ErrorKind::ConnectionRefused)
    );
    is_dead && socket == Path::new(daemon::SOCKET)
}

pub(crate) fn unreachable(socket: &Path, error: &io::Error) -> String {
    let socket = socket.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            format!("error: no daemon answers on {socket}\nhelp: start one with: stockade run")
        }
        ErrorKind::PermissionDenied => {
            format!(
                "error: permission denied for {socket}\nhelp: root may talk to the daemon (try sudo), and the group stockade may ask it"
            )
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!(
                "error: the daemon on {socket} did not answer within {} s\nhelp: what was asked for may still be done; see its log",
                PATIENCE.as_secs()
            )
        }
        _ => format!("error: {socket}: {error}"),
    }
}

fn print_status(status: &Status, output: &mut Output) -> io::Result<()> {
    output.say(&format!("health       {}", status.health))?;
    for problem in status
        .problems
        .iter()
        .filter(|problem| **problem != status.health)
    {
        output.say(&format!("             {problem}"))?;
    }
    let enforcement = &status.enforcement;
    let sync = if enforcement.in_sync {
        "in sync"
    } else {
        "OUT OF SYNC"
    };
    let owner = if enforcement.owner { ", owned" } else { "" };
    output.say(&format!(
        "enforcement  {} table {}{owner}: {} elements, {sync}",
        enforcement.backend, enforcement.table, enforcement.elements
    ))?;
    output.say(&format!(
        "store        {}: {}",
        status.store.path, status.store.state
    ))?;
    output.say(&format!("config       {}", status.config))?;
    output.say(&format!(
        "running      since {}, pid {}",
        local(status.started),
        status.pid
    ))?;
    output.say("")?;
    let mut table = Table::new(&[
        ("JAIL", Align::Left),
        ("STATE", Align::Left),
        ("FAILING", Align::Right),
        ("FAILED", Align::Right),
        ("BANNED", Align::Right),
        ("BANS", Align::Right),
        ("SOURCE", Align::Left),
    ]);
    for jail in &status.jails {
        // What is only waited for beside a source that runs would hide that one.
        let live = jail
            .sources
            .iter()
            .filter(|source| source.state != "waiting");
        let live: Vec<&str> = live.map(|source| source.path.as_str()).collect();
        let about = jail
            .reason
            .as_deref()
            .map_or_else(|| live.join(", "), shortened);
        table.row(vec![
            jail.name.clone(),
            jail.state.clone(),
            jail.failing.to_string(),
            jail.failed_total.to_string(),
            jail.banned.to_string(),
            jail.banned_total.to_string(),
            about,
        ]);
    }
    table.lines().iter().try_for_each(|line| output.say(line))
}

/// A cell of a table; `status JAIL` tells the whole.
fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn print_jail(jail: &wire::JailStatus, output: &mut Output) -> io::Result<()> {
    output.say(&format!("jail     {} ({})", jail.name, jail.state))?;
    if let Some(reason) = &jail.reason {
        output.say(&format!("         {reason}"))?;
    }
    for source in &jail.sources {
        output.say(&format!(
            "source   {} {} ({}, position {})",
            source.kind, source.path, source.state, source.position
        ))?;
    }
    output.say(&format!(
        "failing  {} now, {} failures since the start",
        jail.failing, jail.failed_total
    ))?;
    if jail.evicted + jail.lost_lines > 0 {
        output.say(&format!(
            "crowded  {} ids forgotten before their time, {} lines of bans lost",
            jail.evicted, jail.lost_lines
        ))?;
    }
    output.say(&format!(
        "banned   {} now, {} since the start",
        jail.banned, jail.banned_total
    ))?;
    for action in &jail.actions {
        output.say(&format!("action   {}{}", action.name, standing(action)))?;
    }
    if !jail.bans.is_empty() {
        output.say("")?;
        print_bans(&jail.bans, output)?;
    }
    Ok(())
}

/// What is worth a word about an action.
fn standing(action: &wire::Action) -> String {
    let mut words = Vec::new();
    if action.errors > 0 {
        let last = action.last_error.as_deref().unwrap_or("unknown");
        words.push(format!("{} failed, last: {last}", action.errors));
    }
    if action.waiting > 0 {
        words.push(format!("{} waiting", action.waiting));
    }
    if action.put_off > 0 {
        words.push(format!("{} told late", action.put_off));
    }
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join("; ")),
    }
}

fn print_bans(bans: &[wire::Ban], output: &mut Output) -> io::Result<()> {
    if bans.is_empty() {
        return output.say("nobody is banned");
    }
    let mut table = Table::new(&[
        ("JAIL", Align::Left),
        ("ADDRESS", Align::Left),
        ("SINCE", Align::Left),
        ("UNTIL", Align::Left),
        ("FAILURES", Align::Right),
        ("USERS", Align::Left),
    ]);
    for ban in bans {
        table.row(vec![
            ban.jail.clone(),
            ban.ip.clone(),
            local(ban.time),
            until(ban.until),
            ban.failures.to_string(),
            users(&ban.users),
        ]);
    }
    table.lines().iter().try_for_each(|line| output.say(line))
}

/// The three users tried most, and how many more there were.
pub(crate) fn users(users: &[wire::User]) -> String {
    let mut sorted: Vec<&wire::User> = users.iter().collect();
    sorted.sort_by_key(|user| std::cmp::Reverse(user.count));
    let mut text: Vec<String> = sorted
        .iter()
        .take(3)
        .map(|user| format!("{} ({})", user.name, user.count))
        .collect();
    if sorted.len() > 3 {
        text.push(format!("{} more", sorted.len() - 3));
    }
    text.join(", ")
}
