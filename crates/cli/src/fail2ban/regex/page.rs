//! What is printed, byte for byte as it is, unless a person looks at it.
//!
//! Logs are what attackers write. On a terminal their control characters are shown instead of obeyed; into a pipe or a
//! file everything goes as it stands, so that scripts get what they always got.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

/// The standard output, or whatever else takes lines.
pub(super) struct Page<W = BufWriter<Stdout>> {
    out: W,
    is_terminal: bool,
}

impl Page {
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        Self {
            is_terminal: stdout.is_terminal(),
            out: BufWriter::with_capacity(64 * 1024, stdout),
        }
    }
}

impl<W: Write> Page<W> {
    #[cfg(test)]
    pub(super) fn on(out: W) -> Self {
        let is_terminal = false;
        Self { out, is_terminal }
    }

    #[cfg(test)]
    pub(super) fn into_inner(self) -> W {
        self.out
    }

    /// One line, or several if the text holds line ends.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        if self.is_terminal {
            return self.out.write_all(escaped(text).as_bytes());
        }
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The text with its control characters shown; tabs and line ends are part of the layout.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    for line in text.split('\n') {
        for (at, part) in line.split('\t').enumerate() {
            if at > 0 {
                safe.push('\t');
            }
            daemon::escape_into(&mut safe, part);
        }
        safe.push('\n');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn terminals_get_no_control_characters() {
        let attack = "a\u{1b}[2J\tb\nc\r\u{7f}\u{9b}\u{202e}";
        assert_eq!(escaped(attack), "a\\x1b[2J\tb\nc\\x0d\\x7f\\x9b\\u202e\n");
    }
}
