//! What comes in: one line, and the time it is read at.

use base::Timestamp;
use jiff::tz::TimeZone;

use crate::detector::journal_date;

/// One log line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The decoded text without its line end.
    pub text: &'a str,
    /// The time that a journal gives the entry; then no date is searched for in the text.
    pub time: Option<Timestamp>,
    /// Where it begins in the text that detectors looked at before it.
    pub(crate) place: Option<usize>,
}

impl<'a> Line<'a> {
    /// A line of a log file, which carries its date in the text.
    pub fn of_file(text: &'a str) -> Self {
        Self {
            text,
            time: None,
            place: None,
        }
    }

    /// The same line, which begins there in the text that detectors looked at before it.
    #[must_use]
    pub(crate) fn at(self, place: usize) -> Self {
        let place = Some(place);
        Self { place, ..self }
    }

    /// An entry of a journal, written as a line without a date.
    pub fn of_journal(text: &'a str, time: Timestamp) -> Self {
        Self {
            text,
            time: Some(time),
            place: None,
        }
    }

    /// The line as people see it: the time of a journal entry goes before it.
    pub fn shown(&self, zone: &TimeZone) -> String {
        match self.time {
            Some(time) => journal_date(time, zone) + self.text,
            None => self.text.to_owned(),
        }
    }
}

/// The time around a line.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    /// The present.
    pub now: Timestamp,
    /// The zone of this machine: what dates without a zone are in.
    pub zone: &'a TimeZone,
    /// False while catching up with what was written before the start, true once the end of the log was reached:
    /// from then on a line is new, whatever date it carries.
    pub in_operation: bool,
}
