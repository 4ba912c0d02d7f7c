//! A network namespace for one test.

use std::process::{Command, Output};

/// Runs `test` in a thread with a network namespace of its own, loopback up. Without the right to make one the test
/// is skipped, and says so.
pub(crate) fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        if !unshare() {
            eprintln!("SKIPPED: needs CAP_NET_ADMIN and CAP_SYS_ADMIN");
            return;
        }
        run("ip link set lo up");
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[expect(
    unsafe_code,
    reason = "unshare changes the calling thread under the feet of its code"
)]
fn unshare() -> bool {
    // SAFETY: the thread is fresh, holds no descriptors of the old namespace, and shares none of its file table.
    let result = unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNET) };
    result.is_ok()
}

/// Runs a shell command in the namespace of this thread.
pub(crate) fn output(command: &str) -> Output {
    Command::new("sh").args(["-c", command]).output().unwrap()
}

/// Runs a shell command that must succeed and returns what it printed.
pub(crate) fn run(command: &str) -> String {
    let output = output(command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// True if the `nft` program is there; if not, says what is not checked.
pub(crate) fn has_nft() -> bool {
    let found = output("nft --version").status.success();
    if !found {
        eprintln!("SKIPPED in part: nft is not installed");
    }
    found
}
