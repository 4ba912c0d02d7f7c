//! A container with nothing in it but the program and its libraries: no systemd, no journald, no `/etc/services`, no
//! `/proc`, no shell.

use crate::process::{Running, must, need, run};
use crate::wait::until_true;
use crate::{Done, Stop, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

pub(crate) fn container(program: &Path) -> Done {
    let root = Root::new(program)?;
    // Ports as numbers, and by the names that stock jails use.
    for port in ["22,2222", "ssh,imaps,submissions"] {
        root.jail(&format!("port = {port}"))?;
        let output = root.stockade(&["check", "-c", "/conf", "--jail", "sshd"])?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure(
            output.status.success() && said.contains("1 ok"),
            format!(
                "check with port = {port}: {said} {}",
                String::from_utf8_lossy(&output.stderr)
            ),
        )?;
    }
    root.jail("port = afs3-bos")?;
    let output = root.stockade(&["check", "-c", "/conf"])?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure(
        output.status.code() == Some(1)
            && said.contains("unknown port 'afs3-bos'")
            && said.contains("help: use a number"),
        format!("a port that nobody knows: {said}"),
    )?;

    root.jail("port = 22")?;
    let mut dry = root.guard(&["--dry-run", "--socket", "/dry.sock"], "dry.log")?;
    until_true(SOON, "the dry run says whom it would ban", || {
        Ok(root.said("dry.log").contains("[sshd] Ban 192.0.2.7"))
    })
    .map_err(|_| Stop::Fail(format!("no ban in the dry run: {}", root.said("dry.log"))))?;
    dry.kill();
    let daemon = root.guard(&[], "run.log")?;
    until_true(SOON, "the ban in the kernel", || {
        let rules = must(Command::new("nsenter").args([
            "-t",
            &daemon.pid().to_string(),
            "-n",
            "nft",
            "list",
            "ruleset",
        ]))?;
        Ok(rules.contains("192.0.2.7"))
    })
    .map_err(|_| Stop::Fail(format!("no ban: {}", root.said("run.log"))))?;
    let output = root.stockade(&["stop", "--flush"])?;
    ensure(output.status.success(), "stop --flush failed")?;

    let output = root.stockade(&["migrate", "--switch"])?;
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure(
        output.status.code() == Some(3) && complained.contains("help: "),
        format!("a switch where there is no fail2ban: {complained}"),
    )
}

/// The container's files.
struct Root(PathBuf);

impl Root {
    fn new(program: &Path) -> Done<Self> {
        for tool in ["ldd", "chroot"] {
            need(tool)?;
        }
        let root =
            Self(std::env::temp_dir().join(format!("stockade-lab-bare-{}", std::process::id())));
        fs::create_dir_all(root.0.join("conf"))?;
        fs::copy(program, root.0.join("stockade"))?;
        let libraries = must(Command::new("ldd").arg(program))?;
        for path in libraries
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
        {
            let to = root.0.join(path.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap_or(&root.0))?;
            fs::copy(path, to)?;
        }
        // Its time is UTC, since no file says otherwise.
        let stamp = must(Command::new("date").args(["-u", "+%b %e %H:%M:%S"]))?;
        let lines = (0..5).map(|n| {
            format!(
                "{} h sshd[{n}]: Failed password for root from 192.0.2.7 port 4{n} ssh2\n",
                stamp.trim()
            )
        });
        fs::write(root.0.join("auth.log"), lines.collect::<String>())?;
        Ok(root)
    }

    fn jail(&self, more: &str) -> Done {
        let text = format!("[sshd]\nenabled = true\nlogpath = /auth.log\n{more}\n");
        Ok(fs::write(self.0.join("conf/jail.local"), text)?)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "chroot"])
            .arg(&self.0)
            .arg("/stockade")
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    fn stockade(&self, words: &[&str]) -> Done<Output> {
        run(&mut self.command(words))
    }

    fn guard(&self, words: &[&str], log: &str) -> Done<Running> {
        let words = [&["run", "-c", "/conf"], words].concat();
        Running::start(&mut self.command(&words), &self.0.join(log))
    }

    fn said(&self, log: &str) -> String {
        fs::read_to_string(self.0.join(log)).unwrap_or_default()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // What stays behind costs only room.
        drop(fs::remove_dir_all(&self.0));
    }
}
