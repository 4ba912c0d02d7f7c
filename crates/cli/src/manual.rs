//! The hidden `stockade manual`: the page stockade(1), made from the command line's own table so that the two never
//! differ.

use crate::args::Arguments;
use crate::output::Output;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::io;
use std::process::ExitCode;

const DESCRIPTION: &str = "\
Stockade reads the logs of this machine, finds who is breaking in, and shuts them out in the kernel's firewall for a \
while. It needs no configuration; fail2ban's is read where there is one.

Everything that it does to the firewall is in one table: nft list table inet stockade.";

const FILES: &[(&str, &str)] = &[
    (
        "/etc/stockade/jail.local",
        "what differs from what is built in; see stockade-jail(5)",
    ),
    (
        "/etc/fail2ban",
        "is guarded as it is while /etc/stockade says nothing",
    ),
    (
        "/var/lib/stockade/stockade.sqlite3",
        "bans and log positions",
    ),
    ("/run/stockade/stockade.sock", "the control socket"),
];

const STATUS: &[(&str, &str)] = &[
    ("0", "done"),
    ("1", "it ran, but something is wrong"),
    ("2", "the command line is wrong"),
    ("3", "it cannot run at all"),
];

pub(crate) fn manual(output: &mut Output) -> io::Result<ExitCode> {
    output.data(page(&Arguments::command()).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn page(root: &Command) -> String {
    let mut page = Page(String::new());
    page.request(
        "TH",
        &["STOCKADE", "1", "", "Stockade", "System administration"],
    );
    page.heading("NAME");
    page.text("stockade \\- bans who breaks in");
    page.heading("SYNOPSIS");
    page.request("B", &["stockade"]);
    page.text("\\fICOMMAND\\fR [\\fIOPTIONS\\fR]");
    page.heading("DESCRIPTION");
    for (n, paragraph) in DESCRIPTION.split("\n\n").enumerate() {
        if n > 0 {
            page.request("PP", &[]);
        }
        page.text(&escaped(paragraph));
    }
    page.heading("COMMANDS");
    for command in root
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        page.command(command);
    }
    page.list("FILES", FILES);
    page.list("EXIT STATUS", STATUS);
    page.heading("SEE ALSO");
    page.text("\\fBstockade\\-jail\\fR(5), \\fBstockade\\-fail2ban\\fR(1), \\fBnft\\fR(8)");
    page.0
}

/// Lines of roff.
struct Page(String);

impl Page {
    fn request(&mut self, name: &str, words: &[&str]) {
        self.0.push_str(&format!(".{name}"));
        for word in words {
            self.0
                .push_str(&format!(" \"{}\"", word.replace('"', "\\(dq")));
        }
        self.0.push('\n');
    }

    /// A line of text that is roff already; one that looks like a request is none.
    fn text(&mut self, line: &str) {
        if line.starts_with(['.', '\'']) {
            self.0.push_str("\\&");
        }
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn heading(&mut self, name: &str) {
        self.request("SH", &[name]);
    }

    fn item(&mut self, tag: &str, text: &str) {
        self.request("TP", &[]);
        self.text(tag);
        self.text(&escaped(text));
    }

    fn list(&mut self, heading: &str, items: &[(&str, &str)]) {
        self.heading(heading);
        for (tag, text) in items {
            self.item(&format!("\\fI{}\\fR", escaped(tag)), text);
        }
    }

    fn command(&mut self, command: &Command) {
        let shown: Vec<&Arg> = command
            .get_arguments()
            .filter(|arg| is_shown(arg))
            .collect();
        let (words, options): (Vec<&Arg>, Vec<&Arg>) =
            shown.into_iter().partition(|arg| arg.is_positional());
        let mut line = format!("stockade {}", escaped(command.get_name()));
        if !options.is_empty() {
            line.push_str(" \\fR[\\fIOPTIONS\\fR]");
        }
        for word in &words {
            let name = format!("\\fI{}\\fR", escaped(&value(word)));
            line.push_str(&match word.is_required_set() {
                true => format!(" {name}"),
                false => format!(" \\fR[{name}]"),
            });
        }
        self.request("SS", &[&line]);
        self.text(&escaped(&sentence(command.get_about())));
        for word in words {
            let tag = format!("\\fI{}\\fR", escaped(&value(word)));
            self.item(&tag, &help(word));
        }
        for option in options {
            self.item(&tag(option), &help(option));
        }
    }
}

fn is_shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version)
}

fn tag(option: &Arg) -> String {
    let short = option
        .get_short()
        .map(|short| format!("\\fB\\-{short}\\fR"));
    let long = option
        .get_long()
        .map(|long| format!("\\fB\\-\\-{}\\fR", escaped(long)));
    let mut tag: String = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    if option.get_action().takes_values() {
        tag.push_str(&format!(" \\fI{}\\fR", escaped(&value(option))));
    }
    tag
}

/// What stands for the value of an argument: `IP|PREFIX…`.
fn value(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let name = match names.is_empty() {
        true => arg.get_id().as_str().to_uppercase(),
        false => names.join(" "),
    };
    let repeats = arg.is_positional() && matches!(arg.get_action(), ArgAction::Append);
    format!("{name}{}", if repeats { "…" } else { "" })
}

fn help(arg: &Arg) -> String {
    let mut text = sentence(arg.get_help());
    let defaults = arg.get_default_values();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        let shown: Vec<_> = defaults
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        text.push_str(&format!(" [default: {}]", shown.join(" ")));
    }
    text
}

fn sentence(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(|text| text.to_string().replace('\n', " "))
        .unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_option_is_on_the_page() {
        let page = page(&Arguments::command());
        for line in [
            ".SS \"stockade ban \\fR[\\fIOPTIONS\\fR] \\fIJAIL\\fR \\fIIP|PREFIX|ID…\\fR\"",
            "\\fB\\-c\\fR, \\fB\\-\\-config\\fR \\fIDIR\\fR",
            "The control socket [default: /run/stockade/stockade.sock]",
            ".SS \"stockade stop \\fR[\\fIOPTIONS\\fR]\"",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
        for hidden in [
            "conform\\-eval",
            "\\-\\-journal",
            "\\-\\-help",
            "stockade manual",
        ] {
            assert!(!page.contains(hidden), "{hidden}");
        }
    }

    #[test]
    fn no_text_is_taken_for_a_request() {
        let mut page = Page(String::new());
        page.item(".x", "'y \\ z");
        assert_eq!(page.0, ".TP\n\\&.x\n\\&'y \\e z\n");
    }
}
