//! What a person or a program reads from us.
//!
//! Text from logs may hold terminal sequences: whatever is printed for people is cleared of control characters.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

/// The standard output, buffered; or none, where only the exit code is wanted.
pub(crate) struct Output {
    stdout: Option<BufWriter<Stdout>>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self {
            stdout: Some(BufWriter::new(io::stdout())),
        }
    }

    /// Says nothing to people; complaints still go out.
    pub(crate) fn silent() -> Self {
        Self { stdout: None }
    }

    /// A line for people.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<()> {
        let mut safe = String::with_capacity(line.len());
        daemon::escape_into(&mut safe, line);
        self.data(&safe)
    }

    /// A line for programs, as it is.
    pub(crate) fn data(&mut self, line: &str) -> io::Result<()> {
        self.stdout
            .as_mut()
            .map_or(Ok(()), |stdout| writeln!(stdout, "{line}"))
    }

    /// Text for programs without an end of its line.
    pub(crate) fn piece(&mut self, text: &str) -> io::Result<()> {
        self.stdout
            .as_mut()
            .map_or(Ok(()), |stdout| write!(stdout, "{text}"))
    }

    /// Lines that may hold what others wrote: as they are for programs, without control characters on a terminal.
    pub(crate) fn answer(&mut self, lines: &str) -> io::Result<()> {
        match io::stdout().is_terminal() {
            true => self.say_lines(lines),
            false => self.data(lines),
        }
    }

    /// A message of several lines for people, one of which may be a cited line of the configuration.
    pub(crate) fn say_lines(&mut self, message: &str) -> io::Result<()> {
        message
            .split('\n')
            .try_for_each(|line| self.data(&safe(line)))
    }

    /// A message on the standard error output, after everything that was said before.
    pub(crate) fn complain(&mut self, message: &str) {
        // Without a standard error output there is nowhere left to complain.
        drop(self.flush());
        for line in message.split('\n') {
            drop(writeln!(io::stderr(), "{}", safe(line)));
        }
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// A line without control characters but tabs, with which a cited line of the configuration may begin.
fn safe(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for (at, part) in line.split('\t').enumerate() {
        if at > 0 {
            safe.push('\t');
        }
        daemon::escape_into(&mut safe, part);
    }
    safe
}
