//! `fail2ban-client` and `fail2ban-server`: what they answer without a server.
//!
//! The original answers and exits are kept to the letter where programs read them, with one addition: `-t` also compiles
//! every regex and date pattern. What needs a running server says so and fails.

pub(crate) mod log;
mod options;
pub(crate) mod read;
mod usage;

use super::FAILED;
use crate::output::Output;
use log::Line;
use options::{Options, Wish, Wrong};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The release whose answers these are.
const VERSION: &str = "1.1.1";

/// Runs it; the first word is the program's name.
pub(crate) fn main(words: Vec<OsString>) -> ExitCode {
    let mut output = Output::new();
    let done = run(&words, &mut output);
    match done.and_then(|code| output.flush().map(|()| code)) {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output.complain(&format!("error: the output cannot be written: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn run(words: &[OsString], output: &mut Output) -> io::Result<u8> {
    let (own, words) = words
        .split_first()
        .map_or((None, words), |(own, words)| (Some(own), words));
    let program = own.and_then(|own| Path::new(own).file_name()?.to_str());
    let program = program.unwrap_or("fail2ban-client");
    let wish = match options::parse(words) {
        Ok(wish) => wish,
        Err(wrong) => {
            match wrong {
                Wrong::Usage(why) => {
                    output.data(usage::usage(program).trim_end())?;
                    output.complain(&why);
                }
                Wrong::Value(why) => output.data(&format!("ERROR: {why}"))?,
            }
            output.complain(read::GAVE_UP);
            return Ok(FAILED);
        }
    };
    match wish {
        Wish::Help => output.data(usage::usage(program).trim_end())?,
        Wish::Number => output.data(VERSION)?,
        Wish::Version => {
            let own = env!("CARGO_PKG_VERSION");
            output.data(&format!("Fail2Ban v{VERSION} (Stockade {own})"))?;
        }
        Wish::Seconds(text) => match base::parse_seconds(&text) {
            Ok(seconds) => output.data(&seconds.to_string())?,
            Err(why) => {
                output.data(&format!("ERROR: '{text}': {why}"))?;
                output.complain(read::GAVE_UP);
                return Ok(FAILED);
            }
        },
        Wish::Work(options) => return work(program, &options, output),
    }
    Ok(0)
}

fn work(program: &str, options: &Options, output: &mut Output) -> io::Result<u8> {
    let (dir, given) = (options.conf.as_path(), options.given.as_slice());
    if options.dump {
        let dumped = match options.test {
            true => read::dump_and_test(dir, given),
            false => read::dump(dir, given),
        };
        for line in dumped.lines(options.is_pretty) {
            output.data(&line)?;
        }
        log::print(&dumped.log, options.verbosity, output);
        return Ok(dumped.rc);
    }
    if options.test {
        let tested = read::test(dir, given);
        output.data(tested.stdout.trim_end())?;
        log::print(&tested.log, options.verbosity, output);
        if tested.rc != 0 || options.words.is_empty() {
            return Ok(tested.rc);
        }
    }
    let is_server = program == "fail2ban-server";
    if options.words.is_empty() && !options.is_interactive && !is_server {
        output.data(usage::usage(program).trim_end())?;
        return Ok(FAILED);
    }
    let asked = match (options.words.first(), options.is_interactive) {
        (Some(command), _) => command.as_str(),
        (None, true) => "-i",
        (None, false) => "start",
    };
    let sentence = format!(
        "'{asked}' needs a running server, and {program} cannot start or ask one yet: \
         guard with `stockade run`, ask it with `stockade status`"
    );
    log::print(&[Line::error(sentence)], options.verbosity, output);
    Ok(FAILED)
}
