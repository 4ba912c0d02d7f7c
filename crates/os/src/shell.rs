//! A script in a shell: started, watched, ended in time, its output kept.
//!
//! The shell is in a session of its own, so that whatever it started ends with it when the time is up and nothing of
//! it waits at a terminal. It inherits the environment and nothing else: no descriptor of ours, no blocked signal, and
//! its input is empty. What it leaves behind in the background after its own end goes on, as daemons that a script
//! starts must.

#![expect(
    unsafe_code,
    reason = "what a child does before its program begins has no safe interface"
)]

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Bytes kept of each output; the rest is read and dropped, so that nobody waits for us to read it.
pub const MAX_OUTPUT: usize = 64 << 10;

/// From TERM to KILL.
const GRACE: Duration = Duration::from_millis(200);

/// How often a running script is asked about while nothing happens: the bound on how late `hurry` is noticed.
const GLANCE: Duration = Duration::from_millis(200);

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptEnd {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// What came of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: ScriptEnd,
    /// It was ended because its time was up, or in a hurry.
    pub timed_out: bool,
    /// The first [`MAX_OUTPUT`] bytes of its standard output.
    pub stdout: Vec<u8>,
    /// The same of its standard error output.
    pub stderr: Vec<u8>,
}

/// Runs `/bin/sh -c SCRIPT VALUES…` and waits for it, `patience` at most; then its group gets TERM and 0.2 seconds later
/// KILL. `hurry` is asked several times a second and ends it likewise.
///
/// # Errors
/// The shell could not be started: no memory or process left, or the texts are longer than the system allows.
pub fn run_script(
    script: &OsStr,
    values: &[&OsStr],
    patience: Duration,
    hurry: &dyn Fn() -> bool,
) -> io::Result<Ran> {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(script)
        .args(values)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // SAFETY: between fork and exec only what is safe in a signal handler may be called, and no memory may be had:
    // `by_itself` makes two system calls and keeps its set on the stack.
    unsafe {
        command.pre_exec(by_itself);
    }
    let mut child = command.spawn()?;
    let watched = watch(&mut child, patience, hurry);
    if watched.is_err() {
        // Nobody watches it any more: it must not go on unwatched, nor stay as a zombie.
        end(&child, Signal::KILL);
        drop(child.wait());
    }
    watched
}

/// In the child: a session of its own, and no signal blocked. The daemon reads its signals from a descriptor and
/// blocks them for that; a child that inherited this would be deaf to TERM.
fn by_itself() -> io::Result<()> {
    rustix::process::setsid()?;
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that its pointer names, sigprocmask only reads it, and a null pointer for
    // the old mask is allowed.
    let failed = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut())
    };
    match failed {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn watch(child: &mut Child, patience: Duration, hurry: &dyn Fn() -> bool) -> io::Result<Ran> {
    let process = pidfd_open(group(child)?, PidfdFlags::empty())?;
    let mut stdout = Output::new(child.stdout.take().map(OwnedFd::from))?;
    let mut stderr = Output::new(child.stderr.take().map(OwnedFd::from))?;
    let begun = Instant::now();
    let mut stage = Stage::Runs;
    loop {
        let left = match stage {
            Stage::Runs => GLANCE.min(patience.saturating_sub(begun.elapsed())),
            Stage::Asked(since) => GRACE.saturating_sub(since.elapsed()),
            Stage::Killed => GLANCE,
        };
        let ended = wait(&process, &stdout, &stderr, left)?;
        stdout.take_in();
        stderr.take_in();
        if ended && stage != Stage::Runs {
            // What ignores TERM must not survive. The group is still ours: its first process is not yet waited for.
            end(child, Signal::KILL);
        }
        if ended && let Some(status) = child.try_wait()? {
            // What it wrote just before its end.
            stdout.take_in();
            stderr.take_in();
            return Ok(Ran {
                end: how(status),
                timed_out: stage != Stage::Runs,
                stdout: stdout.kept,
                stderr: stderr.kept,
            });
        }
        match stage {
            Stage::Runs if begun.elapsed() >= patience || hurry() => {
                end(child, Signal::TERM);
                stage = Stage::Asked(Instant::now());
            }
            Stage::Asked(since) if since.elapsed() >= GRACE => {
                end(child, Signal::KILL);
                stage = Stage::Killed;
            }
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Runs,
    Asked(Instant),
    Killed,
}

fn group(child: &Child) -> io::Result<Pid> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::other("the shell has no process number"))
}

fn end(child: &Child, signal: Signal) {
    if let Ok(group) = group(child) {
        // Who is gone already needs no signal.
        kill_process_group(group, signal).ok();
    }
}

fn how(status: ExitStatus) -> ScriptEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => ScriptEnd::Code(code),
        (None, signal) => ScriptEnd::Signal(signal.unwrap_or_default()),
    }
}

/// Waits until the process ends, an output has something or the time is up. True if the process ended.
fn wait(process: &OwnedFd, stdout: &Output, stderr: &Output, left: Duration) -> io::Result<bool> {
    let outputs = [stdout, stderr].into_iter();
    let open = outputs.filter_map(|output| output.pipe.as_ref());
    let mut all = vec![PollFd::new(process, PollFlags::IN)];
    all.extend(open.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
    let limit = Timespec::try_from(left).ok();
    match poll(&mut all, limit.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(all.first().is_some_and(|first| !first.revents().is_empty()))
}

/// One output: what was kept, and the pipe until it is closed.
struct Output {
    pipe: Option<std::fs::File>,
    kept: Vec<u8>,
}

impl Output {
    fn new(pipe: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            pipe: pipe.map(Into::into),
            kept: Vec::new(),
        })
    }

    /// Reads what is there, without waiting.
    fn take_in(&mut self) {
        let mut piece = [0_u8; 8192];
        // A script that writes faster than it is read must not keep us from looking at the clock.
        for _ in 0..64 {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut piece) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    let room = MAX_OUTPUT.saturating_sub(self.kept.len()).min(read);
                    self.kept.extend_from_slice(&piece[..room]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.pipe = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(50);

    fn run(script: &str, values: &[&str], patience: Duration) -> Ran {
        let values: Vec<&OsStr> = values.iter().map(OsStr::new).collect();
        run_script(OsStr::new(script), &values, patience, &|| false).unwrap()
    }

    fn check(script: &str, end: ScriptEnd, stdout: &str, stderr: &str) {
        let ran = run(script, &[], LONG);
        assert_eq!(
            (ran.end, ran.timed_out, &*ran.stdout, &*ran.stderr),
            (end, false, stdout.as_bytes(), stderr.as_bytes()),
            "{script}"
        );
    }

    #[test]
    fn ends_and_outputs_are_told() {
        check(
            "echo out; echo err >&2; exit 3",
            ScriptEnd::Code(3),
            "out\n",
            "err\n",
        );
        check("kill -9 $$", ScriptEnd::Signal(9), "", "");
        check("read line || echo empty", ScriptEnd::Code(0), "empty\n", "");
        // A process that stays in the background with our pipes open is not waited for.
        check("sleep 3 & exit 0", ScriptEnd::Code(0), "", "");
    }

    #[test]
    fn values_are_parameters_and_never_script() {
        let hostile = "a'b;\"$(echo no)`echo no`\n\\ \u{fffd}";
        let ran = run("printf %s \"$0$1\"", &[hostile, "2"], LONG);
        assert_eq!(ran.stdout, format!("{hostile}2").as_bytes());
    }

    #[test]
    fn a_session_of_its_own_with_nothing_inherited() {
        // In a thread of its own that blocks signals, as the daemon's do.
        let told = std::thread::spawn(|| {
            let _signals = crate::Signals::block().unwrap();
            let own = tempfile::tempfile().unwrap();
            let seen =
                "grep SigBlk /proc/self/status; cut -d' ' -f1,5,6 /proc/$$/stat; ls -l /proc/$$/fd";
            let ran = run(seen, &[], LONG);
            drop(own);
            String::from_utf8(ran.stdout).unwrap()
        });
        let told = told.join().unwrap();
        let mut lines = told.lines();
        assert_eq!(lines.next(), Some("SigBlk:\t0000000000000000"));
        let mut numbers = lines.next().unwrap().split(' ');
        let (shell, group, session) = (numbers.next(), numbers.next(), numbers.next());
        assert_eq!((shell, shell), (group, session));
        assert!(
            !told.contains("/tmp") && !told.contains("signalfd"),
            "{told}"
        );
    }

    #[test]
    fn a_flood_is_cut_and_does_not_stop_the_script() {
        let ran = run("head -c 1000000 /dev/zero; echo end >&2", &[], LONG);
        assert_eq!(
            (ran.stdout.len(), &*ran.stderr),
            (MAX_OUTPUT, &b"end\n"[..])
        );
    }

    #[test]
    fn when_the_time_is_up_the_whole_group_ends() {
        let now = Duration::ZERO;
        let ran = run("sleep 1000 & wait", &[], now);
        assert_eq!((ran.end, ran.timed_out), (ScriptEnd::Signal(15), true));
        // It says that it is deaf to TERM, then waits; the hurry comes only after its word was heard.
        let dir = tempfile::tempdir().unwrap();
        let deaf = dir.path().join("deaf");
        let script = format!(
            "trap '' TERM; touch {}; sleep 1000 & wait; wait",
            deaf.display()
        );
        let ran = run_script(OsStr::new(&script), &[], LONG, &|| deaf.exists()).unwrap();
        assert_eq!((ran.end, ran.timed_out), (ScriptEnd::Signal(9), true));
    }

    #[test]
    fn what_cannot_be_started_is_an_error() {
        let long = "x".repeat(300 << 10);
        assert!(run_script(OsStr::new(&long), &[], LONG, &|| false).is_err());
        assert!(run_script(OsStr::new("a\0b"), &[], LONG, &|| false).is_err());
    }
}
