//! Seconds of a wall clock, counted as if it showed UTC.
//!
//! Comparing and shifting wall times needs no zone; only the last step from a wall time to a point in time does.

use base::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Seconds of one day.
pub(super) const DAY: i64 = 86_400;

/// Wall seconds of 0001-01-01 00:00:00, the first that Python can tell.
const FIRST: i64 = -62_135_596_800;
/// Wall seconds of 9999-12-31 23:59:59.
const LAST: i64 = 253_402_300_799;

/// Days since 1970-01-01, or None if there is no such day or its year is not among 1 to 9999.
pub(super) fn days(year: i32, month: i32, day: i32) -> Option<i64> {
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok().filter(|year| *year >= 1)?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()?;
    // Counted in cycles of 400 years that begin on the first of March, so that a leap day is the last of its year.
    let (year, month) = (i64::from(date.year()), i64::from(date.month()));
    let shifted = if month <= 2 { year - 1 } else { year };
    let of_cycle = shifted.rem_euclid(400);
    let of_year =
        (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(date.day()) - 1;
    let of_days = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    Some(shifted.div_euclid(400) * 146_097 + of_days - 719_468)
}

/// Year, month and day of a count of days since 1970-01-01; None outside of the years 1 to 9999.
pub(super) fn date_of(days: i64) -> Option<(i32, i32, i32)> {
    if !is_told(days.checked_mul(DAY)?) {
        return None;
    }
    let days = days + 719_468;
    let of_cycle = days.rem_euclid(146_097);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = days.div_euclid(146_097) * 400 + year + i64::from(month <= 2);
    Some((year as i32, month as i32, day as i32))
}

/// Whether Python can hold this wall time.
pub(super) fn is_told(wall: i64) -> bool {
    (FIRST..=LAST).contains(&wall)
}

/// Turns wall times of one log into points in time.
///
/// A time that the clocks skip counts on with the offset before the change. One that comes twice takes the offset of
/// the date before it, as the C library does (there for the whole process), else the first of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WallClock {
    /// Seconds east of UTC of the last date.
    last_offset: Option<i32>,
}

impl WallClock {
    /// The point in time at which the clocks of `zone` show `wall`.
    pub(super) fn time_of(&mut self, wall: i64, zone: &TimeZone) -> Option<Timestamp> {
        let (year, month, day) = date_of(wall.div_euclid(DAY))?;
        let second = wall.rem_euclid(DAY);
        let shown = DateTime::new(
            year as i16,
            month as i8,
            day as i8,
            (second / 3600) as i8,
            (second / 60 % 60) as i8,
            (second % 60) as i8,
            0,
        )
        .ok()?;
        let offset = match zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset }
            | AmbiguousOffset::Gap { before: offset, .. } => offset,
            AmbiguousOffset::Fold { after, .. } if self.last_offset == Some(after.seconds()) => {
                after
            }
            AmbiguousOffset::Fold { before, .. } => before,
        };
        self.last_offset = Some(offset.seconds());
        Some(Timestamp::from_secs(wall - i64::from(offset.seconds())))
    }
}

/// What the clock on the wall shows now, and how long its minute lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallNow {
    /// Microseconds of the wall clock less those of the time.
    offset: i64,
    /// The current time and date.
    pub(super) now: i64,
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) day: i32,
    /// Microseconds of the time: in `from..until` all above stays the same but `now`.
    from: i64,
    until: i64,
}

impl WallNow {
    pub(super) fn new(now: Timestamp, zone: &TimeZone) -> Option<Self> {
        let micros = now.as_micros();
        let offset_at = |micros: i64| {
            let stamp = jiff::Timestamp::from_microsecond(micros).ok()?;
            Some(i64::from(zone.to_offset(stamp).seconds()) * 1_000_000)
        };
        let offset = offset_at(micros)?;
        let minute = micros - micros.rem_euclid(60_000_000);
        // A whole minute ends no day and no summer time, if it is a whole minute of the wall clock as well.
        let steady = offset % 60_000_000 == 0
            && offset_at(minute) == Some(offset)
            && offset_at(minute + 59_999_999) == Some(offset);
        let (from, until) = if steady {
            (minute, minute + 60_000_000)
        } else {
            (micros, micros + 1)
        };
        let now = micros + offset;
        let (year, month, day) = date_of(now.div_euclid(1_000_000).div_euclid(DAY))?;
        Some(Self {
            offset,
            now,
            year,
            month,
            day,
            from,
            until,
        })
    }

    /// Goes on to another time, if that lies in the same minute.
    pub(super) fn go_to(&mut self, now: Timestamp) -> bool {
        let micros = now.as_micros();
        let holds = (self.from..self.until).contains(&micros);
        if holds {
            self.now = micros + self.offset;
        }
        holds
    }

    /// The earliest and the latest wall time, in microseconds, that this goes on to.
    pub(super) fn span(&self) -> (i64, i64) {
        (self.from + self.offset, self.until - 1 + self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_both_ways() {
        for (year, month, day, count) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -1),
            (2000, 2, 29, 11_016),
            (2026, 11, 22, 20_779),
            (1, 1, 1, -719_162),
            (9999, 12, 31, 2_932_896),
        ] {
            assert_eq!(days(year, month, day), Some(count));
            assert_eq!(date_of(count), Some((year, month, day)));
        }
        for (year, month, day) in [
            (2026, 2, 29),
            (0, 1, 1),
            (10_000, 1, 1),
            (2026, 13, 1),
            (2026, 1, 0),
            (-5, 1, 1),
            (2026, 300, 1),
        ] {
            assert_eq!(days(year, month, day), None);
        }
        assert_eq!(date_of(2_932_897), None);
        assert_eq!(date_of(i64::MAX), None);
    }
}
