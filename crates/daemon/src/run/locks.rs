//! Never two guardians: one daemon a store, and one a firewall table (contract 7).
//!
//! A kernel that lets a process own a table refuses the second one by itself; others do not, and two daemons would
//! undo each other's bans for ever. Tables belong to a network namespace, and so does the lock of one.

use crate::log::Level;
use base::{Diagnostic, Severity};
use os::{Lock, LockError};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const DIRECTORY: &str = "/run/stockade";
const NAMESPACE: &str = "/proc/self/ns/net";

/// Between two looks at a lock that its holder may be letting go of.
const PAUSE: Duration = Duration::from_millis(20);

/// Locks the store at `path`. Without a place for the lock there is none for the store either: it says so itself.
pub(super) fn store(
    path: &Path,
    patience: Duration,
    tell: &dyn Fn(Level, &str),
) -> Result<Option<Lock>, Vec<Diagnostic>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    acquire(
        Path::new(&name),
        0o700,
        &format!("the store {}", path.display()),
        "see: stockade status; end it with: stockade stop",
        patience,
        tell,
    )
}

/// Locks the firewall table of this network namespace.
pub(super) fn table(
    name: &str,
    patience: Duration,
    tell: &dyn Fn(Level, &str),
) -> Result<Option<Lock>, Vec<Diagnostic>> {
    let namespace = fs::metadata(NAMESPACE).map_or(0, |metadata| metadata.ino());
    acquire(
        &table_lock(Path::new(DIRECTORY), name, namespace),
        0o755,
        &format!("the firewall table {name}"),
        "end it with: stockade stop; or give this one a table of its own with --table NAME",
        patience,
        tell,
    )
}

fn table_lock(directory: &Path, name: &str, namespace: u64) -> PathBuf {
    // Whatever the table's name holds, it is one name here.
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    directory.join(format!("table-{safe}-{namespace}.lock"))
}

fn acquire(
    path: &Path,
    mode: u32,
    what: &str,
    help: &str,
    patience: Duration,
    tell: &dyn Fn(Level, &str),
) -> Result<Option<Lock>, Vec<Diagnostic>> {
    if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
        // Of this mode whatever the umask. If it fails, so does the lock, which says why.
        drop(DirBuilder::new().recursive(true).mode(mode).create(parent));
    }
    let until = Instant::now() + patience;
    let taken = loop {
        match Lock::acquire(path) {
            Err(LockError::Held(_)) if Instant::now() < until => thread::sleep(PAUSE),
            taken => break taken,
        }
    };
    match taken {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held(pid)) => {
            let who = pid.map_or_else(
                || "another daemon".to_owned(),
                |pid| format!("another daemon (pid {pid})"),
            );
            let message = format!("{who} holds {what}");
            Err(vec![
                Diagnostic::new(Severity::Error, message).with_help(help),
            ])
        }
        Err(LockError::Io(error)) => {
            let text = format!("{} cannot be locked: {error}", path.display());
            tell(Level::Warning, &text);
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_second_guardian_is_told_who_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/store");
        let quiet = |_: Level, _: &str| {};
        let lock = store(&path, Duration::ZERO, &quiet).unwrap();
        let deep = fs::metadata(dir.path().join("deep")).unwrap();
        assert_eq!(deep.permissions().mode() & 0o777, 0o700);
        let refused = store(&path, Duration::ZERO, &quiet).unwrap_err();
        let expected = format!(
            "another daemon (pid {}) holds the store",
            std::process::id()
        );
        assert!(refused[0].message.starts_with(&expected), "{refused:?}");
        drop(lock);
        assert!(store(&path, Duration::ZERO, &quiet).unwrap().is_some());
    }

    #[test]
    fn each_namespace_has_its_own_and_no_name_leads_elsewhere() {
        let check = |name: &str, namespace: u64, expected: &str| {
            let path = table_lock(Path::new("/d"), name, namespace);
            assert_eq!(path, Path::new(expected));
        };
        check("stockade", 1, "/d/table-stockade-1.lock");
        check("../../etc/x", 2, "/d/table-______etc_x-2.lock");
    }
}
