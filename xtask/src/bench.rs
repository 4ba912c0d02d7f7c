//! The figures: how fast lines are matched, how fast a line becomes a ban, how many at once, how cheap to keep running;
//! beside Debian's fail2ban and others.
//!
//! Measured by the scripts of `xtask/bench`, as root in network and mount namespaces of their own; without root what
//! needs none. The tables go to the terminal, the numbers to `target/xtask/bench.json`. Nothing here judges: a loaded
//! machine is no failure.

use crate::{packages, root};
use std::fs;
use std::process::{Command, ExitCode};

/// Measures the parts with these names, or all.
pub(crate) fn run(parts: &[&str]) -> ExitCode {
    match measure(parts) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(parts: &[&str]) -> std::io::Result<bool> {
    let root = root();
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--release", "--package", "cli"])
        .current_dir(&root);
    if !build.status()?.success() {
        return Ok(false);
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let results = root.join("target/xtask");
    let scratch = std::env::temp_dir().join(format!("stockade-bench-{}", std::process::id()));
    fs::create_dir_all(&results)?;
    fs::create_dir_all(&scratch)?;
    // In the namespaces nothing is built: what the part `redos` runs is built before.
    let redos = ["bench", "--package", "daemon", "--bench", "redos"];
    let asked = parts.is_empty() || parts.contains(&"redos");
    if asked {
        let mut build = Command::new(env!("CARGO"));
        build.args(redos).arg("--no-run").current_dir(&root);
        if !build.status()?.success() {
            return Ok(false);
        }
    }
    let words: Vec<&str> = [env!("CARGO")].into_iter().chain(redos).collect();
    let mut python = if packages::is_root() {
        let script = "mount --make-rprivate / && ip link set lo up && exec python3 \"$@\"";
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--mount", "bash", "-c", script, "bench"]);
        unshare
    } else {
        Command::new("python3")
    };
    let status = python
        .arg(root.join("xtask/bench/figures.py"))
        .arg(target.join("release/stockade"))
        .arg(&scratch)
        .arg(results.join("bench.json"))
        .args(parts)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("STOCKADE_REDOS", words.join("\n"))
        .current_dir(&root)
        .status()?;
    fs::remove_dir_all(&scratch)?;
    Ok(status.success())
}
