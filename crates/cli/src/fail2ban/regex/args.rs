//! The command line of `fail2ban-regex`: fail2ban's options, read as Python's option parser reads them.
//!
//! Long options may be shortened, the last of two values counts, and a mistake ends with exit code 2. What is missing or
//! contradicts itself is told after the help, with exit code 255.

use super::super::FAILED;
use clap::{ArgAction, CommandFactory, Parser};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// The version of fail2ban whose manners these are.
const VERSION: &str = "1.1.1";

/// Tries a filter or a regular expression on a log.
#[derive(Debug, Parser)]
#[command(
    name = "fail2ban-regex",
    version = VERSION,
    disable_version_flag = true,
    infer_long_args = true,
    args_override_self = true,
    override_usage = "fail2ban-regex [OPTIONS] <LOG> <REGEX> [IGNOREREGEX]",
    after_help = "\
LOG          a log file; systemd-journal, perhaps with [journalpath=DIR]; or the text of one or more lines
REGEX        a jail, a filter, each perhaps with options (sshd[mode=aggressive]); a filter's file; or a failregex
IGNOREREGEX  an ignoreregex in place of those of the filter"
)]
pub(super) struct Arguments {
    /// Configuration directory
    #[arg(
        short,
        long,
        default_value = "/etc/fail2ban",
        value_name = "DIR",
        allow_hyphen_values = true
    )]
    pub(super) config: PathBuf,
    /// Date pattern in place of the filter's
    #[arg(short, long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(super) datepattern: Option<String>,
    /// Zone of dates that name none
    #[arg(long, alias = "TZ", value_name = "ZONE", allow_hyphen_values = true)]
    pub(super) timezone: Option<String>,
    /// Encoding of the log
    #[arg(short, long, value_name = "ENCODING", allow_hyphen_values = true)]
    pub(super) encoding: Option<String>,
    /// Take host names as they are and resolve none
    #[arg(short, long)]
    pub(super) raw: bool,
    /// What host names are good for: yes, warn, no or raw
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(super) usedns: Option<String>,
    /// Lines that an expression can span, in place of the filter's
    #[arg(short = 'L', long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub(super) maxlines: Option<i64>,
    /// Which entries of the journal are read, in place of the filter's
    #[arg(short = 'm', long, value_name = "MATCH", allow_hyphen_values = true)]
    pub(super) journalmatch: Option<String>,
    /// Level of fail2ban's own log; checked, and nothing else: there is none here
    #[arg(
        short,
        long,
        value_name = "LEVEL",
        default_value = "critical",
        allow_hyphen_values = true
    )]
    pub(super) log_level: String,
    /// The version alone
    #[arg(short = 'V')]
    short_version: bool,
    /// Print name and version
    #[arg(long, action = ArgAction::SetTrue)]
    version: bool,
    /// Show also what did not match, and whom each match is about; up to four times
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// The same as a number from 0 to 4
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    verbosity: Option<i64>,
    /// Show the pattern, expression and weight of each date format
    #[arg(long, alias = "VD")]
    pub(super) verbose_date: bool,
    /// Show the address of a page that draws each expression, for each line
    #[arg(short = 'D', long)]
    pub(super) debuggex: bool,
    /// Stop at the first expression that matches a line, as a jail does
    #[arg(long)]
    pub(super) no_check_all: bool,
    /// Print nothing but this of each failure: id, ip, msg, row, the name of a capture, or a text with <tags>
    #[arg(short, long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(super) out: Option<String>,
    /// With -o: the lines without a failure instead
    #[arg(short, long)]
    pub(super) invert: bool,
    /// Do not show missed lines
    #[arg(long)]
    pub(super) print_no_missed: bool,
    /// Do not show ignored lines
    #[arg(long)]
    pub(super) print_no_ignored: bool,
    /// Show the lines that matched
    #[arg(long)]
    pub(super) print_all_matched: bool,
    /// Show all missed lines, however many
    #[arg(long)]
    pub(super) print_all_missed: bool,
    /// Show all ignored lines, however many
    #[arg(long)]
    pub(super) print_all_ignored: bool,
    /// Taken for the sake of scripts: there are no tracebacks here
    #[arg(short = 't', long)]
    log_traceback: bool,
    /// Taken for the sake of scripts: there are no tracebacks here
    #[arg(long)]
    full_traceback: bool,
    /// LOG, REGEX and perhaps IGNOREREGEX
    #[arg(value_name = "WORD", hide = true)]
    words: Vec<OsString>,
}

/// What is to be tried on what.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) log: OsString,
    pub(super) regex: String,
    pub(super) ignoreregex: Option<String>,
    pub(super) options: Arguments,
}

impl Arguments {
    /// How much is shown, from 0 on.
    pub(super) fn verbosity(&self) -> i64 {
        self.verbosity.unwrap_or(i64::from(self.verbose))
    }

    /// The token of `-o`; an empty one is none.
    pub(super) fn token(&self) -> Option<&str> {
        self.out.as_deref().filter(|token| !token.is_empty())
    }
}

/// Reads the command line. Whatever ends here has been said.
pub(super) fn parse(words: Vec<OsString>) -> Result<Question, ExitCode> {
    let mut options = Arguments::try_parse_from(words).map_err(|error| {
        // Nobody listens on a closed pipe.
        drop(error.print());
        ExitCode::from(if error.exit_code() == 0 { 0 } else { 2 })
    })?;
    if options.short_version {
        say(VERSION);
        return Err(ExitCode::SUCCESS);
    }
    if options.version {
        say(&format!("fail2ban-regex {VERSION}"));
        return Err(ExitCode::SUCCESS);
    }
    if let Some(fault) = fault(&options) {
        say(&Arguments::command().render_help().to_string());
        complain(&format!("\nERROR: {fault}"));
        return Err(ExitCode::from(FAILED));
    }
    let mut words = std::mem::take(&mut options.words).into_iter();
    let text = |word: OsString| word.to_string_lossy().into_owned();
    Ok(Question {
        log: words.next().unwrap_or_default(),
        regex: words.next().map(text).unwrap_or_default(),
        ignoreregex: words.next().map(text),
        options,
    })
}

/// Nobody listens on a closed pipe.
fn say(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// A message on the standard error output, if there is one.
pub(super) fn complain(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

fn fault(options: &Arguments) -> Option<&'static str> {
    if options.print_no_missed && options.print_all_missed {
        return Some("--print-no-missed and --print-all-missed are mutually exclusive.");
    }
    if options.print_no_ignored && options.print_all_ignored {
        return Some("--print-no-ignored and --print-all-ignored are mutually exclusive.");
    }
    let complete = matches!(options.words.len(), 2 | 3);
    (!complete).then_some("provide both <LOG> and <REGEX>.")
}

#[cfg(test)]
mod tests;
