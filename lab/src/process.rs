//! Running programs: to their end, or beside us until they are dropped.

use crate::{Done, Stop};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The lab needs root and the tools that make namespaces.
pub(crate) fn runnable() -> Done {
    let id = run(Command::new("id").arg("-u"))?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return Err(Stop::Skip("needs root to make namespaces".into()));
    }
    for tool in [
        "ip", "unshare", "nsenter", "nft", "openssl", "sqlite3", "sysctl",
    ] {
        need(tool)?;
    }
    let tried = run(Command::new("unshare").args(["--net", "--mount", "true"]))?;
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
        return Err(Stop::Skip(format!(
            "namespaces cannot be made here: {said}"
        )));
    }
    Ok(())
}

/// Skips unless the program is installed.
pub(crate) fn need(program: &str) -> Done {
    let found = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"]
        .iter()
        .any(|dir| Path::new(dir).join(program).exists());
    let is_path = program.contains('/') && Path::new(program).exists();
    if found || is_path {
        Ok(())
    } else {
        Err(Stop::Skip(format!("{program} is not installed")))
    }
}

/// Runs to the end and gives what it said.
pub(crate) fn run(command: &mut Command) -> Done<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Stop::Fail(format!("{command:?}: {error}")))
}

/// Runs to the end; anything but success fails the scenario with what the program said.
pub(crate) fn must(command: &mut Command) -> Done<String> {
    let output = run(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Stop::Fail(format!(
        "{command:?}: {}: {}",
        output.status,
        said.trim()
    )))
}

/// A program that runs beside us; it and its children are killed when this is dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts it in a process group of its own; what it says goes to the file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Done<Self> {
        let mut file = File::options().create(true).append(true).open(log)?;
        writeln!(file, "--- {command:?}")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .map_err(|error| Stop::Fail(format!("{command:?}: {error}")))?;
        Ok(Self { child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its exit code, if it has ended.
    pub(crate) fn ended(&mut self) -> Done<Option<i32>> {
        Ok(self
            .child
            .try_wait()?
            .map(|status| status.code().unwrap_or(-1)))
    }

    /// `kill -9`, and gone when this returns.
    pub(crate) fn kill(&mut self) {
        signal_group(self.pid(), "KILL");
        // Killed already is as good as killed.
        drop(self.child.wait());
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(&self, name: &str) -> Done {
        must(
            Command::new("kill")
                .arg(format!("-{name}"))
                .arg(self.pid().to_string()),
        )
        .map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.kill();
    }
}

fn signal_group(pid: u32, name: &str) {
    // A group that is gone needs no signal.
    drop(
        Command::new("kill")
            .args([format!("-{name}"), "--".into(), format!("-{pid}")])
            .stderr(Stdio::null())
            .status(),
    );
}
