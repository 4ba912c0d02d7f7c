//! Waiting for file descriptors, and being woken from another thread.

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// Wakes a thread that waits in [`wait_readable`] with this waker among its descriptors. Clones wake the same one.
#[derive(Clone, Debug)]
pub struct Waker {
    fd: Arc<OwnedFd>,
}

impl Waker {
    /// A new waker, not yet woken.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            fd: Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?),
        })
    }

    /// Ends the present wait of the other thread, or its next one if it does not wait.
    pub fn wake(&self) {
        // The only way to fail is a counter at its limit: then the other one is woken for sure.
        rustix::io::write(&self.fd, &1_u64.to_ne_bytes()).ok();
    }

    /// Takes the wake-ups so far as heard.
    pub fn clear(&self) {
        // Failing means that there were none.
        rustix::io::read(&self.fd, &mut [0_u8; 8]).ok();
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Waits until one of the descriptors can be read or `timeout` is over; true in the first case. May return early
/// with false.
pub fn wait_readable(fds: &[BorrowedFd<'_>], timeout: Duration) -> io::Result<bool> {
    let mut polled: Vec<PollFd<'_>> = fds
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    // A time-out beyond the kernel's range is as good as the longest one.
    let timeout = Timespec::try_from(timeout).ok();
    match poll(&mut polled, timeout.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
