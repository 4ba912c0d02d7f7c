//! Asks the released program: tasks go in, answers come out, in the same order.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// The program that is judged, and the trees that its cases name.
pub(crate) struct Program {
    path: PathBuf,
    trees: PathBuf,
}

/// A run of the program answers about so many tasks; two run side by side.
const RUNS: usize = 2;

impl Program {
    pub(crate) fn new(path: PathBuf, trees: &Path) -> Self {
        Self {
            path,
            trees: trees.to_owned(),
        }
    }

    pub(crate) fn trees(&self) -> &Path {
        &self.trees
    }

    /// One answer for each task.
    pub(crate) fn answers(&self, kind: &str, tasks: &[Value]) -> Result<Vec<Value>, String> {
        let parts: Vec<&[Value]> = tasks.chunks(tasks.len().div_ceil(RUNS).max(1)).collect();
        thread::scope(|scope| {
            let runs: Vec<_> = parts
                .iter()
                .map(|part| scope.spawn(|| self.run(kind, part)))
                .collect();
            let mut answers = Vec::new();
            for run in runs {
                let part = run.join().map_err(|_| "a thread panicked".to_owned())?;
                answers.extend(part?);
            }
            Ok(answers)
        })
    }

    fn run(&self, kind: &str, tasks: &[Value]) -> Result<Vec<Value>, String> {
        let mut child = Command::new(&self.path)
            .args(["conform-eval", kind, "--trees"])
            .arg(&self.trees)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err("the program has no pipes".into());
        };
        let answers: Result<Vec<Value>, String> = thread::scope(|scope| {
            scope.spawn(move || {
                for task in tasks {
                    // A program that ended early is noticed by its missing answers.
                    if writeln!(input, "{task}").is_err() {
                        return;
                    }
                }
            });
            BufReader::new(output)
                .lines()
                .map(|line| {
                    let line = line.map_err(|error| error.to_string())?;
                    serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))
                })
                .collect()
        });
        let status = child.wait().map_err(|error| error.to_string())?;
        let answers = answers?;
        if !status.success() || answers.len() != tasks.len() {
            return Err(format!(
                "conform-eval {kind}: {} answers to {} tasks, {status}",
                answers.len(),
                tasks.len()
            ));
        }
        Ok(answers)
    }
}
