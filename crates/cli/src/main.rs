//! The `stockade` command: arguments in, exit code out.
//!
//! Exit codes: 0 done; 1 it ran but something is wrong; 2 the command line is wrong; 3 it cannot run at all.
//! Called as `fail2ban-client`, `fail2ban-server` or `fail2ban-regex` it is that program, with its exit codes.
//! Everything that does work lives in the other crates; here is what a person types and sees.

mod args;
mod check;
mod client;
mod completions;
mod conform;
mod explain;
mod fail2ban;
mod ignore;
mod manual;
mod metrics;
mod migrate;
mod names;
mod output;
mod progress;
mod run;
mod scan;
mod sweep;
mod table;
mod time;
mod top;
mod watch;

use args::{Arguments, Command};
use clap::Parser;
use names::Name;
use output::Output;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (name, words) = names::called(std::env::args_os());
    match name {
        Name::Stockade => stockade(words),
        Name::Fail2banClient => fail2ban::client::main(words),
        Name::Fail2banServer => fail2ban::client::main(words),
        Name::Fail2banRegex => fail2ban::regex::main(words),
    }
}

fn stockade(words: Vec<OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = error.exit_code();
            // Help goes to stdout, complaints to stderr; a closed pipe is nobody listening.
            drop(error.print());
            return ExitCode::from(if code == 0 { 0 } else { 2 });
        }
    };
    let mut output = Output::new();
    let done = match arguments.command {
        Command::Run(options) => run::run(&options, &mut output),
        Command::Scan(options) => scan::scan(&options, &mut output),
        Command::Check(options) => check::check(&options, &mut output),
        Command::Explain(options) => explain::explain(&options, &mut output),
        Command::Status(options) => client::status(&options, &mut output),
        Command::Top(options) => top::top(&options, &mut output),
        Command::Metrics(options) => metrics::metrics(&options, &mut output),
        Command::Watch(options) => watch::watch(&options, &mut output),
        Command::Banned(options) => client::banned(&options, &mut output),
        Command::Ban(options) => client::ban(&options, &mut output),
        Command::Unban(options) => client::unban(&options, &mut output),
        Command::Ignore(options) => ignore::ignore(&options, &mut output),
        Command::Reload(options) => client::reload(&options, &mut output),
        Command::Attempt(options) => client::attempt(&options, &mut output),
        Command::Stop(options) => client::stop(&options, &mut output),
        Command::Migrate(options) => migrate::migrate(&options, &mut output),
        Command::ConformEval(options) => conform::run(&options, &mut output),
        Command::Manual => manual::manual(&mut output),
        Command::Completions(options) => completions::completions(&options, &mut output),
    };
    match done.and_then(|code| output.flush().map(|()| code)) {
        Ok(code) => code,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output.complain(&format!("error: the output cannot be written: {error}"));
            ExitCode::from(1)
        }
    }
}
