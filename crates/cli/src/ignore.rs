//! `stockade ignore`: whom jails never count, while the daemon runs.

use crate::args;
use crate::client::with_answer;
use crate::output::Output;
use crate::table::{Align, Table};
use std::io;
use std::process::ExitCode;
use wire::{IgnoreAnswer, Request};

pub(crate) fn ignore(options: &args::Ignore, output: &mut Output) -> io::Result<ExitCode> {
    match options {
        args::Ignore::Add(options) => change(
            options,
            Request::Ignore {
                jail: Some(options.jail.clone()),
                add: options.entries.clone(),
                del: Vec::new(),
            },
            output,
        ),
        args::Ignore::Del(options) => change(
            options,
            Request::Ignore {
                jail: Some(options.jail.clone()),
                add: Vec::new(),
                del: options.entries.clone(),
            },
            output,
        ),
        args::Ignore::List(options) => {
            let request = Request::Ignore {
                jail: options.jail.clone(),
                add: Vec::new(),
                del: Vec::new(),
            };
            with_answer(&options.client, &request, output, list)
        }
    }
}

fn change(
    options: &args::IgnoreEntries,
    request: Request,
    output: &mut Output,
) -> io::Result<ExitCode> {
    let jail = &options.jail;
    with_answer(
        &options.client,
        &request,
        output,
        |answer: &IgnoreAnswer, output| {
            let told = [
                (&answer.added, "ignored from now on"),
                (&answer.present, "was ignored already"),
                (&answer.removed, "counted again from now on"),
                (&answer.absent, "is no entry of ignoreip"),
            ];
            for (entries, what) in told {
                for entry in entries {
                    output.say(&format!("{entry}: {what} in {jail}"))?;
                }
            }
            for refusal in &answer.refused {
                output.complain(&format!("error: {}: {}", refusal.ip, refusal.reason));
            }
            if !answer.added.is_empty() || !answer.removed.is_empty() {
                let now = answer.jails.first().map(|jail| jail.ignoreip.join(" "));
                output.say("")?;
                output.say(
                    "it lasts until the next reload or restart; to keep it, write in jail.local:",
                )?;
                output.say(&format!("[{jail}]"))?;
                output.say(format!("ignoreip = {}", now.unwrap_or_default()).trim_end())?;
            }
            let wrong = !answer.refused.is_empty() || !answer.absent.is_empty();
            Ok(ExitCode::from(u8::from(wrong)))
        },
    )
}

fn list(answer: &IgnoreAnswer, output: &mut Output) -> io::Result<ExitCode> {
    let mut table = Table::new(&[
        ("JAIL", Align::Left),
        ("OWN", Align::Left),
        ("COMMAND", Align::Left),
        ("IGNOREIP", Align::Left),
    ]);
    let word = |yes| if yes { "yes" } else { "no" }.to_owned();
    for jail in &answer.jails {
        table.row(vec![
            jail.jail.clone(),
            word(jail.ignoreself),
            word(jail.ignorecommand),
            jail.ignoreip.join(" "),
        ]);
    }
    table.lines().iter().try_for_each(|line| output.say(line))?;
    Ok(ExitCode::SUCCESS)
}
