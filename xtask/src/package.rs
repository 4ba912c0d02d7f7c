//! `cargo xtask package [--out DIR] [--program FILE] [--fast]`: the Debian package, built on a staged tree by `dpkg-deb`.
//!
//! Builds the release program as the README says (or takes the one that is given), makes manual page and completions
//! by asking it, and writes `stockade_VERSION_ARCH.deb` into DIR (`target/package`). The same program and sources give
//! the same bytes (without `--fast`, which compresses nothing): times are those of SOURCE_DATE_EPOCH, else of the last commit, and everything is written in order.

mod notices;
mod stage;

use crate::{root, test};
use stage::Stage;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// What goes wrong is a sentence.
type Done<T = ()> = Result<T, String>;

/// Files of `dist/` that go as they are: from, to.
const FILES: &[(&str, &str)] = &[
    (
        "dist/systemd/stockade.service",
        "usr/lib/systemd/system/stockade.service",
    ),
    (
        "dist/systemd/stockade-fail2ban.service",
        "usr/lib/systemd/system/stockade-fail2ban.service",
    ),
    (
        "dist/systemd/stockade.sysusers",
        "usr/lib/sysusers.d/stockade.conf",
    ),
    ("dist/logrotate/stockade", "etc/logrotate.d/stockade"),
    ("dist/jail.local", "etc/stockade/jail.local"),
    ("dist/debian/copyright", "usr/share/doc/stockade/copyright"),
    ("LICENSE-MIT", "usr/share/doc/stockade/LICENSE-MIT"),
    ("LICENSE-APACHE", "usr/share/doc/stockade/LICENSE-APACHE"),
    ("README.md", "usr/share/doc/stockade/README.md"),
];

/// Folders of which every file goes: from, to, and the ending that counts.
const FOLDERS: &[(&str, &str, &str)] = &[
    ("docs", "usr/share/doc/stockade/docs", "md"),
    ("config", "usr/share/doc/stockade/built-in", "conf"),
    (
        "config/filter.d",
        "usr/share/doc/stockade/built-in/filter.d",
        "conf",
    ),
    (
        "config/action.d",
        "usr/share/doc/stockade/built-in/action.d",
        "conf",
    ),
];

/// Pages of our own words.
const PAGES: &[(&str, &str)] = &[
    (
        "dist/man/stockade-fail2ban.1",
        "usr/share/man/man1/stockade-fail2ban.1.gz",
    ),
    (
        "dist/man/stockade-jail.5",
        "usr/share/man/man5/stockade-jail.5.gz",
    ),
];

const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "usr/share/bash-completion/completions/stockade"),
    ("zsh", "usr/share/zsh/vendor-completions/_stockade"),
    ("fish", "usr/share/fish/vendor_completions.d/stockade.fish"),
];

const NAMES: &[&str] = &["fail2ban-client", "fail2ban-server", "fail2ban-regex"];

pub(crate) fn run(words: &[&str]) -> ExitCode {
    let mut out = test::target().join("package");
    let mut program = None;
    let is_fast = words.contains(&"--fast");
    let words: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| *word != "--fast")
        .collect();
    let mut rest = words.as_slice();
    while let [option, value, after @ ..] = rest {
        match *option {
            "--out" => out = PathBuf::from(value),
            "--program" => program = Some(PathBuf::from(value)),
            _ => break,
        }
        rest = after;
    }
    if !rest.is_empty() {
        eprintln!("usage: cargo xtask package [--out DIR] [--program FILE] [--fast]");
        return ExitCode::from(2);
    }
    match package(&out, program, is_fast) {
        Ok(path) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(1)
        }
    }
}

fn package(out: &Path, program: Option<PathBuf>, is_fast: bool) -> Done<PathBuf> {
    for (tool, of) in [("dpkg-deb", "dpkg"), ("gzip", "gzip")] {
        said(Command::new(tool).arg("--version"))
            .map_err(|_| format!("{tool} is missing, which makes packages: install {of}"))?;
    }
    let program = match program {
        Some(program) => program,
        None => built()?,
    };
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let stage = Stage::new(&out.join(format!("stage-{}", std::process::id())))?;
    fill(&stage, &program)?;
    let (version, arch) = (env!("CARGO_PKG_VERSION"), architecture());
    let needs = needs(&fs::read(&program).unwrap_or_default());
    let size = stage.kibibytes()?;
    let control = format!(
        "Package: stockade\nVersion: {version}\nArchitecture: {arch}\nMaintainer: The Stockade contributors <contributors@stockade.invalid>\n\
         Installed-Size: {size}\nDepends: {needs}\nSuggests: nftables\nSection: net\nPriority: optional\n\
         Description: bans who breaks in\n \
         Stockade watches the logs of this machine, notices who is guessing passwords\n \
         at its services, and shuts those addresses out in the kernel's firewall for a\n \
         while. It reads fail2ban's configuration and needs none to begin with.\n .\n \
         Beside an installed fail2ban it starts nothing by itself: stockade migrate\n \
         changes over, and back.\n"
    );
    stage.text("DEBIAN/control", &control)?;
    stage.text("DEBIAN/conffiles", &stage.conffiles()?)?;
    for script in ["postinst", "prerm", "postrm"] {
        stage.program(
            &root().join("dist/debian").join(script),
            &format!("DEBIAN/{script}"),
        )?;
    }
    let path = out.join(format!("stockade_{version}_{arch}.deb"));
    let mut build = Command::new("dpkg-deb");
    build
        .args(["--build", "--root-owner-group"])
        .arg(if is_fast { "-Znone" } else { "-Zxz" })
        .arg(stage.root())
        .arg(&path)
        .env("SOURCE_DATE_EPOCH", epoch());
    said(&mut build)?;
    Ok(path)
}

fn fill(stage: &Stage, program: &Path) -> Done {
    let root = root();
    stage.program(program, "usr/bin/stockade")?;
    for name in NAMES {
        stage.link(
            "../../../bin/stockade",
            &format!("usr/lib/stockade/bin/{name}"),
        )?;
    }
    for (from, to) in FILES {
        stage.copy(&root.join(from), to)?;
    }
    for (from, to, ending) in FOLDERS {
        for path in stage::files(&root.join(from), ending)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            stage.copy(&path, &format!("{to}/{name}"))?;
        }
    }
    for (from, to) in PAGES {
        stage.packed(&read(&root.join(from))?, to)?;
    }
    stage.packed(
        &read(&root.join("CHANGELOG.md"))?,
        "usr/share/doc/stockade/changelog.gz",
    )?;
    stage.packed(
        &notices::text(&root)?,
        "usr/share/doc/stockade/third-party.txt.gz",
    )?;
    let page = said(Command::new(program).arg("manual"))?;
    stage.packed(&page, "usr/share/man/man1/stockade.1.gz")?;
    for (shell, to) in COMPLETIONS {
        stage.text(
            to,
            &said(Command::new(program).args(["completions", shell]))?,
        )?;
    }
    Ok(())
}

fn built() -> Done<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "cli"])
        .current_dir(root())
        .stdin(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(test::target().join("release/stockade")),
        Ok(status) => Err(format!("cargo build --release: {status}")),
        Err(error) => Err(format!("cargo: {error}")),
    }
}

/// Debian's name for what this machine runs.
fn architecture() -> String {
    if let Ok(name) = said(Command::new("dpkg").arg("--print-architecture")) {
        return name.trim().to_owned();
    }
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
    .to_owned()
}

/// The packages that the program cannot run without: the C library in the version whose symbols it names.
fn needs(program: &[u8]) -> String {
    let mark = b"GLIBC_2.";
    let minor = program
        .windows(mark.len())
        .enumerate()
        .filter(|(_, window)| window == mark)
        .filter_map(|(at, _)| {
            let digits = program.get(at + mark.len()..)?.iter();
            let digits = digits.take_while(|byte| byte.is_ascii_digit());
            String::from_utf8(digits.copied().collect())
                .ok()?
                .parse()
                .ok()
        })
        .max()
        .unwrap_or(17_u32);
    format!("libc6 (>= 2.{minor}), libgcc-s1")
}

/// The time that all files get: what is asked for, or that of the last commit.
fn epoch() -> String {
    std::env::var("SOURCE_DATE_EPOCH").unwrap_or_else(|_| {
        let last = said(
            Command::new("git")
                .args(["log", "-1", "--format=%ct"])
                .current_dir(root()),
        );
        last.map_or_else(|_| "0".to_owned(), |text| text.trim().to_owned())
    })
}

fn read(path: &Path) -> Done<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs to the end and gives what it printed.
fn said(command: &mut Command) -> Done<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!(
            "{command:?}: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_is_as_new_as_the_newest_symbol() {
        let program = b"\0GLIBC_2.4\0memcpy\0GLIBC_2.34\0GLIBC_2.\0GLIBC_2.9";
        assert_eq!(needs(program), "libc6 (>= 2.34), libgcc-s1");
    }

    #[test]
    fn everything_that_goes_into_it_is_there() {
        let root = root();
        for (from, _) in FILES.iter().chain(PAGES) {
            assert!(root.join(from).is_file(), "{from}");
        }
        for (from, _, ending) in FOLDERS {
            assert!(
                !stage::files(&root.join(from), ending).unwrap().is_empty(),
                "{from}"
            );
        }
    }

    /// The scripts of the package run under `set -e` in whatever shell there is.
    #[test]
    fn maintainer_scripts_are_scripts() {
        for name in ["postinst", "prerm", "postrm"] {
            let path = root().join("dist/debian").join(name);
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with("#!/bin/sh\n") && text.contains("\nset -e\n"),
                "{name}"
            );
            said(Command::new("sh").arg("-n").arg(&path)).unwrap();
        }
    }
}
