//! `fail2ban-regex`: tries a filter or a regular expression on a log, in fail2ban's words and layout.
//!
//! The order of the steps is the original's: options, REGEX, IGNOREREGEX, LOG, each told as it is understood, then the
//! lines, then the results. What matches is decided by the same code that guards ([`detect`]); here it is only counted.
//! Nothing is banned, and the time of a line is what it says.

mod args;
mod count;
mod debuggex;
mod lists;
mod log;
mod page;
mod python;
mod report;
mod rules;
mod source;
mod tokens;

use super::FAILED;
use args::{Arguments, Question};
use count::Counter;
use detect::{Asked, Detector, Encoding};
use lists::{List, Lists, Show};
use log::Log;
use page::Page;
use report::Report;
use rules::Rules;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use tokens::Token;

/// Lines of a list that are shown unless all are asked for.
const FEW: u64 = 20;

/// Why it ended early.
enum Stop {
    /// Something is wrong, and what.
    Failed(String),
    /// The output cannot be written.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs it.
pub(crate) fn main(words: Vec<OsString>) -> ExitCode {
    let question = match args::parse(words) {
        Ok(question) => question,
        Err(code) => return code,
    };
    let mut page = Page::new();
    let stopped = run(&question, &mut page);
    let told = match stopped {
        Ok(()) => page.flush().map(|()| 0),
        Err(Stop::Failed(message)) => {
            let told = page.line(&format!("ERROR: {message}"));
            told.and_then(|()| page.flush()).map(|()| FAILED)
        }
        Err(Stop::Output(error)) => Err(error),
    };
    match told {
        Ok(code) => ExitCode::from(code),
        // Nobody listens any more, which is no fault.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            args::complain(&format!("ERROR: the output cannot be written: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn run(question: &Question, page: &mut Page) -> Result<(), Stop> {
    let options = &question.options;
    let token = options.token().map(Token::of);
    let tell = |page: &mut Page, lines: &[String]| -> io::Result<()> {
        let silent = token.is_some();
        let mut lines = lines.iter().filter(|_| !silent);
        lines.try_for_each(|line| page.line(line))
    };
    tell(page, &["\nRunning tests\n=============\n".to_owned()])?;
    check_level(&options.log_level).map_err(Stop::Failed)?;

    let now = daemon::now();
    let zone = daemon::zone();
    let log = Log::of(&question.log).map_err(Stop::Failed)?;
    let rules = Rules::read(question, log.backend(), now);
    tell(page, &rules.head)?;
    let (rules, rule) = rules.result.map_err(Stop::Failed)?;
    let encoding = options.encoding.as_deref().unwrap_or("auto");
    let shown = if encoding == "auto" {
        "UTF-8"
    } else {
        encoding
    };
    let encoding = Encoding::parse(encoding).map_err(|error| Stop::Failed(error.to_string()))?;
    tell(page, &log.head(shown, rules.maxlines, &rules.journalmatch))?;
    tell(page, &[String::new()])?;

    let started = Instant::now();
    let asked = Asked {
        every_failregex: token.is_none() && !options.no_check_all,
        captures: token.as_ref().is_some_and(Token::needs_captures),
    };
    let detector = Detector::timeless(Arc::new(rule));
    let mut counter = Counter::new(detector, &zone, now, asked, lists(options));
    counter.keeps_seen = options.verbosity() > 0;
    counter.maxlines = rules.maxlines as usize;
    if let Some(token) = &token {
        return print_failures(
            &log,
            encoding,
            &rules,
            &mut counter,
            token,
            options.invert,
            page,
        );
    }
    let mut each = |text: &str, time| {
        if is_line(text) {
            counter.count(text, time);
        }
        true
    };
    log.read(encoding, &rules.journalmatch, &mut each)
        .map_err(Stop::Failed)?;
    let report = Report {
        detector: &counter.detector,
        tally: &counter.tally,
        failregex: &rules.failregex,
        ignoreregex: &rules.ignoreregex,
        zone: &zone,
        verbose: options.verbosity() > 0,
        verbose_date: options.verbose_date,
        debuggex: options.debuggex,
        has_dates: rules.datepattern_given || !matches!(log, Log::Journal(_)),
        seconds: started.elapsed().as_secs_f64(),
    };
    report.print(page)?;
    Ok(())
}

/// `-o`: what the token says of each failure, or with `invert` each line without one.
fn print_failures(
    log: &Log,
    encoding: Encoding,
    rules: &Rules,
    counter: &mut Counter<'_>,
    token: &Token,
    invert: bool,
    page: &mut Page,
) -> Result<(), Stop> {
    let mut written = Ok(());
    let now = counter.now;
    let mut each = |text: &str, time| {
        if !is_line(text) {
            return true;
        }
        let failed = counter.failures(text, time, &mut |found| match invert {
            true => Ok(()),
            false => token.print(found, now, &mut |line| page.line(line)),
        });
        written = failed.and_then(|failed| match invert && !failed {
            true => page.line(text),
            false => Ok(()),
        });
        written.is_ok()
    };
    log.read(encoding, &rules.journalmatch, &mut each)
        .map_err(Stop::Failed)?;
    written.map_err(Stop::Output)
}

/// Empty lines and comments of a sample are no lines of a log.
fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('#')
}

fn lists(options: &Arguments) -> Lists {
    let most = match options.maxlines {
        Some(lines) if lines > 0 => lines.unsigned_abs(),
        _ => FEW,
    };
    let show = |nothing, all| match (nothing, all) {
        (true, _) => Show::Nothing,
        (false, true) => Show::All,
        (false, false) => Show::Few(most),
    };
    Lists {
        matched: List::new(show(!options.print_all_matched, true)),
        ignored: List::new(show(options.print_no_ignored, options.print_all_ignored)),
        missed: List::new(show(options.print_no_missed, options.print_all_missed)),
    }
}

/// fail2ban's names of levels, or a number.
fn check_level(level: &str) -> Result<(), String> {
    const LEVELS: [&str; 9] = [
        "heavydebug",
        "tracedebug",
        "debug",
        "info",
        "notice",
        "msg",
        "warning",
        "error",
        "critical",
    ];
    let name = level.to_ascii_lowercase();
    if LEVELS.contains(&name.as_str()) || level.parse::<i64>().is_ok() {
        return Ok(());
    }
    Err(format!(
        "Invalid log level '{level}': use one of {}",
        LEVELS.join(", ")
    ))
}
