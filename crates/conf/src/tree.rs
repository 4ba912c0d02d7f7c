//! Which directories make up the configuration, and the reading of files through them (contract 1, 2).

use crate::embedded::{EmbeddedFiles, ROOT};
use crate::files::Files;
use crate::layers::Cache;
use std::io;
use std::path::{Path, PathBuf};

/// Whose manners the called name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Our own: the embedded tree may lie below.
    Stockade,
    /// fail2ban's: one directory, nothing below.
    Fail2ban,
}

/// Directories in the order in which they are read, the later over the earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    pub(crate) embedded: bool,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) missing: bool,
}

const STOCKADE: &str = "/etc/stockade";
const FAIL2BAN: &str = "/etc/fail2ban";

impl Tree {
    /// Looks for the tree: a directory with `fail2ban.conf` or `jail.conf` stands alone, another one lies over the
    /// embedded tree.
    pub fn find(files: &dyn Files, dir: Option<&Path>, names: Manner) -> Self {
        let dir = match (dir, names) {
            (Some(dir), _) => Some(dir.to_path_buf()),
            (None, Manner::Fail2ban) => Some(FAIL2BAN.into()),
            (None, Manner::Stockade) => usual(files).map(PathBuf::from),
        };
        let listed = dir.as_deref().map(|dir| files.list(dir));
        let missing = matches!(listed, Some(Err(_)));
        let complete = matches!(&listed, Some(Ok(list)) if list.iter().any(|n| n == "fail2ban.conf" || n == "jail.conf"));
        Self {
            embedded: names == Manner::Stockade && !complete && !missing,
            dir,
            missing,
        }
    }

    /// The tree for people: its directory, and whether the embedded one lies below.
    pub fn describe(&self) -> String {
        match (&self.dir, self.embedded) {
            (Some(dir), true) => format!("{} over the built-in configuration", dir.display()),
            (Some(dir), false) => dir.display().to_string(),
            (None, _) => "the built-in configuration".into(),
        }
    }

    /// True if this is the directory that an installed fail2ban reads.
    pub fn is_fail2bans(&self) -> bool {
        self.dir.as_deref() == Some(Path::new(FAIL2BAN))
    }

    pub(crate) fn roots(&self) -> Vec<PathBuf> {
        let embedded = self.embedded.then(|| PathBuf::from(ROOT));
        embedded.into_iter().chain(self.dir.clone()).collect()
    }
}

/// The directory that counts where none was named. One of ours that says nothing, as a package installs it, does not
/// hide fail2ban's.
fn usual(files: &dyn Files) -> Option<&'static str> {
    let (own, theirs) = (Path::new(STOCKADE), Path::new(FAIL2BAN));
    if says_something(files, own) {
        return Some(STOCKADE);
    }
    if is_there(files.list(theirs)) {
        return Some(FAIL2BAN);
    }
    is_there(files.list(own)).then_some(STOCKADE)
}

/// True also for what cannot be read: that is to be said, not to be passed over.
fn is_there<T>(found: io::Result<T>) -> bool {
    !matches!(found, Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// False for a directory whose files hold nothing but comments.
fn says_something(files: &dyn Files, dir: &Path) -> bool {
    let names = match files.list(dir) {
        Ok(names) => names,
        unreadable => return is_there(unreadable),
    };
    names.iter().any(|name| {
        let path = dir.join(name);
        match (files.list(&path), files.read(&path)) {
            (Ok(inside), _) => !inside.is_empty(),
            (Err(_), Ok(text)) => has_options(&text),
            (Err(_), unreadable) => is_there(unreadable),
        }
    })
}

fn has_options(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n')
        .any(|line| !matches!(line.trim_ascii().first(), None | Some(b'#' | b';')))
}

/// The caller's files, and the embedded ones under their own root.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) tree: &'a Tree,
    pub(crate) cache: &'a Cache,
    /// What makes fail2ban give up must not be passed over: a file that is not UTF-8, an option of a filter that
    /// nobody asks for.
    pub(crate) strict: bool,
}

impl<'a> Source<'a> {
    /// For our own manner: what fail2ban would give up for is passed over, and said.
    pub(crate) fn new(files: &'a dyn Files, tree: &'a Tree, cache: &'a Cache) -> Self {
        Self {
            files,
            tree,
            cache,
            strict: false,
        }
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path.starts_with(ROOT) {
            EmbeddedFiles.read(path)
        } else {
            self.files.read(path)
        }
    }

    /// Files of a directory with an extension, sorted.
    pub(crate) fn list(&self, dir: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
        let names = if dir.starts_with(ROOT) {
            EmbeddedFiles.list(dir)
        } else {
            self.files.list(dir)
        };
        let paths = names?.into_iter().map(|name| dir.join(name));
        Ok(paths
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .collect())
    }
}
