//! inotify on directories: what was written, came or went in them.
//!
//! Only directories are watched, never files: one watch serves every file in it, and what happens to a name (rename,
//! re-creation, a switched symlink) is seen only there.

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Events taken by one [`Inotify::read`] before others get their turn.
const BATCH: usize = 4096;

/// An inotify instance.
#[derive(Debug)]
pub struct Inotify {
    fd: OwnedFd,
}

/// A watched directory. Two paths of one directory give the same watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watch(i32);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A file of this name was written to or truncated.
    Written(Watch, &'a OsStr),
    /// A name came into the directory or went from it.
    Names(Watch),
    /// The directory itself was moved or deleted: what its path leads to now is another matter.
    Moved(Watch),
    /// The watch is gone, with its directory or at our own wish.
    Ended(Watch),
    /// Changes were lost: anything may have happened.
    Overflow,
}

impl Inotify {
    /// A new instance. Fails if the user has too many of them.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            fd: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
        })
    }

    /// Watches a directory; again if it is watched already, with the same result. Fails if it is not there, is none,
    /// may not be read, or the user's watches are used up.
    pub fn watch(&self, dir: &Path) -> io::Result<Watch> {
        let flags = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        Ok(Watch(inotify::add_watch(&self.fd, dir, flags)?))
    }

    /// Ends a watch. One that is gone already is no error.
    pub fn unwatch(&self, watch: Watch) -> io::Result<()> {
        match inotify::remove_watch(&self.fd, watch.0) {
            Err(Errno::INVAL) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Hands over the changes that wait, a few thousand at most. Never blocks.
    pub fn read(&self, mut each: impl FnMut(Change<'_>)) -> io::Result<()> {
        let mut buffer = [const { MaybeUninit::uninit() }; 16 * 1024];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        let mut taken = 0;
        // What was read into the buffer must be handed over: only an empty one may end the batch.
        while taken < BATCH || !reader.is_buffer_empty() {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::WOULDBLOCK) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            taken += 1;
            let watch = Watch(event.wd());
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                each(Change::Overflow);
            } else if flags.contains(ReadFlags::IGNORED) {
                each(Change::Ended(watch));
            } else if flags
                .intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT)
            {
                each(Change::Moved(watch));
            } else if flags.contains(ReadFlags::MODIFY) {
                let name = event.file_name().map_or(&[][..], |name| name.to_bytes());
                each(Change::Written(watch, OsStr::from_bytes(name)));
            } else {
                each(Change::Names(watch));
            }
        }
        Ok(())
    }
}

impl AsFd for Inotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
