//! What the lab needs from Debian: real servers, real clients, tools that look at the kernel.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs that the lab runs, and the packages that bring them.
const NEEDED: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("fail2ban-server", "fail2ban"),
    ("ip", "iproute2"),
    ("ipset", "ipset"),
    ("iptables", "iptables"),
    ("mariadbd", "mariadb-server"),
    ("mysql", "mariadb-client"),
    ("logger", "bsdutils"),
    ("nft", "nftables"),
    ("nginx", "nginx-light"),
    ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("postgres", "postgresql"),
    ("psql", "postgresql-client"),
    ("python3", "python3"),
    ("rsyslogd", "rsyslog"),
    ("setpriv", "util-linux"),
    ("sqlite3", "sqlite3"),
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
    ("sysctl", "procps"),
    ("systemd", "systemd"),
    ("ufw", "ufw"),
    ("vsftpd", "vsftpd"),
];

/// Installs what is missing, or says what is. Gives the programs that are missing all the same.
pub(crate) fn install() -> Vec<&'static str> {
    let missing = missing();
    if missing.is_empty() {
        return Vec::new();
    }
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        println!(
            "not installed, since that needs root on Debian: {}",
            packages.join(" ")
        );
    } else {
        println!("installing {}", packages.join(" "));
        let installed = apt(&["-qq", "update"]) && apt(&install_words(&packages));
        if !installed {
            println!("apt-get failed; the lab skips what is missing");
        }
    }
    self::missing()
        .into_iter()
        .map(|(program, _)| program)
        .collect()
}

/// Programs of others that read fail2ban, of PyPI, and what the first of them imports.
const FOREIGN: [&str; 3] = [
    "fail2bangeolocation==2.0.9",
    "colorama==0.4.6",
    "fail2ban-log-parser==0.1.2",
];

/// Fetches them to a directory of their own, once; `None` if that cannot be done, which is said.
pub(crate) fn python(target: &Path) -> Option<PathBuf> {
    let directory = target.join("lab-python");
    let mark = directory.join(FOREIGN.join(" "));
    if mark.exists() {
        return Some(directory);
    }
    let mut command = Command::new("python3");
    command
        .args([
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--upgrade",
            "--target",
        ])
        .arg(&directory)
        .args(FOREIGN);
    match command.output() {
        Ok(output) if output.status.success() => {
            // Without the mark they are fetched again, which is no harm.
            drop(std::fs::write(mark, ""));
            Some(directory)
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            println!("pip cannot fetch {}: {}", FOREIGN.join(" "), said.trim());
            None
        }
        Err(error) => {
            println!("python3 -m pip: {error}");
            None
        }
    }
}

fn install_words<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["-qq", "-y", "--no-install-recommends", "install"];
    words.extend(packages);
    words
}

fn apt(words: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    // Without a run level no package starts its service.
    command
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("RUNLEVEL", "1");
    match command.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            println!(
                "apt-get {}: {}",
                words.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
            false
        }
        Err(error) => {
            println!("apt-get: {error}");
            false
        }
    }
}

fn missing() -> Vec<(&'static str, &'static str)> {
    NEEDED
        .iter()
        .copied()
        .filter(|(program, _)| !is_installed(program))
        .collect()
}

fn is_installed(program: &str) -> bool {
    let usual = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/lib/systemd"];
    let found = usual
        .iter()
        .any(|dir| Path::new(dir).join(program).exists());
    // PostgreSQL's programs stand in a folder of their version.
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    found
        || versions
            .map(|version| version.path().join("bin").join(program))
            .any(|path| path.exists())
}

/// Whether this process may change the machine.
pub(crate) fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}
