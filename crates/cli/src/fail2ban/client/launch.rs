//! A server in the background: this program once more, by the name of the server, in a session of its own.

use super::options::Options;
use super::socket;
use conf::Own;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use wire::fail2ban::Value;

/// How long a server may take for each answer while it is waited for.
const PING: f64 = 0.2;

/// The first and the longest pause between two looks.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];

/// Starts it; it reads no configuration, but waits for commands.
pub(super) fn launch(options: &Options, own: &Own) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("fail2ban-server")
        .args(words(options, own)?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/");
    os::spawn_detached(&mut command)
}

/// Its command line. It works in the root directory, so relative paths are made absolute here.
fn words(options: &Options, own: &Own) -> io::Result<Vec<OsString>> {
    let mut words: Vec<OsString> = vec!["--async".into(), "-b".into()];
    let pairs = [
        ("-c", std::path::absolute(&options.conf)?),
        ("-s", absolute(&own.socket)?),
        ("-p", absolute(&own.pidfile)?),
        ("--loglevel", own.loglevel.clone().into()),
        ("--logtarget", log_target(&own.logtarget)?),
        ("--syslogsocket", own.syslogsocket.clone().into()),
    ];
    for (option, value) in pairs {
        words.extend([option.into(), value.into()]);
    }
    if let Some(name) = &options.process_name {
        words.extend(["--pname".into(), name.into()]);
    }
    if options.removes_socket {
        words.push("-x".into());
    }
    let step = if options.verbosity < 0 { "-q" } else { "-v" };
    for _ in 0..options.verbosity.unsigned_abs() {
        words.push(step.into());
    }
    words.push("start".into());
    Ok(words)
}

fn absolute(path: &str) -> io::Result<PathBuf> {
    match path {
        // It would be the directory itself.
        "" => Ok(PathBuf::new()),
        path => std::path::absolute(path),
    }
}

/// A log target is a path only if it is no word, such as `SYSLOG`.
fn log_target(target: &str) -> io::Result<PathBuf> {
    match target.contains('/') && !target.starts_with('/') {
        true => absolute(target),
        false => Ok(target.into()),
    }
}

/// Waits until the server answers.
///
/// # Errors
/// A sentence: it has ended, or its time is over.
pub(super) fn await_server(mut server: Child, limit: Duration, own: &Own) -> Result<(), String> {
    let has_come = until(limit, || {
        if is_answered(own, Some(PING)) {
            return Ok(true);
        }
        match server.try_wait().map_err(|error| error.to_string())? {
            // One that went on as another process ends well.
            Some(status) if !status.success() => Err(format!(
                "it has ended ({status}), and its log, {}, may say why",
                own.logtarget
            )),
            _ => Ok(false),
        }
    })?;
    if has_come {
        return Ok(());
    }
    let (seconds, socket) = (limit.as_secs_f64(), &own.socket);
    Err(format!(
        "within {seconds} seconds nobody answered at {socket}"
    ))
}

/// Looks until it is so; false if the time is over before. It is looked at least once.
pub(super) fn until(
    limit: Duration,
    mut look: impl FnMut() -> Result<bool, String>,
) -> Result<bool, String> {
    let began = Instant::now();
    let [mut pause, longest] = PAUSES;
    loop {
        if look()? {
            return Ok(true);
        }
        let Some(left) = limit.checked_sub(began.elapsed()) else {
            return Ok(false);
        };
        thread::sleep(pause.min(left));
        pause = longest.min(pause * 2);
    }
}

/// Whether a server answers; within so many seconds, or at any time.
pub(super) fn is_answered(own: &Own, seconds: Option<f64>) -> bool {
    let mut ping = vec![Value::from("ping")];
    ping.extend(seconds.map(Value::Float));
    let patience = seconds.map(Duration::from_secs_f64);
    let reply = socket::ask(Path::new(&own.socket), &ping, patience);
    reply.is_ok_and(|reply| reply.code == 0)
}

#[cfg(test)]
mod tests {
    use super::super::options::{Wish, parse};
    use super::*;

    fn check(line: &str, expected: &str) {
        let given: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let Ok(Wish::Work(options)) = parse(&given) else {
            panic!("{line}");
        };
        let own = Own {
            socket: "/run/s".into(),
            pidfile: "/run/p".into(),
            loglevel: "INFO".into(),
            logtarget: "SYSLOG[format=\"a b\"]".into(),
            syslogsocket: "auto".into(),
        };
        let words = words(&options, &own).unwrap().join(&OsString::from("|"));
        assert_eq!(words.to_str(), Some(expected), "{line}");
    }

    #[test]
    fn the_server_is_told_what_the_client_knows() {
        let settings = "-s|/run/s|-p|/run/p|--loglevel|INFO|--logtarget|SYSLOG[format=\"a b\"]|--syslogsocket|auto";
        check(
            "start",
            &format!("--async|-b|-c|/etc/fail2ban|{settings}|start"),
        );
        check(
            "-c /x -xvv --pname n start",
            &format!("--async|-b|-c|/x|{settings}|--pname|n|-x|-v|-v|start"),
        );
        let here = std::env::current_dir().unwrap();
        let here = here.display();
        check(
            "-q -c ./conf start",
            &format!("--async|-b|-c|{here}/conf|{settings}|-q|start"),
        );
    }

    #[test]
    fn waiting_ends() {
        let none = Duration::ZERO;
        assert_eq!(until(none, || Ok(true)), Ok(true));
        assert_eq!(until(none, || Ok(false)), Ok(false));
        assert_eq!(until(none, || Err("no".into())), Err("no".into()));
        let mut left = 3;
        let counted = until(Duration::from_secs(60), || {
            left -= 1;
            Ok(left == 0)
        });
        assert_eq!(counted, Ok(true));
    }
}
