//! When a line happened: its date, the last known one, or now.
//!
//! While catching up, old lines are left out and dates are taken as they are. In operation a line is new whatever it
//! says: a date more than a minute away from now is the fault of a clock or zone, and now is the better guess.

use base::{Span, Timestamp};
use std::ops::Range;

use crate::date::DateFound;
use crate::{Clock, Line};

/// How far a date in operation may be off, and how long the last date holds for lines without one.
const TOLERANCE: Span = Span::from_secs(60);

/// The last date of a log.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastDate {
    time: Option<Timestamp>,
    text: String,
}

/// What is shown as the date of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// These bytes of it, which are not searched.
    Cut(Range<usize>),
    /// The text of the last date; the whole line is searched.
    Last,
    /// The time of a journal entry.
    Journal(Timestamp),
    #[default]
    Nothing,
}

/// A line's date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dated {
    pub(crate) time: Option<Timestamp>,
    pub(crate) shown: Shown,
}

impl LastDate {
    /// The text of the last date.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Takes over what was the last date for another.
    pub(crate) fn follow(&mut self, leader: &Self) {
        self.time = leader.time;
        self.text.clone_from(&leader.text);
    }

    /// Joins what was found in a line with what is known from the lines before.
    pub(crate) fn date(&mut self, line: &Line<'_>, found: DateFound, now: Timestamp) -> Dated {
        if let Some(time) = line.time {
            self.time = Some(time);
            return Dated {
                time: Some(time),
                shown: Shown::Journal(time),
            };
        }
        let recent = self.time.filter(|last| *last > now - TOLERANCE);
        match found {
            DateFound::Found { time, cut, .. } => {
                self.time = Some(time);
                self.text.clear();
                self.text
                    .push_str(line.text.get(cut.clone()).unwrap_or_default());
                Dated {
                    time: Some(time),
                    shown: Shown::Cut(cut),
                }
            }
            DateFound::Empty => match recent {
                Some(last) => Dated {
                    time: Some(last),
                    shown: Shown::Last,
                },
                None => Dated {
                    time: Some(now),
                    shown: Shown::Nothing,
                },
            },
            DateFound::None | DateFound::Unparsable { .. } if recent.is_some() => Dated {
                time: recent,
                shown: Shown::Last,
            },
            DateFound::Unparsable { cut } => Dated {
                time: None,
                shown: Shown::Cut(cut),
            },
            DateFound::None => Dated {
                time: None,
                shown: Shown::Nothing,
            },
        }
    }

    /// Applies the rules of catching up and operation to a line's time. Also tells by how much a date was off that
    /// gave way to now.
    pub(crate) fn settle(
        &mut self,
        time: Option<Timestamp>,
        findtime: Span,
        clock: &Clock<'_>,
    ) -> Settled {
        let now = clock.now;
        if !clock.in_operation {
            return match time {
                Some(time) if time < now - findtime => Settled::TooOld,
                // A date in the future is no reason to remember somebody for longer.
                Some(time) => Settled::At(time.min(now)),
                None => Settled::Unknown,
            };
        }
        match time {
            Some(time) if time >= now - TOLERANCE && time <= now + TOLERANCE => {
                Settled::At(time.min(now))
            }
            _ => {
                self.time = Some(now);
                Settled::Now {
                    skew: time.map(|time| time.since(now)),
                }
            }
        }
    }
}

/// When a line counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    At(Timestamp),
    /// Now, because it carries no date or one that is off by `skew`.
    Now {
        skew: Option<Span>,
    },
    TooOld,
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    const NOW: i64 = 1_000_000;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn found(secs: i64) -> DateFound {
        DateFound::Found {
            time: at(secs),
            cut: 0..4,
            template: 0,
        }
    }

    /// Dates a line after one that was dated `last`, and settles it with a findtime of 600 s.
    fn check(
        last: Option<i64>,
        date: DateFound,
        in_operation: bool,
        shown: &Shown,
        expected: Settled,
    ) {
        let mut dates = LastDate {
            time: last.map(at),
            text: "last".to_owned(),
        };
        let dated = dates.date(&Line::of_file("date rest"), date.clone(), at(NOW));
        assert_eq!(&dated.shown, shown, "{date:?}");
        let clock = Clock {
            now: at(NOW),
            zone: &TimeZone::UTC,
            in_operation,
        };
        assert_eq!(
            dates.settle(dated.time, Span::from_secs(600), &clock),
            expected,
            "{date:?}"
        );
    }

    #[test]
    fn while_catching_up_dates_count() {
        let cut = Shown::Cut(0..4);
        check(
            None,
            found(NOW - 600),
            false,
            &cut,
            Settled::At(at(NOW - 600)),
        );
        check(None, found(NOW - 601), false, &cut, Settled::TooOld);
        check(None, found(NOW + 3600), false, &cut, Settled::At(at(NOW)));
        check(
            None,
            DateFound::None,
            false,
            &Shown::Nothing,
            Settled::Unknown,
        );
        check(
            None,
            DateFound::Unparsable { cut: 0..4 },
            false,
            &cut,
            Settled::Unknown,
        );
        check(
            Some(NOW - 60),
            DateFound::None,
            false,
            &Shown::Nothing,
            Settled::Unknown,
        );
        check(
            Some(NOW - 59),
            DateFound::None,
            false,
            &Shown::Last,
            Settled::At(at(NOW - 59)),
        );
        check(
            Some(NOW - 59),
            DateFound::Unparsable { cut: 0..4 },
            false,
            &Shown::Last,
            Settled::At(at(NOW - 59)),
        );
        check(
            Some(NOW - 59),
            DateFound::Empty,
            false,
            &Shown::Last,
            Settled::At(at(NOW - 59)),
        );
        check(
            Some(NOW - 60),
            DateFound::Empty,
            false,
            &Shown::Nothing,
            Settled::At(at(NOW)),
        );
    }

    #[test]
    fn in_operation_a_line_is_new() {
        let cut = Shown::Cut(0..4);
        let skewed = |secs| Settled::Now {
            skew: Some(Span::from_secs(secs)),
        };
        check(None, found(NOW - 60), true, &cut, Settled::At(at(NOW - 60)));
        check(None, found(NOW - 61), true, &cut, skewed(-61));
        check(None, found(NOW + 60), true, &cut, Settled::At(at(NOW)));
        check(None, found(NOW + 61), true, &cut, skewed(61));
        check(
            None,
            DateFound::None,
            true,
            &Shown::Nothing,
            Settled::Now { skew: None },
        );
        check(
            None,
            DateFound::Empty,
            true,
            &Shown::Nothing,
            Settled::At(at(NOW)),
        );
    }

    #[test]
    fn a_date_that_gave_way_to_now_is_not_the_last_one() {
        let mut dates = LastDate::default();
        let dated = dates.date(&Line::of_file("date rest"), found(5), at(NOW));
        let clock = Clock {
            now: at(NOW),
            zone: &TimeZone::UTC,
            in_operation: true,
        };
        dates.settle(dated.time, Span::from_secs(600), &clock);
        assert_eq!(
            dates
                .date(&Line::of_file("x"), DateFound::None, at(NOW))
                .time,
            Some(at(NOW))
        );
        assert_eq!(dates.text(), "date");
    }
}
