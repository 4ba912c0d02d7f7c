//! `stockade watch`: what happens, as it happens.

use crate::args;
use crate::client::{PATIENCE, unreachable, users};
use crate::output::Output;
use crate::time::{local, until};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use wire::{Answer, Event, Request, WatchAnswer, Watched};

pub(crate) fn watch(options: &args::Watch, output: &mut Output) -> io::Result<ExitCode> {
    let mut stream = match begin(options) {
        Ok(stream) => stream,
        Err(error) => {
            output.complain(&unreachable(&options.client.socket, &error));
            return Ok(ExitCode::from(3));
        }
    };
    let mut line = String::new();
    // The first line says whether there will be others.
    if let Err(error) = stream.read_line(&mut line) {
        output.complain(&unreachable(&options.client.socket, &error));
        return Ok(ExitCode::from(3));
    }
    match wire::decode::<Answer<WatchAnswer>>(line.as_bytes()) {
        Ok(Answer::Done(_)) => {}
        Ok(Answer::Failed(failed)) => {
            output.complain(&format!("error: {}", failed.error));
            if let Some(help) = failed.help {
                output.complain(&format!("help: {help}"));
            }
            return Ok(ExitCode::from(1));
        }
        Err(_) => {
            output.complain("error: the daemon's answer cannot be read\nhelp: is the daemon of another version? Restart it");
            return Ok(ExitCode::from(1));
        }
    }
    // Nothing may happen for days.
    stream.get_ref().set_read_timeout(None)?;
    if !options.client.json {
        output.say(&columns("TIME", "EVENT", "JAIL", "ADDRESS", "MORE"))?;
        output.flush()?;
    }
    loop {
        line.clear();
        if !matches!(stream.read_line(&mut line), Ok(read) if read > 0) {
            output.complain("error: the daemon has closed the connection; is it ending?");
            return Ok(ExitCode::from(1));
        }
        match options.client.json {
            true => output.data(line.trim_end())?,
            false => show(&line, output)?,
        }
        output.flush()?;
    }
}

fn begin(options: &args::Watch) -> io::Result<BufReader<UnixStream>> {
    let mut stream = UnixStream::connect(&options.client.socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = Request::Watch {
        jail: options.jail.clone(),
        lines: options.lines,
    };
    // A daemon that refuses a client says so without reading what it asks.
    drop(writeln!(stream, "{}", wire::encode(&request)));
    Ok(BufReader::new(stream))
}

fn show(line: &str, output: &mut Output) -> io::Result<()> {
    match wire::decode::<Watched>(line.as_bytes()) {
        Ok(Watched::Event(event)) => {
            let more = more(&event);
            output.say(&columns(
                &local(event.time),
                &event.event,
                &event.jail,
                &event.ip,
                &more,
            ))?;
            let lines = event.lines.iter().flatten();
            lines
                .into_iter()
                .try_for_each(|line| output.say(&format!("{:21}| {line}", "")))
        }
        Ok(Watched::Lost(lost)) => output.say(&format!(
            "{:21}{} events are missing here: this terminal is slower than they come",
            "", lost.count
        )),
        // One of a later version that is none of these.
        Err(_) => output.say(line.trim_end()),
    }
}

fn more(event: &Event) -> String {
    let mut words = Vec::new();
    match event.event.as_str() {
        "ban" => {
            words.push(format!("until {}", until(event.until)));
            words.push(format!("{} failures", event.failures));
        }
        "failure" => words.push(format!("counts {} now", event.failures)),
        _ => {}
    }
    if !event.users.is_empty() {
        words.push(users(&event.users));
    }
    words.extend(event.why.clone());
    words.join(", ")
}

/// A table whose end is not known: columns of usual widths.
fn columns(time: &str, event: &str, jail: &str, ip: &str, more: &str) -> String {
    let line = format!("{time:<19}  {event:<7}  {jail:<16}  {ip:<18}  {more}");
    line.trim_end().to_owned()
}
