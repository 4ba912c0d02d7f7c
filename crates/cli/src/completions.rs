//! The hidden `stockade completions SHELL`: what bash, zsh and fish offer behind `stockade`, made from the command
//! line's own table.
//!
//! Scripts are static but for the names of jails, which they ask the running daemon for.

mod bash;
mod fish;
mod zsh;

use crate::args::{self, Arguments, Shell};
use crate::output::Output;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::io;
use std::process::ExitCode;

pub(crate) fn completions(
    options: &args::Completions,
    output: &mut Output,
) -> io::Result<ExitCode> {
    let offers = offers(&Arguments::command());
    let script = match options.shell {
        Shell::Bash => bash::script(&offers),
        Shell::Zsh => zsh::script(&offers),
        Shell::Fish => fish::script(&offers),
    };
    output.data(script.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the names of the jails, one a line: for all three shells.
const JAILS: &str = r#"stockade status --json 2>/dev/null | tr '{' '\n' | sed -n 's/^"name":"\([^"]*\)","state":.*/\1/p'"#;

/// One command and what may stand behind it.
struct Offer {
    name: String,
    about: String,
    options: Vec<Opt>,
    /// What its words are; the last one may repeat.
    words: Vec<Kind>,
}

struct Opt {
    short: Option<char>,
    long: String,
    about: String,
    /// What its value is, if it takes one.
    value: Option<Kind>,
}

impl Opt {
    /// `-c` and `--config`.
    fn names(&self) -> Vec<String> {
        let short = self.short.map(|short| format!("-{short}"));
        short
            .into_iter()
            .chain([format!("--{}", self.long)])
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Jail,
    File,
    Directory,
    /// Nothing that could be offered.
    Other,
}

fn offers(root: &Command) -> Vec<Offer> {
    let shown = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    shown.map(offer).collect()
}

fn offer(command: &Command) -> Offer {
    let shown: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .collect();
    let options = shown.iter().filter_map(|arg| {
        Some(Opt {
            short: arg.get_short(),
            long: arg.get_long()?.to_owned(),
            about: arg.get_help().map(first_part).unwrap_or_default(),
            value: takes_value(arg).then(|| kind(arg)),
        })
    });
    Offer {
        name: command.get_name().to_owned(),
        about: command.get_about().map(first_part).unwrap_or_default(),
        options: options.collect(),
        words: shown
            .iter()
            .filter(|arg| arg.is_positional())
            .map(|arg| kind(arg))
            .collect(),
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// Shells show one line.
fn first_part(text: &clap::builder::StyledStr) -> String {
    let text = text.to_string();
    let line = text.lines().next().unwrap_or_default();
    let part = line.split([';', '[']).next().unwrap_or_default();
    part.trim().replace('\'', "’")
}

fn kind(arg: &Arg) -> Kind {
    let named = arg.get_value_names().unwrap_or_default().first();
    let name = named.map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string);
    match name.as_str() {
        "JAIL" => Kind::Jail,
        "FILE" | "PATH" | "TARGET" => Kind::File,
        "DIR" => Kind::Directory,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command as Process, Stdio};

    #[test]
    fn values_are_what_their_names_say() {
        let offers = offers(&Arguments::command());
        let ban = offers.iter().find(|offer| offer.name == "ban").unwrap();
        assert!(ban.words == [Kind::Jail, Kind::Other]);
        let names: Vec<String> = ban.options.iter().flat_map(Opt::names).collect();
        assert!(names.contains(&"--socket".to_owned()), "{names:?}");
        let run = offers.iter().find(|offer| offer.name == "run").unwrap();
        let config = run.options.iter().find(|opt| opt.long == "config").unwrap();
        assert!(config.value == Some(Kind::Directory) && config.short == Some('c'));
        assert!(run.options.iter().all(|opt| opt.long != "journal"));
        assert!(offers.iter().all(|offer| offer.name != "manual"));
    }

    /// Every script must at least be one; shells that are not installed are said.
    #[test]
    fn shells_can_read_their_scripts() {
        let offers = offers(&Arguments::command());
        for (shell, script) in [
            ("bash", bash::script(&offers)),
            ("zsh", zsh::script(&offers)),
            ("fish", fish::script(&offers)),
        ] {
            let started = Process::new(shell)
                .args(["-n"])
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            let Ok(mut child) = started else {
                println!("SKIPPED completions for {shell}: it is not installed");
                continue;
            };
            child
                .stdin
                .take()
                .unwrap()
                .write_all(script.as_bytes())
                .unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{shell}: {said}\n{script}");
        }
    }
}
