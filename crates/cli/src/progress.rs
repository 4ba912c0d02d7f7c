//! How far a long read has come, for a person who waits: one line on the standard error output that is written over and
//! gone at the end. Programs and short reads see nothing of it.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often it is shown, and how long a read may take without a word.
const EVERY: Duration = Duration::from_millis(500);

/// The line.
pub(crate) struct Progress {
    /// The bytes in all, if that is known.
    total: Option<u64>,
    shows: bool,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Of so many bytes.
    pub(crate) fn new(total: Option<u64>) -> Self {
        Self {
            total,
            // A table on the same terminal would be torn by it.
            shows: io::stderr().is_terminal() && !io::stdout().is_terminal(),
            next: Instant::now() + EVERY,
            is_shown: false,
        }
    }

    /// So many bytes are read.
    pub(crate) fn at(&mut self, read: u64) {
        if !self.shows || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + EVERY;
        self.is_shown = true;
        // Nobody may be looking, which is no reason to stop.
        drop(write!(io::stderr(), "\r{}\x1b[K", text(read, self.total)));
        drop(io::stderr().flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}

fn text(read: u64, total: Option<u64>) -> String {
    let mib = |bytes: u64| bytes / (1 << 20);
    match total.filter(|total| *total > 0) {
        // A log that grows meanwhile is not read beyond what it was.
        Some(total) => {
            let percent = (read.min(total) as f64 / total as f64 * 100.0) as u64;
            format!("{percent} % of {} MiB read", mib(total))
        }
        None => format!("{} MiB read", mib(read)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_how_much_of_what_there_is() {
        let check = |read: u64, total: Option<u64>, expected: &str| {
            assert_eq!(text(read << 20, total.map(|total| total << 20)), expected);
        };
        check(0, Some(200), "0 % of 200 MiB read");
        check(99, Some(200), "49 % of 200 MiB read");
        check(300, Some(200), "100 % of 200 MiB read");
        check(7, None, "7 MiB read");
        check(7, Some(0), "7 MiB read");
    }
}
