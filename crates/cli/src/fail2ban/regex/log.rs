//! What LOG stands for, and its lines: a file, the journal, or text.
//!
//! A file is streamed and never held. Its last line counts only once it is ended, as for a jail that follows it.

use super::python::short;
use base::Timestamp;
use daemon::JournalSource;
use detect::{Encoding, Splitter};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where lines come from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Log {
    File(PathBuf),
    Journal(JournalSource),
    Text(Vec<String>),
}

/// Lines of text that are shown at the head.
const SHOWN: usize = 5;

impl Log {
    /// Reads LOG.
    ///
    /// # Errors
    /// Options of the journal that cannot be read or are not known.
    pub(super) fn of(word: &OsString) -> Result<Self, String> {
        if Path::new(word).is_file() {
            return Ok(Self::File(PathBuf::from(word)));
        }
        let text = word.to_string_lossy();
        if let Ok((name, options)) = conf::parse_call(&text)
            && name == "systemd-journal"
        {
            let place = JournalSource::of_options(&options, None);
            let told = |error: daemon::PlaceError| format!("{}; {}", error.message, error.help);
            return place.map(Self::Journal).map_err(told);
        }
        Ok(Self::Text(text.split('\n').map(str::to_owned).collect()))
    }

    /// How a filter has to be read for it.
    pub(super) fn backend(&self) -> &'static str {
        match self {
            Self::Journal(_) => "systemd",
            Self::File(_) | Self::Text(_) => "polling",
        }
    }

    /// The lines that tell of it.
    pub(super) fn head(&self, encoding: &str, maxlines: u32, matches: &[String]) -> Vec<String> {
        let encoding = format!("Use         encoding : {encoding}");
        match self {
            Self::File(path) => vec![
                format!("Use         log file : {}", path.display()),
                encoding,
            ],
            Self::Journal(_) => {
                let told = format!("Use    journal match : {}", matches.join(" + "));
                let told = (!matches.is_empty()).then_some(told);
                [
                    Some("Use         systemd journal".to_owned()),
                    Some(encoding),
                    told,
                ]
                .into_iter()
                .flatten()
                .collect()
            }
            Self::Text(lines) if lines.len() == 1 && maxlines <= 1 => {
                vec![format!("Use      single line : {}", short(&lines[0]))]
            }
            Self::Text(lines) => {
                let mut head = vec![format!("Use      multi line : {} line(s)", lines.len())];
                let shown = lines.iter().take(SHOWN).enumerate();
                head.extend(shown.map(|(at, line)| format!("|  {}: {}", at + 1, short(line))));
                head.extend((lines.len() > SHOWN).then(|| "| ...".to_owned()));
                head.push("`-".to_owned());
                head
            }
        }
    }

    /// Gives each line, with its time where the journal tells it, until `each` says that it has enough.
    ///
    /// # Errors
    /// What cannot be read, as a sentence.
    pub(super) fn read(
        &self,
        encoding: Encoding,
        matches: &[String],
        each: &mut dyn FnMut(&str, Option<Timestamp>) -> bool,
    ) -> Result<(), String> {
        match self {
            Self::File(path) => read_file(path, encoding, each)
                .map_err(|error| format!("{} cannot be read: {error}", path.display())),
            Self::Journal(place) => {
                let mut entry = |text: &str, time: Timestamp| each(text, Some(time));
                daemon::read_journal(place, matches, &mut entry)
                    .map_err(|error| format!("the journal cannot be read: {error}"))
            }
            Self::Text(lines) => {
                let mut lines = lines.iter().map(|line| line.trim_end_matches('\r'));
                lines.all(|line| each(line, None));
                Ok(())
            }
        }
    }
}

fn read_file(
    path: &Path,
    encoding: Encoding,
    each: &mut dyn FnMut(&str, Option<Timestamp>) -> bool,
) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut splitter = Splitter::new(encoding, 0);
    let mut buffer = vec![0; 256 * 1024];
    let mut goes_on = true;
    while goes_on {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        splitter.push(&buffer[..read], |line, _| {
            goes_on = goes_on && each(line, None);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
