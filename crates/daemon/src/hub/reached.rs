//! How far each log was read, as it was last said: what readers that begin anew in this process go on from.

use crate::ingest::Positions;
use std::collections::HashMap;
use store::{JournalPosition, LogPosition, Write};

/// The last positions of all logs.
#[derive(Default)]
pub(crate) struct Reached {
    logs: HashMap<(String, String), LogPosition>,
    journal: HashMap<String, JournalPosition>,
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
            logs: self.logs.values().cloned().collect(),
            journal: self.journal.values().cloned().collect(),
            are_fresh: true,
        }
    }

    fn log(&mut self, position: &LogPosition) {
        let key = (position.jail.clone(), position.path.clone());
        self.logs.insert(key, position.clone());
    }
}
