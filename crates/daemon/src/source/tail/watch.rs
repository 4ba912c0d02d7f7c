//! Which directories are watched, and which change concerns which file.

use os::{Change, Inotify, Watch};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// Symlinks followed from one path before it counts as a loop.
const LINKS: usize = 16;

/// The watched directories.
pub(super) struct Watches {
    /// None where the system has none to give; then everything is left to the regular look.
    inotify: Option<Inotify>,
    dirs: BTreeMap<PathBuf, Watch>,
    /// For each name in a watched directory that is a followed file: the paths under which it is followed.
    names: HashMap<(Watch, OsString), Vec<PathBuf>>,
}

/// What the changes since the last look ask for.
#[derive(Default, Debug)]
pub(super) struct Changes {
    /// Paths whose file was written to.
    pub(super) written: BTreeSet<PathBuf>,
    /// Something else was written to: a file that was renamed, perhaps.
    pub(super) others_written: bool,
    /// Names came or went: the paths must be looked at anew.
    pub(super) names: bool,
}

impl Watches {
    pub(super) fn new(inotify: Option<Inotify>) -> Self {
        Self {
            inotify,
            dirs: BTreeMap::new(),
            names: HashMap::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.dirs.is_empty()
    }

    /// What becomes readable when something has changed.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// Watches exactly these directories from now on; true if one of them was not watched before, so that something
    /// may have happened there unseen. A directory that cannot be watched is left to the regular look.
    ///
    /// Watches are asked for anew each time: that is how a directory that was replaced under its name is found.
    pub(super) fn set_dirs(&mut self, wanted: &BTreeSet<PathBuf>) -> bool {
        let Some(inotify) = &self.inotify else {
            return false;
        };
        let mut now = BTreeMap::new();
        let mut fresh = false;
        for dir in wanted {
            if let Ok(watch) = inotify.watch(dir) {
                fresh |= self.dirs.get(dir) != Some(&watch);
                now.insert(dir.clone(), watch);
            }
        }
        let live: BTreeSet<Watch> = now.values().copied().collect();
        let stale: BTreeSet<Watch> = self
            .dirs
            .values()
            .copied()
            .filter(|watch| !live.contains(watch))
            .collect();
        for watch in stale {
            // It can only have ended by itself.
            inotify.unwatch(watch).ok();
        }
        self.dirs = now;
        fresh
    }

    /// Changes of these paths are reported by path from now on.
    pub(super) fn set_paths<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        self.names.clear();
        for path in paths {
            if let Some(last) = steps(path).pop()
                && let (Some(dir), Some(name)) = (last.parent(), last.file_name())
                && let Some(watch) = self.dirs.get(dir)
            {
                self.names
                    .entry((*watch, name.to_owned()))
                    .or_default()
                    .push(path.to_owned());
            }
        }
    }

    /// What has changed since the last call.
    pub(super) fn changes(&mut self) -> io::Result<Changes> {
        let mut changes = Changes::default();
        let Self {
            inotify,
            dirs,
            names,
        } = self;
        let Some(inotify) = inotify else {
            return Ok(changes);
        };
        inotify.read(|change| match change {
            Change::Written(watch, name) => match names.get(&(watch, name.to_owned())) {
                Some(paths) => changes.written.extend(paths.iter().cloned()),
                None => changes.others_written = true,
            },
            Change::Names(_) | Change::Overflow => changes.names = true,
            Change::Moved(watch) | Change::Ended(watch) => {
                dirs.retain(|_, known| *known != watch);
                changes.names = true;
            }
        })?;
        Ok(changes)
    }
}

/// The directories in which a change can make the path lead elsewhere: its own, and for each symlink on the way
/// that of the link's target; where one is missing, the nearest one above it that is there.
pub(super) fn dirs_of(path: &Path, dirs: &mut BTreeSet<PathBuf>) {
    for step in steps(path) {
        if let Some(dir) = step.ancestors().skip(1).find(|dir| dir.is_dir()) {
            dirs.insert(dir.to_owned());
        }
    }
}

/// The path, then what it leads to if it is a symlink, and so on.
fn steps(path: &Path) -> Vec<PathBuf> {
    let mut steps = vec![path.to_owned()];
    while steps.len() <= LINKS {
        let Some(last) = steps.last() else { break };
        let Ok(target) = last.read_link() else { break };
        let dir = last.parent().unwrap_or(Path::new("/"));
        let next = dir.join(target);
        steps.push(next);
    }
    steps
}
