//! Sockets that the service manager has bound and hands over (`sd_listen_fds`): the daemon serves them from its first
//! moment on, and they stay when it goes.

use std::env;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::process;

/// The first descriptor that is handed over.
const FIRST: RawFd = 3;

/// The listening socket of this name, or the first one; none if nothing was handed to this process. It can be had once: to
/// be called before any thread is made.
#[expect(unsafe_code, reason = "a descriptor that is known by its number alone")]
pub fn activated_socket(name: &str) -> Option<UnixListener> {
    let number = |key: &str| env::var(key).ok()?.trim().parse::<u32>().ok();
    if number("LISTEN_PID")? != process::id() {
        return None;
    }
    let count = number("LISTEN_FDS")?;
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let at = place(&names, name, count)?;
    let descriptor = FIRST + RawFd::try_from(at).ok()?;
    // SAFETY: the service manager hands this descriptor to this very process (`LISTEN_PID`) and nobody else in it takes
    // it: the caller calls once, before any thread is made.
    let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
    rustix::io::fcntl_setfd(&owned, rustix::io::FdFlags::CLOEXEC).ok()?;
    Some(UnixListener::from(owned))
}

fn place(names: &str, name: &str, count: u32) -> Option<u32> {
    let named = names.split(':').position(|one| one == name);
    let at = named.and_then(|at| u32::try_from(at).ok()).unwrap_or(0);
    (at < count).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_one_or_the_first() {
        let check = |names: &str, count: u32, expected: Option<u32>| {
            assert_eq!(place(names, "fail2ban", count), expected, "{names} {count}");
        };
        check("", 1, Some(0));
        check("", 0, None);
        check("fail2ban", 1, Some(0));
        check("other:fail2ban", 2, Some(1));
        check("other:third", 2, Some(0));
        // A name without its socket.
        check("other:fail2ban", 1, None);
    }
}
