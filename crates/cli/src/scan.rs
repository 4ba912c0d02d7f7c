//! `stockade scan`: a whole log, by its own dates.

use crate::args;
use crate::client::users;
use crate::output::Output;
use crate::progress::Progress;
use crate::table::{Align, Table};
use crate::time::{asked_now, local, until};
use base::JailName;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use wire::Event;

/// Bans that are shown together, in columns of one width.
const ROWS_AT_ONCE: usize = 1_000;

pub(crate) fn scan(options: &args::Scan, output: &mut Output) -> io::Result<ExitCode> {
    let now = match asked_now(options.now.as_deref()) {
        Ok(now) => now,
        Err(error) => {
            output.complain(&error);
            return Ok(ExitCode::from(2));
        }
    };
    let request = daemon::Scan {
        file: (options.file != Path::new("-")).then(|| options.file.clone()),
        jails: options
            .jail
            .iter()
            .map(|name| JailName::new(name))
            .collect(),
        config: options.config.clone(),
        now,
        keep_lines: options.lines,
    };
    let mut bans = bans_table();
    let mut written = Ok(());
    let total = fs::metadata(&options.file).ok();
    let total = total.filter(|file| file.is_file()).map(|file| file.len());
    let mut progress = Progress::new(total);
    let mut each = |event: Event| {
        if written.is_ok() {
            written = match options.json {
                true => output.data(&wire::encode(&event)),
                false => show(&event, &mut bans, output),
            };
        }
    };
    let scanned = daemon::scan(&request, &mut each, &mut |read| progress.at(read));
    drop(progress);
    written?;
    match scanned {
        Err(diagnostics) => {
            for diagnostic in diagnostics {
                output.complain(&diagnostic.to_string());
            }
            Ok(ExitCode::from(3))
        }
        Ok(report) => {
            for diagnostic in &report.diagnostics {
                output.complain(&diagnostic.to_string());
            }
            if !options.json {
                print(&mut bans, &report, output)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn bans_table() -> Table {
    Table::new(&[
        ("JAIL", Align::Left),
        ("ADDRESS", Align::Left),
        ("BANNED", Align::Left),
        ("UNTIL", Align::Left),
        ("FAILURES", Align::Right),
        ("USERS", Align::Left),
    ])
}

/// Notes a ban; what is noted is shown in parts, so that a long log takes no more memory than a short one.
fn show(event: &Event, bans: &mut Table, output: &mut Output) -> io::Result<()> {
    if event.event != "ban" {
        return Ok(());
    }
    bans.row(vec![
        event.jail.clone(),
        event.ip.clone(),
        local(event.time),
        until(event.until),
        event.failures.to_string(),
        users(&event.users),
    ]);
    if bans.len() < ROWS_AT_ONCE {
        return Ok(());
    }
    let lines = bans.take_lines();
    lines.iter().try_for_each(|line| output.say(line))
}

fn print(bans: &mut Table, report: &daemon::ScanReport, output: &mut Output) -> io::Result<()> {
    if report.jails.iter().any(|jail| jail.bans > 0) {
        let lines = bans.take_lines();
        lines.iter().try_for_each(|line| output.say(line))?;
        output.say("")?;
    }
    for jail in &report.jails {
        let more = if jail.more_addresses {
            "more than "
        } else {
            ""
        };
        output.say(&format!(
            "{}: {} failures from {more}{} addresses, {} bans",
            jail.name, jail.failures, jail.addresses, jail.bans
        ))?;
    }
    let undated = match report.undated {
        0 => String::new(),
        n => format!(", {n} with a failure but without a date"),
    };
    let cut = match report.cut {
        0 => String::new(),
        n => format!(", {n} cut at 64 KiB"),
    };
    output.say(&format!("{} lines read{undated}{cut}", report.lines))
}
