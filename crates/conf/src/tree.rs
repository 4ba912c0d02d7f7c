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

const FAIL2BAN: &str = "/etc/fail2ban";

impl Tree {
    /// Looks for the tree: a directory with `fail2ban.conf` or `jail.conf` stands alone, another one lies over the
    /// embedded tree.
    pub fn find(files: &dyn Files, dir: Option<&Path>, names: Manner) -> Self {
        let usual = ["/etc/stockade", FAIL2BAN].map(PathBuf::from);
        let dir = match (dir, names) {
            (Some(dir), _) => Some(dir.to_path_buf()),
            (None, Manner::Fail2ban) => Some(FAIL2BAN.into()),
            (None, Manner::Stockade) => usual.into_iter().find(|dir| is_there(files, dir)),
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

/// True also for what cannot be listed: that is to be said, not to be passed over.
fn is_there(files: &dyn Files, dir: &Path) -> bool {
    match files.list(dir) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
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

impl Source<'_> {
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
