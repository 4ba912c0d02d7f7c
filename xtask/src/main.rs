//! The project's own commands.
//!
//! `cargo xtask test [--quick]` installs what the tests need (Debian, as root), builds, and runs every test there
//! is; its last line is `N passed, N failed, N skipped`. With `--quick` nothing is installed and the lab is left
//! out (and counted as skipped).
//!
//! `cargo xtask conform DIR` compares the released program's answers with those recorded of fail2ban; see `conform`.
//!
//! `cargo xtask bench [PART…]` measures the figures beside Debian's fail2ban; see `bench`.
//!
//! `cargo xtask package [--out DIR]` builds the Debian package; see `package`.
//!
//! `cargo xtask faults [FILE…]` shows that the tests of matching notice faults; see `faults`.

mod bench;
mod conform;
mod faults;
mod package;
mod packages;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask test [--quick] | cargo xtask conform DIR [--trees DIR] [--kind KIND]… | \
    cargo xtask bench [PART…] | cargo xtask faults [FILE…] | cargo xtask package [--out DIR]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => test::run(false),
        ["test", "--quick"] => test::run(true),
        ["bench", parts @ ..] => bench::run(parts),
        ["faults", words @ ..] => faults::run(words),
        ["package", words @ ..] => package::run(words),
        ["conform", words @ ..] => conform::run(words),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The folder of the whole project.
fn root() -> std::path::PathBuf {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
