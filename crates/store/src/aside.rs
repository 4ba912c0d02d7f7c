//! Moving a file that cannot be used out of the way, never deleting it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The path with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// `PATH.WORD`, or with a number behind it if there is one already: nothing that was kept is written over.
pub(crate) fn free_name(path: &Path, word: &str) -> PathBuf {
    let plain = with_suffix(path, &format!(".{word}"));
    let numbered = (2..1000).map(|n| with_suffix(path, &format!(".{word}.{n}")));
    std::iter::once(plain)
        .chain(numbered)
        .find(|name| !name.exists())
        .unwrap_or_else(|| with_suffix(path, &format!(".{word}.more")))
}

/// Moves the file at `path` and what SQLite laid beside it aside; gives its new path.
pub(crate) fn set_aside(path: &Path, stamp: &str) -> Result<PathBuf, String> {
    let aside = free_name(path, &format!("set-aside-{stamp}"));
    fs::rename(path, &aside)
        .map_err(|error| format!("moving it to {} failed: {error}", aside.display()))?;
    // SQLite would roll a journal that was left behind back into the fresh file.
    for suffix in ["-journal", "-wal", "-shm"] {
        let left = with_suffix(path, suffix);
        match fs::rename(&left, with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(format!("moving {} failed: {error}", left.display()));
            }
            _ => {}
        }
    }
    Ok(aside)
}
