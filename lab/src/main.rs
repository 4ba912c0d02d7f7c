//! Proofs on real servers, real clients, the real kernel: nothing here is mocked.
//!
//! `lab PROGRAM [NAME…]` runs every scenario (or those whose names contain a word) against the given `stockade`
//! program, each with a small internet of its own in namespaces, and ends with `N passed, N failed, N skipped`.
//! Traffic stays between the namespaces. What a machine cannot run is skipped loudly and counted. With
//! STOCKADE_LAB_KEEP=1 each scratch directory stays, with the servers' logs in `var-log`.

mod attack;
mod daemon;
mod fail2ban;
mod machine;
mod process;
mod scenarios;
mod servers;
mod wait;
mod world;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Why a scenario did not pass.
pub(crate) enum Stop {
    /// It cannot run on this machine.
    Skip(String),
    /// What was promised did not happen.
    Fail(String),
}

/// What scenarios and their parts return.
pub(crate) type Done<T = ()> = Result<T, Stop>;

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Fail(format!("unexpected: {error}"))
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Fail(format!("not the JSON that was promised: {error}"))
    }
}

/// Fails with a sentence unless the condition holds.
pub(crate) fn ensure(holds: bool, what: impl Into<String>) -> Done {
    if holds {
        Ok(())
    } else {
        Err(Stop::Fail(what.into()))
    }
}

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(program) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: lab PROGRAM [NAME…]");
        return ExitCode::from(2);
    };
    let words: Vec<String> = arguments
        .filter_map(|word| word.into_string().ok())
        .collect();
    let program = program.canonicalize().unwrap_or(program);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for scenario in scenarios::ALL {
        let name = scenario.name;
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let begun = Instant::now();
        let runnable = if scenario.needs_root {
            process::runnable()
        } else {
            Ok(())
        };
        let done = runnable.and_then(|()| (scenario.prove)(&program));
        let seconds = begun.elapsed().as_secs_f64();
        match done {
            Ok(()) => {
                passed += 1;
                println!("ok      {name} ({seconds:.1} s)");
            }
            Err(Stop::Skip(why)) => {
                skipped += 1;
                println!("SKIPPED {name}: {why}");
            }
            Err(Stop::Fail(why)) => {
                failed += 1;
                println!("FAILED  {name} ({seconds:.1} s): {why}");
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    ExitCode::from(u8::from(failed > 0))
}
