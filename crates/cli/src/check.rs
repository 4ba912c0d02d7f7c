//! `stockade check`: what a configuration would do here, for a person about to switch or who has edited one.

mod json;
mod screen;
pub(crate) mod text;

use crate::args;
use crate::output::Output;
use base::JailName;
use std::io;
use std::process::ExitCode;

pub(crate) fn check(options: &args::Check, output: &mut Output) -> io::Result<ExitCode> {
    let report = daemon::check(&daemon::Check {
        config: options.config.clone().or_else(|| options.dir.clone()),
        jails: options
            .jail
            .iter()
            .map(|name| JailName::new(name))
            .collect(),
        all: options.all,
    });
    match options.json {
        true => output.data(&json::text(&report))?,
        false => screen::print(&report, options.verbose, output)?,
    }
    Ok(ExitCode::from(
        match (report.is_there, report.has_errors()) {
            (false, _) => 3,
            (true, true) => 1,
            (true, false) => 0,
        },
    ))
}
