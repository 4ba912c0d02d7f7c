//! `stockade explain`: why a line, or an address, leads to a ban or to none.

mod live;
mod screen;

use crate::args;
use crate::output::Output;
use crate::time::asked_now;
use base::{JailName, Prefix};
use std::io;
use std::process::ExitCode;

pub(crate) fn explain(options: &args::Explain, output: &mut Output) -> io::Result<ExitCode> {
    let now = match asked_now(options.now.as_deref()) {
        Ok(now) => now,
        Err(error) => {
            output.complain(&error);
            return Ok(ExitCode::from(2));
        }
    };
    let about = match options.ip.as_deref().map(|ip| (ip, ip.parse::<Prefix>())) {
        Some((_, Ok(prefix))) => daemon::About::Address(prefix),
        Some((ip, Err(error))) => {
            output.complain(&format!("error: {ip}: {error}"));
            return Ok(ExitCode::from(2));
        }
        None => daemon::About::Lines(options.line.clone()),
    };
    let explained = daemon::explain(&daemon::Explain {
        about,
        config: options.config.clone(),
        jails: options
            .jail
            .iter()
            .map(|name| JailName::new(name))
            .collect(),
        now,
        lines: options.lines,
    });
    let mut answer = explained.answer;
    if now.is_none() {
        live::add(&mut answer, options);
    }
    if answer.jails.is_empty() {
        for diagnostic in &explained.diagnostics {
            output.complain(&diagnostic.to_string());
        }
        output.complain(&format!(
            "error: there is no jail to explain it by\nhelp: the configuration is {}; name a jail with --jail",
            explained.tree
        ));
        return Ok(ExitCode::from(3));
    }
    match options.client.json {
        true => output.data(&wire::encode(&answer))?,
        false => screen::print(&answer, !options.jail.is_empty(), output)?,
    }
    Ok(ExitCode::SUCCESS)
}
