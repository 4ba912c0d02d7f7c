//! A program that goes on by itself: in a session of its own, so that no terminal and no shell takes it along.

#![expect(
    unsafe_code,
    reason = "what a child does before its program begins has no safe interface"
)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Starts the command in a session of its own. Its standard handles and its directory are the caller's to choose.
///
/// # Errors
/// The program cannot be started.
pub fn spawn_detached(command: &mut Command) -> io::Result<Child> {
    // SAFETY: between fork and exec only what is safe in a signal handler may be called, and no memory may be had: this
    // is one system call.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    command.spawn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    #[test]
    fn it_leads_a_session_of_its_own() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read pid rest </proc/self/stat; echo $rest"]);
        command.stdout(Stdio::piped());
        let child = spawn_detached(&mut command).unwrap();
        let own = child.id().to_string();
        let output = child.wait_with_output().unwrap();
        let fields = String::from_utf8(output.stdout).unwrap();
        // Behind the name in brackets: state, parent, group, session.
        let (_, fields) = fields.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        assert_eq!(fields[2..4], [own.as_str(), own.as_str()]);
    }
}
