//! `stockade run`: the daemon in the foreground.

use crate::args;
use crate::output::Output;
use std::io;
use std::process::ExitCode;

pub(crate) fn run(options: &args::Run, output: &mut Output) -> io::Result<ExitCode> {
    let options = daemon::Options {
        config: options.config.clone(),
        dry_run: options.dry_run,
        db: options.db.clone(),
        socket: options.socket.clone(),
        table: options.table.clone(),
        log: options.log.clone(),
        force: options.force,
        journal: options.journal.clone(),
        manner: daemon::Manners::Stockade,
    };
    match daemon::run(&options) {
        Ok(daemon::Ended::Clean) => Ok(ExitCode::SUCCESS),
        Ok(daemon::Ended::Troubled) => Ok(ExitCode::from(1)),
        Err(diagnostics) => {
            for diagnostic in diagnostics {
                output.complain(&diagnostic.to_string());
            }
            Ok(ExitCode::from(3))
        }
    }
}
