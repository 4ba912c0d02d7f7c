//! How far each log was read, as it was last said: what readers that begin anew in this process go on from.

use crate::ingest::Positions;
use std::collections::HashMap;
use store::{JournalPosition, LogPosition, Write};

/// The last positions of all logs.
#[derive(Default)]
pub(crate) struct Reached {
    logs: HashMap<(String, String), Log>,
    journal: HashMap<String, JournalPosition>,
}

struct Log {
    position: LogPosition,
    /// It was said since the last sweep.
    is_new: bool,
}

impl Reached {
    /// Takes what an earlier process has left.
    pub(crate) fn of(positions: &Positions) -> Self {
        let mut reached = Self::default();
        for position in &positions.logs {
            reached.log(position);
        }
        for position in &positions.journal {
            reached
                .journal
                .insert(position.jail.clone(), position.clone());
        }
        reached
    }

    /// Takes a position that is about to be stored.
    pub(super) fn note(&mut self, write: &Write) {
        match write {
            Write::LogPosition(position) => self.log(position),
            Write::JournalPosition(position) => {
                self.journal.insert(position.jail.clone(), position.clone());
            }
            _ => {}
        }
    }

    /// All of them.
    pub(super) fn positions(&self) -> Positions {
        Positions {
            logs: self.logs.values().map(|log| log.position.clone()).collect(),
            journal: self.journal.values().cloned().collect(),
            are_fresh: true,
        }
    }

    fn log(&mut self, position: &LogPosition) {
        let key = (position.jail.clone(), position.path.clone());
        let position = position.clone();
        let is_new = true;
        self.logs.insert(key, Log { position, is_new });
    }

    /// Forgets logs that no jail follows any more and of which nothing was said since the last sweep: the rest of one that
    /// was rotated away is read by then. Globs that match dated names would have no end.
    pub(super) fn sweep(&mut self, is_followed: impl Fn(&str, &str) -> bool) {
        self.logs.retain(|(jail, path), log| {
            let was_new = std::mem::replace(&mut log.is_new, false);
            was_new || is_followed(jail, path)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_nobody_follows_are_forgotten() {
        let mut reached = Reached::default();
        let mut day = |name: &str| {
            let position = LogPosition {
                jail: "one".into(),
                path: name.into(),
                first_line_hash: String::new(),
                offset: 1,
            };
            reached.note(&Write::LogPosition(position));
            reached.sweep(|jail, path| (jail, path) == ("one", "quiet"));
            let positions = reached.positions().logs.into_iter();
            let mut paths: Vec<String> = positions.map(|position| position.path).collect();
            paths.sort();
            paths.join(" ")
        };
        assert_eq!(day("quiet"), "quiet");
        assert_eq!(day("a"), "a quiet");
        assert_eq!(day("b"), "b quiet");
        assert_eq!(day("b"), "b quiet");
        assert_eq!(day("c"), "c quiet");
    }
}
