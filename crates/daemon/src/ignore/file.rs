//! A list of ids in a file, as `ignoreip = file:PATH` names it.
//!
//! Words between blanks, commas and ends of lines; from `#` or `;` at the beginning of a line or behind a blank to the
//! end of the line is a comment. A file that cannot be read keeps what it last held: whoever is ignored must not be
//! banned because an editor is just writing.

use base::FailureId;
use os::open_log_file;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest list in bytes.
const LARGEST: u64 = 16 << 20;
/// From a failure to the next try.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Where a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListFile {
    /// The path as logs show it.
    shown: Arc<str>,
    /// Where to look, in this order: fail2ban takes `file:/a/b` and `file://a/b` as relative to its directory, but
    /// people mean the absolute path.
    places: Vec<PathBuf>,
}

impl ListFile {
    /// The text behind `file:`; nothing if it names no file.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let name = path.trim_start_matches('/');
        if name.is_empty() {
            return None;
        }
        let absolute = format!("/{name}");
        let (shown, places) = match path.len() - name.len() {
            0 => (name, vec![name.into()]),
            1 | 2 => (
                absolute.as_str(),
                vec![name.into(), absolute.clone().into()],
            ),
            _ => (absolute.as_str(), vec![absolute.clone().into()]),
        };
        Some(Self {
            shown: shown.into(),
            places,
        })
    }

    /// The path as logs show it.
    pub(crate) fn shown(&self) -> &Arc<str> {
        &self.shown
    }

    /// The file that is there now.
    fn find(&self) -> io::Result<(&PathBuf, Metadata)> {
        let mut last = io::ErrorKind::NotFound.into();
        for place in &self.places {
            match fs::metadata(place) {
                Ok(found) => return Ok((place, found)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// A list and what it held when it was last read.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) file: ListFile,
    pub(crate) ids: Vec<FailureId>,
    /// It could be read at least once.
    pub(crate) was_read: bool,
    /// What would tell that it changed.
    stamp: Option<Stamp>,
    /// The last failure, until a reading succeeds.
    fault: Option<String>,
    not_before: Option<Instant>,
}

type Stamp = (u64, u64, i64, i64, u64);

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing new.
    Same,
    /// The ids are others, or it is the first time.
    Changed,
    /// It cannot be read, for a reason that is not told yet.
    Failed(String),
}

impl Watched {
    pub(crate) fn new(file: ListFile) -> Self {
        Self {
            file,
            ids: Vec::new(),
            was_read: false,
            stamp: None,
            fault: None,
            not_before: None,
        }
    }

    /// Reads the file, if it looks different from the last time.
    pub(crate) fn look(&mut self, now: Instant) -> Look {
        if self.not_before.is_some_and(|until| now < until) {
            return Look::Same;
        }
        match self.read() {
            Ok(None) => Look::Same,
            Ok(Some((stamp, ids))) => {
                let first = self.stamp.replace(stamp).is_none();
                self.was_read = true;
                self.fault = None;
                self.not_before = None;
                let before = std::mem::replace(&mut self.ids, ids);
                if first || before != self.ids {
                    Look::Changed
                } else {
                    Look::Same
                }
            }
            Err(error) => {
                self.not_before = Some(now + TRY_AGAIN);
                // Once it is there again it is read, also if it is the very same.
                self.stamp = None;
                let text = error.to_string();
                if self.fault.as_ref() == Some(&text) {
                    return Look::Same;
                }
                self.fault = Some(text.clone());
                Look::Failed(text)
            }
        }
    }

    fn read(&self) -> io::Result<Option<(Stamp, Vec<FailureId>)>> {
        let (place, found) = self.file.find()?;
        if self.stamp == Some(stamp(&found)) {
            return Ok(None);
        }
        let file = open_log_file(place)?;
        // Of the very file that is read: it may have changed since.
        let found = file.metadata()?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::other("it is larger than 16 MiB"));
        }
        let text = String::from_utf8_lossy(&bytes);
        Ok(Some((stamp(&found), words(&text).map(id).collect())))
    }
}

fn stamp(found: &Metadata) -> Stamp {
    (
        found.dev(),
        found.ino(),
        found.mtime(),
        found.mtime_nsec(),
        found.size(),
    )
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let mut before = ' ';
        let comment = line.find(|c: char| {
            let begins = matches!(c, '#' | ';') && before.is_whitespace();
            before = c;
            begins
        });
        let line = comment.map_or(line, |at| &line[..at]);
        line.split([' ', '\t', ',']).filter(|word| !word.is_empty())
    })
}

fn id(word: &str) -> FailureId {
    match word.parse() {
        Ok(prefix) => FailureId::Prefix(prefix),
        Err(_) => FailureId::Raw(word.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_between_blanks_and_commas_before_comments() {
        let text = "# all\n192.0.2.1, 10.0.0.0/8\t::1 # mine\n;no\n a#b root;x ; y\r\n\n,,last";
        let found: Vec<&str> = words(text).collect();
        let expected = ["192.0.2.1", "10.0.0.0/8", "::1", "a#b", "root;x", "last"];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_changed_is_read_and_what_cannot_be_read_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        let mut watched = Watched::new(ListFile::parse(&format!("//{}", path.display())).unwrap());
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert!(matches!(watched.look(begin), Look::Failed(_)));
        fs::write(&path, "192.0.2.1").unwrap();
        assert_eq!(watched.look(after(59)), Look::Same, "too early");
        assert_eq!(watched.look(after(60)), Look::Changed);
        assert_eq!(watched.look(after(61)), Look::Same);
        fs::write(&path, "192.0.2.1 192.0.2.2").unwrap();
        assert_eq!(watched.look(after(62)), Look::Changed);
        assert_eq!(watched.ids.len(), 2);
        fs::write(&path, "192.0.2.1 192.0.2.2 # the same").unwrap();
        assert_eq!(watched.look(after(63)), Look::Same);
        fs::remove_file(&path).unwrap();
        assert!(matches!(watched.look(after(64)), Look::Failed(_)));
        assert_eq!(watched.look(after(130)), Look::Same, "told once");
        assert_eq!(watched.ids.len(), 2);
        fs::create_dir(&path).unwrap();
        let Look::Failed(text) = watched.look(after(200)) else {
            panic!("a directory is no list");
        };
        assert_eq!(text, "it is a directory");
        fs::remove_dir(&path).unwrap();
        // A pipe is not waited for.
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let Look::Failed(text) = watched.look(after(300)) else {
            panic!("a pipe is no list");
        };
        assert_eq!(text, "it is not a regular file");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(watched.look(after(400)), Look::Changed);
        assert!(watched.ids.is_empty());
    }

    #[test]
    fn a_relative_list_comes_before_an_absolute_one() {
        let places = |path: &str| ListFile::parse(path).unwrap().places;
        assert_eq!(places("/a/b"), [PathBuf::from("a/b"), "/a/b".into()]);
        assert_eq!(places("//a/b"), [PathBuf::from("a/b"), "/a/b".into()]);
        assert_eq!(places("///a/b"), [PathBuf::from("/a/b")]);
        assert_eq!(places("a/b"), [PathBuf::from("a/b")]);
    }
}
