//! A lock file: one holder at a time, released by the kernel however the holder ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock was not had.
#[derive(Debug)]
pub enum LockError {
    /// Somebody holds it; its process, if it is written there.
    Held(Option<u32>),
    /// The file cannot be made or opened.
    Io(io::Error),
}

impl Lock {
    /// Takes the lock at once or not at all; makes the file and its directory if needed.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let mut file = open(path).map_err(LockError::Io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => {
                let mut text = String::new();
                // Without a readable number the holder stays unknown.
                let read = file.read_to_string(&mut text);
                return Err(LockError::Held(
                    read.ok().and_then(|_| text.trim().parse().ok()),
                ));
            }
            Err(error) => return Err(LockError::Io(error.into())),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(LockError::Io)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // A link that somebody else put there must not make us write where it leads.
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/lock");
        let lock = Lock::acquire(&path).unwrap();
        match Lock::acquire(&path) {
            Err(LockError::Held(pid)) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(lock);
        Lock::acquire(&path).unwrap();
        assert!(matches!(
            Lock::acquire(&path.join("under a file")),
            Err(LockError::Io(_))
        ));
    }
}
