//! The ends of the logs that jails read.
//!
//! Never a whole log: the last MiB of each, and of no more than a hundred of a jail.

use detect::{Encoding, Splitter};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What is read of one.
const MOST_BYTES: u64 = 1 << 20;
/// How many of one jail.
const MOST_LOGS: usize = 100;

/// The end of one log.
pub(super) struct Log {
    pub(super) path: PathBuf,
    encoding: Encoding,
    /// Whole ones, in their order.
    pub(super) lines: Vec<String>,
}

impl Log {
    pub(super) fn holds(&self, line: &str) -> bool {
        self.lines.iter().any(|known| known == line)
    }
}

/// Those that were read.
#[derive(Default)]
pub(super) struct Logs(Vec<Log>);

impl Logs {
    /// The ends of these; one that cannot be read is as good as empty, and the check of the sources says so.
    pub(super) fn of(&mut self, paths: &[PathBuf], encoding: Encoding) -> Vec<&Log> {
        let paths = &paths[..paths.len().min(MOST_LOGS)];
        for path in paths {
            let is_it = |log: &Log| log.path == *path && log.encoding == encoding;
            if !self.0.iter().any(is_it) {
                self.0.push(Log {
                    path: path.clone(),
                    encoding,
                    lines: end_of(path, encoding).unwrap_or_default(),
                });
            }
        }
        let is_asked = |log: &&Log| log.encoding == encoding && paths.contains(&log.path);
        self.0.iter().filter(is_asked).collect()
    }
}

fn end_of(path: &Path, encoding: Encoding) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let start = size.saturating_sub(MOST_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let mut lines = Vec::new();
    let mut splitter = Splitter::new(encoding, start);
    splitter.push(&bytes, |line, _| lines.push(line.to_owned()));
    splitter.finish(|line: &str, _| lines.push(line.to_owned()));
    // It begins within a line.
    if start > 0 && !lines.is_empty() {
        lines.remove(0);
    }
    Ok(lines)
}
