//! Signals as something to wait for, instead of something that interrupts.

#![expect(
    unsafe_code,
    reason = "signal masks and signalfd have no safe interface"
)]

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::FromRawFd;
use std::time::Duration;

/// The signals that mean something to a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// TERM: end.
    Terminate,
    /// INT: end.
    Interrupt,
    /// USR1: open the log anew.
    User1,
    /// HUP: read the configuration again.
    Hangup,
}

const WAITED_FOR: [(i32, Signal); 4] = [
    (libc::SIGTERM, Signal::Terminate),
    (libc::SIGINT, Signal::Interrupt),
    (libc::SIGUSR1, Signal::User1),
    (libc::SIGHUP, Signal::Hangup),
];

/// The signals, blocked and readable.
pub struct Signals {
    descriptor: File,
}

impl Signals {
    /// Blocks the signals in this thread and all that it makes from now on: call it before any other thread is
    /// made, else a signal may still end the process.
    pub fn block() -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset initialises the set that its pointer names; sigaddset and pthread_sigmask then read
        // and write that initialised set only, and a null pointer for the old mask is allowed.
        let failed = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for (number, _) in WAITED_FOR {
                libc::sigaddset(set.as_mut_ptr(), number);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut())
        };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        // SAFETY: the set is initialised above; -1 asks for a new descriptor.
        let descriptor =
            unsafe { libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else knows it.
        let descriptor = unsafe { File::from_raw_fd(descriptor) };
        Ok(Self { descriptor })
    }

    /// Waits for the next signal, at most so long.
    pub fn wait(&self, patience: Duration) -> Option<Signal> {
        let mut waiting = [PollFd::new(&self.descriptor, PollFlags::IN)];
        let limit = Timespec::try_from(patience).ok();
        // Whatever interrupts the wait, the read below tells what there is.
        poll(&mut waiting, limit.as_ref()).ok();
        // One signalfd_siginfo is 128 bytes; its first four are the number.
        let mut info = [0_u8; 128];
        let read = (&self.descriptor).read(&mut info).ok()?;
        let number = i32::from_ne_bytes(
            info.get(..4)
                .filter(|_| read == info.len())?
                .try_into()
                .ok()?,
        );
        WAITED_FOR
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, signal)| *signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_signal_is_read_and_an_absent_one_is_not_waited_for() {
        // In a thread of its own: the mask is per thread, and a signal sent to the thread reaches no other.
        let seen = std::thread::spawn(|| {
            let signals = Signals::block().unwrap();
            let before = signals.wait(Duration::ZERO);
            // SAFETY: pthread_kill to the own, living thread with a valid, blocked signal.
            let sent = unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1) };
            assert_eq!(sent, 0);
            (before, signals.wait(Duration::from_secs(5)))
        })
        .join()
        .unwrap();
        assert_eq!(seen, (None, Some(Signal::User1)));
    }
}
