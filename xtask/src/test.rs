//! All tests, counted together: the crates' own, the tidy rules, formatting and lints, conformance, and the lab.

use crate::{conform, packages, root, tidy};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// What came of them.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    fn check(&mut self, name: &str, passed: bool) {
        println!("{} {name}", if passed { "ok     " } else { "FAILED " });
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    fn skip(&mut self, name: &str, why: &str) {
        println!("SKIPPED {name}: {why}");
        self.skipped += 1;
    }
}

/// Runs everything; the last line is the sum.
pub(crate) fn run(quick: bool) -> ExitCode {
    let begun = Instant::now();
    let mut tally = Tally::default();
    let step = |name: &str| println!("--- {name} ({:.0} s so far)", begun.elapsed().as_secs_f64());
    if !quick {
        step("what the lab needs");
        for program in packages::install() {
            println!("missing: {program}");
        }
    }
    step("tidy rules");
    for (name, faults) in tidy::check(&root()) {
        for fault in &faults {
            println!("        {fault}");
        }
        tally.check(name, faults.is_empty());
    }
    step("formatting and lints");
    formatting(&mut tally);
    lints(&mut tally);
    step("the crates' own tests");
    crates(&mut tally);
    if quick {
        tally.skip("the lab", "--quick leaves it out");
    } else {
        step("release build");
        let built = cargo(&["build", "--release", "--package", "cli"]);
        tally.check("cargo build --release", built);
        step("answers recorded of fail2ban");
        conformance(&mut tally, built);
        step("the lab");
        lab(&mut tally, built);
    }
    println!("--- done in {:.0} s", begun.elapsed().as_secs_f64());
    println!(
        "{} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    );
    ExitCode::from(u8::from(tally.failed > 0))
}

fn formatting(tally: &mut Tally) {
    match succeeds(Command::new("cargo").args(["fmt", "--version"])) {
        true => {
            let formatted = cargo(&["fmt", "--all", "--check"]);
            tally.check("cargo fmt --check", formatted);
        }
        false => tally.skip("cargo fmt --check", "rustfmt is not installed"),
    }
}

fn lints(tally: &mut Tally) {
    match succeeds(Command::new("cargo").args(["clippy", "--version"])) {
        true => {
            let clean = cargo(&[
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]);
            tally.check("cargo clippy", clean);
        }
        false => tally.skip("cargo clippy", "clippy is not installed"),
    }
}

/// The tests of the crates; their words go to a file and are shown where one fails.
fn crates(tally: &mut Tally) {
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "test",
        "--workspace",
        "--no-fail-fast",
        "--",
        "--show-output",
    ]);
    command
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            println!("cargo test: {error}");
            return tally.check("cargo test", false);
        }
    };
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let log = root().join("target/xtask/test.log");
    let kept = fs::create_dir_all(log.with_file_name(""))
        .and_then(|()| fs::write(&log, format!("{said}\n{complained}")));
    if let Err(error) = kept {
        println!("{}: {error}", log.display());
    }
    let mut results = 0;
    for line in said
        .lines()
        .filter_map(|line| line.strip_prefix("test result: "))
    {
        results += 1;
        tally.passed += number_before(line, " passed");
        tally.failed += number_before(line, " failed");
        tally.skipped += number_before(line, " ignored");
    }
    // A test that cannot run on this machine passes and says so.
    let mut skipped: Vec<&str> = said
        .lines()
        .chain(complained.lines())
        .map(str::trim)
        .filter(|line| line.starts_with("SKIPPED"))
        .collect();
    skipped.sort_unstable();
    skipped.dedup();
    for line in &skipped {
        println!("{line}");
    }
    let count = skipped.len() as u64;
    tally.skipped += count;
    tally.passed = tally.passed.saturating_sub(count);
    if !output.status.success() {
        println!("cargo test failed; its words ({}):", log.display());
        show_failures(&said);
        show_tail(&complained, 60);
    }
    if results == 0 || (!output.status.success() && tally.failed == 0) {
        tally.check("cargo test", false);
    }
}

fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split(word).next().unwrap_or_default();
    before
        .rsplit([' ', ';'])
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

fn show_failures(said: &str) {
    let mut shown = false;
    for line in said.lines() {
        match line {
            "failures:" => shown = true,
            "successes:" => shown = false,
            _ => {}
        }
        if line.starts_with("test result:") {
            shown = false;
        }
        if shown {
            println!("    {line}");
        }
    }
}

fn show_tail(text: &str, count: usize) {
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(count)) {
        println!("    {line}");
    }
}

/// The released program's answers to the cases beside the project, one result a kind.
fn conformance(tally: &mut Tally, built: bool) {
    if !built {
        return tally.skip("conform", "the release build failed");
    }
    match conform::beside(&target().join("release/stockade")) {
        Ok(judged) if judged.is_empty() => {
            tally.skip("conform", "no cases lie beside the project");
        }
        Ok(judged) => {
            for one in judged {
                tally.check(
                    &format!("conform {}", one.kind),
                    one.disagree == 0 && one.total > 0,
                );
            }
        }
        Err(error) => {
            println!("conform: {error}");
            tally.check("conform", false);
        }
    }
}

/// Real servers and the real kernel; it counts for itself and its last line is its sum.
fn lab(tally: &mut Tally, built: bool) {
    let program = target().join("release/stockade");
    if !built {
        return tally.skip("the lab", "the release build failed");
    }
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["run", "--quiet", "--package", "lab", "--"])
        .arg(&program)
        .current_dir(root());
    if let Some(packages) = packages::python(&target()) {
        command.env("STOCKADE_LAB_PYTHON", packages);
    }
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("lab: {error}");
            return tally.check("the lab", false);
        }
    };
    let mut sum = None;
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
        .map_while(Result::ok)
    {
        println!("{line}");
        sum = Some(line);
    }
    let succeeded = child.wait().is_ok_and(|status| status.success());
    let sum = sum.unwrap_or_default();
    let numbers = [" passed", " failed", " skipped"].map(|word| number_before(&sum, word));
    tally.passed += numbers[0];
    tally.failed += numbers[1];
    tally.skipped += numbers[2];
    let counted = numbers.iter().sum::<u64>() > 0;
    if !counted || (!succeeded && numbers[1] == 0) {
        tally.check("the lab", false);
    }
}

pub(crate) fn target() -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(Path::new(&dir)))
}

fn cargo(words: &[&str]) -> bool {
    let status = Command::new(env!("CARGO"))
        .args(words)
        .current_dir(root())
        .stdin(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

#[cfg(test)]
mod tests {
    use super::number_before;

    #[test]
    fn sums_are_read_from_lines_of_cargo_and_of_the_lab() {
        let cargo =
            "ok. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(
            [" passed", " failed", " ignored"].map(|word| number_before(cargo, word)),
            [12, 3, 1]
        );
        let lab = "20 passed, 0 failed, 2 skipped";
        assert_eq!(
            [" passed", " failed", " skipped"].map(|word| number_before(lab, word)),
            [20, 0, 2]
        );
        assert_eq!(number_before("", " passed"), 0);
    }
}
