//! A jail that should see log-ins fail and sees none: its log grows, nothing in it matches, and the machine's own record
//! of failed log-ins says that there were some. Mostly the format of the log has changed, or the filter is another
//! version's.

use super::Hub;
use crate::clock;
use crate::log::{Kind, Level};
use base::{Span, Timestamp};
use engine::JailId;
use std::collections::HashMap;

/// How often it is looked.
const EVERY: Span = Span::from_secs(60);
/// What is younger may still be on its way into the log.
const ON_ITS_WAY: Span = Span::from_secs(10);
/// So many failed log-ins in the time between two looks are no chance.
const ENOUGH: usize = 5;

/// What was seen at the last look.
#[derive(Debug, Default)]
pub(super) struct Blindness {
    looked: Option<Timestamp>,
    marks: HashMap<JailId, Mark>,
}

/// How far a jail had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// Failures that its rules found, also such as are ignored.
    failures: u64,
    /// The positions in its sources, together.
    position: u64,
}

impl Mark {
    /// Whether a jail that went on from here sees nothing of `missed` failed log-ins.
    fn is_blind(self, now: Self, missed: usize) -> bool {
        missed >= ENOUGH && now.failures == self.failures && now.position > self.position
    }
}

impl Hub {
    /// Looks, if it is time.
    pub(super) fn look_for_blind_jails(&mut self, now: Timestamp) {
        let last = self.blindness.looked;
        if last.is_some_and(|last| now >= last && now.since(last) < EVERY) {
            return;
        }
        self.blindness.looked = Some(now);
        // What was just before the last look may be in what was counted then: the record has whole seconds.
        let between = last.map(|last| (last + ON_ITS_WAY, now - ON_ITS_WAY));
        let missed = between.map_or(0, |(from, to)| os::failed_logins(from, to));
        for counts in self.engine.status() {
            // Only of log-ins over SSH does the machine keep a record of its own.
            let id = counts.jail;
            let is_there = !self.jails[id.0 as usize].is_removed;
            if !is_there || !counts.name.as_str().contains("ssh") {
                continue;
            }
            let mark = Mark {
                failures: self.board.found_by(id),
                position: self.board.position_of(id),
            };
            let before = self.blindness.marks.insert(id, mark);
            match before {
                Some(before) if before.is_blind(mark, missed) => self.say_blind(id, missed),
                Some(before) if before.failures != mark.failures || missed == 0 => {
                    self.board.sees(id)
                }
                _ => {}
            }
        }
    }

    fn say_blind(&mut self, jail: JailId, missed: usize) {
        let text = format!(
            "it is blind: {missed} log-ins over SSH failed within a minute, its log grows, and it found none of them. \
             Does its filter fit the log? Ask with: stockade explain --line '…'"
        );
        if self.board.is_blind(jail, text.clone()) {
            let name = self.name_of(jail);
            let text = format!("[{name}] {text}");
            self.log
                .write(clock::now(), Level::Warning, Kind::Rare, "filter", &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_and_finds_nothing_of_what_there_is_is_blind() {
        let before = Mark {
            failures: 7,
            position: 100,
        };
        let check = |failures, position, missed, expected| {
            let now = Mark { failures, position };
            assert_eq!(before.is_blind(now, missed), expected, "{now:?} {missed}");
        };
        check(7, 200, 5, true);
        // It found something, or there was nothing to find, or its log stands still.
        check(8, 200, 5, false);
        check(7, 200, 4, false);
        check(7, 100, 5, false);
        // A log that was rotated tells nothing this time.
        check(7, 10, 5, false);
    }
}
