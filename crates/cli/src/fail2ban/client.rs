//! `fail2ban-client` and `fail2ban-server`: a configuration read and tested, a server asked, started and told.
//!
//! The original answers and exits are kept to the letter where programs read them, with one addition: `-t` also compiles
//! every regex and date pattern. The server may be the original, too: both speak the protocol of its socket.

mod answer;
mod interactive;
mod launch;
pub(crate) mod log;
pub(crate) mod options;
pub(crate) mod read;
mod socket;
mod usage;
mod words;
pub(crate) mod work;

use super::FAILED;
use crate::output::Output;
use log::Line;
use options::{Options, Wish, Wrong};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use work::{Client, Done};

/// The release whose answers these are.
const VERSION: &str = "1.1.1";

/// Runs it; the first word is the program's name.
pub(crate) fn main(words: Vec<OsString>) -> ExitCode {
    let mut output = Output::new();
    let done = run(&words, &mut output);
    match done.and_then(|code| output.flush().map(|()| code)) {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output.complain(&format!("error: the output cannot be written: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn run(words: &[OsString], output: &mut Output) -> io::Result<ExitCode> {
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
            return Ok(ExitCode::from(FAILED));
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
                return Ok(ExitCode::from(FAILED));
            }
        },
        Wish::Work(options) => return work(program, &options, output),
    }
    Ok(ExitCode::SUCCESS)
}

fn work(program: &str, options: &Options, output: &mut Output) -> io::Result<ExitCode> {
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
        return Ok(ExitCode::from(dumped.rc));
    }
    if options.test {
        let tested = read::test(dir, given);
        output.data(tested.stdout.trim_end())?;
        log::print(&tested.log, options.verbosity, output);
        if tested.rc != 0 || options.words.is_empty() {
            return Ok(ExitCode::from(tested.rc));
        }
    }
    let (own, lines) = match read::own(dir, given) {
        Ok(own) => own,
        Err(why) => {
            output.data(&format!("ERROR: {why}"))?;
            log::print(&[Line::error(read::GAVE_UP)], options.verbosity, output);
            return Ok(ExitCode::from(FAILED));
        }
    };
    log::print(&lines, options.verbosity, output);
    let is_server = program == "fail2ban-server";
    let start = ["start".to_owned()];
    let words = match options.words.as_slice() {
        [] if options.is_interactive => &[],
        [] if is_server => start.as_slice(),
        [] => {
            output.data(usage::usage(program).trim_end())?;
            return Ok(ExitCode::from(FAILED));
        }
        words => words,
    };
    let mut client = Client {
        program,
        options,
        own,
        output,
        tells_steps: false,
    };
    let mut done = match words {
        [] => Done::Yes,
        [word] if word == "start" && is_server && options.is_async => client.serve()?,
        words => client.run(words)?,
    };
    if options.is_interactive && done == Done::Yes {
        done = interactive::run(&mut client, &mut io::stdin().lock())?;
    }
    Ok(match done {
        Done::Yes => ExitCode::SUCCESS,
        Done::No => ExitCode::from(FAILED),
        Done::Served(code) => code,
    })
}
