//! A line in its two forms: as the expressions search it, and as people see it.

use base::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write;

use crate::Line;
use crate::multiline::SplitLine;
use crate::timing::{Dated, Shown};

/// A line with its date.
pub(crate) struct ShownLine<'a> {
    pub(crate) line: Line<'a>,
    pub(crate) dated: &'a Dated,
    /// The text of the last date in the log.
    pub(crate) last: &'a str,
    pub(crate) zone: &'a TimeZone,
}

impl ShownLine<'_> {
    /// Writes what the expressions search: the line without its date, ended by a line feed.
    pub(super) fn write_search_text(&self, text: &mut String) {
        text.clear();
        let (before, after) = self.halves();
        text.push_str(before);
        text.push_str(after);
        text.push('\n');
    }

    /// Writes the line as people see it; where the date is not in the line, it goes before.
    pub(super) fn write_whole(&self, text: &mut String) {
        match &self.dated.shown {
            Shown::Cut(_) | Shown::Nothing => {}
            Shown::Last => text.push_str(self.last),
            Shown::Journal(time) => write_journal_date(*time, self.zone, text),
        }
        text.push_str(self.line.text);
    }

    /// Writes the line for a buffer of several, over what is there.
    pub(super) fn write_split(&self, line: &mut SplitLine) {
        let (before, after) = self.halves();
        line.before.clear();
        line.before.push_str(before);
        line.date.clear();
        match &self.dated.shown {
            Shown::Cut(cut) => line
                .date
                .push_str(self.line.text.get(cut.clone()).unwrap_or_default()),
            Shown::Last => line.date.push_str(self.last),
            Shown::Journal(time) => write_journal_date(*time, self.zone, &mut line.date),
            Shown::Nothing => {}
        }
        line.after.clear();
        line.after.push_str(after);
    }

    fn halves(&self) -> (&str, &str) {
        let text = self.line.text;
        if let Shown::Cut(cut) = &self.dated.shown
            && let (Some(before), Some(after)) = (text.get(..cut.start), text.get(cut.end..))
        {
            return (before, after);
        }
        ("", text)
    }
}

/// `2026-11-23T00:00:00.123456 `: what fail2ban puts before a journal's message, without the fraction if there is none.
pub(crate) fn journal_date(time: Timestamp, zone: &TimeZone) -> String {
    let mut date = String::new();
    write_journal_date(time, zone, &mut date);
    date
}

fn write_journal_date(time: Timestamp, zone: &TimeZone, text: &mut String) {
    let Ok(instant) = jiff::Timestamp::from_microsecond(time.as_micros()) else {
        return;
    };
    let local = zone.to_datetime(instant);
    let format = match local.subsec_nanosecond() {
        0 => "%Y-%m-%dT%H:%M:%S ",
        _ => "%Y-%m-%dT%H:%M:%S.%6f ",
    };
    let before = text.len();
    if write!(text, "{}", local.strftime(format)).is_err() {
        text.truncate(before);
    }
}
