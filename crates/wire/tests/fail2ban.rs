//! The messages of fail2ban's socket against Python itself, and the inputs that fuzzing has kept.
//!
//! What Python is asked is skipped where there is none, and that is said.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test asks another program and reads its cases"
)]

#[path = "fail2ban/cpython.rs"]
mod cpython;
#[path = "fail2ban/errors.rs"]
mod errors;
#[path = "fail2ban/shim.rs"]
mod shim;
#[path = "fail2ban/tagged.rs"]
mod tagged;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Our package that stands in for fail2ban's own.
fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/python")
}

/// What Python says to these lines, with our package to import from. `None`, said for this test, without Python.
fn ask(test: &str, script: &str, lines: String) -> Option<String> {
    let started = Command::new("python3")
        .args(["-B", "-c", script])
        .env("PYTHONPATH", package())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = started else {
        eprintln!("SKIPPED {test}: no python3");
        return None;
    };
    let mut input = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "python3 failed");
    writer.join().unwrap().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn kept_inputs_break_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/pickle");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        wire::fail2ban::fuzz::fuzz_pickle(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0);
}
