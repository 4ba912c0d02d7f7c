//! From the fields of a date to a point in time.
//!
//! A date without a year is of this year, or of the last if that lay more than a day ahead; a time alone is of today,
//! or of yesterday if it lay ahead. fail2ban compares a date that has a zone as UTC with the local "now"; so does this.

use base::Timestamp;
use jiff::tz::TimeZone;

use super::civil::{self, DAY, WallClock, WallNow};
use super::digits::integer;
use super::directive::Field;
use super::zone::{ZoneSpec, offset_minutes};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The fields of one date as numbers; what the line did not say is None.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    year: Option<i32>,
    month: Option<i32>,
    day: Option<i32>,
    hour: i32,
    minute: i32,
    second: i32,
    /// Monday is 0.
    weekday: Option<i32>,
    year_day: Option<i32>,
    week: Option<Week>,
    /// Minutes east of UTC.
    offset: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Week {
    number: i32,
    from_monday: bool,
}

/// The zones of dates that name none themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zones<'a> {
    /// Of this log.
    pub(super) log: ZoneSpec,
    /// Of the machine, where the log has none.
    pub(super) machine: &'a TimeZone,
}

/// A converted date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Converted {
    /// None: no such date.
    pub(super) time: Option<Timestamp>,
    /// For which "now" the answer stays the same.
    pub(super) holds: Holds,
}

/// How long a converted date may be used again for the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// It does not depend on "now".
    Always,
    /// As long as "now" is in the same minute; and for every other second of the minute that the date tells.
    Minute,
    /// For this very "now" only: the minute changes its year or its day.
    Instant,
}

impl Fields {
    /// Reads the texts of the groups in their order; a later one wins. None: a text is no such field.
    pub(super) fn read<'a>(groups: impl Iterator<Item = (Field, &'a str)> + Clone) -> Option<Self> {
        let mut fields = Self::default();
        for (field, text) in groups.clone() {
            match field {
                Field::Year => fields.year = Some(integer(text)?),
                Field::ShortYear => {
                    fields.year = Some(
                        integer(text).map(|year| if year <= 2000 { year + 2000 } else { year })?,
                    )
                }
                Field::Month => fields.month = Some(integer(text)?),
                Field::MonthAbbreviation => fields.month = Some(abbreviated(text, &MONTHS)? + 1),
                Field::MonthName => fields.month = Some(named(text, &MONTHS)? + 1),
                Field::Day => fields.day = Some(integer(text)?),
                Field::Hour => fields.hour = integer(text)?,
                Field::Hour12 => fields.hour = hour_of_12(integer(text)?, groups.clone()),
                Field::Meridiem => {}
                Field::Minute => fields.minute = integer(text)?,
                Field::Second => fields.second = integer(text)?,
                Field::WeekdayAbbreviation => fields.weekday = Some(abbreviated(text, &WEEKDAYS)?),
                Field::WeekdayName => fields.weekday = Some(named(text, &WEEKDAYS)?),
                Field::WeekdayNumber => {
                    fields.weekday = Some(if integer(text)? < 1 {
                        6
                    } else {
                        integer(text)? - 1
                    })
                }
                Field::YearDay => fields.year_day = Some(integer(text)?),
                Field::SundayWeek => {
                    fields.week = Some(Week {
                        number: integer(text)?,
                        from_monday: false,
                    })
                }
                Field::MondayWeek => {
                    fields.week = Some(Week {
                        number: integer(text)?,
                        from_monday: true,
                    })
                }
                Field::Zone => fields.offset = Some(offset_minutes(text).ok()?),
            }
        }
        Some(fields)
    }

    /// The point in time.
    pub(super) fn convert(
        &self,
        zones: &Zones<'_>,
        clock: &mut WallClock,
        now: &WallNow,
    ) -> Converted {
        let mut holds = Holds::Always;
        let time = self.resolve(zones, clock, now, &mut holds);
        Converted { time, holds }
    }

    fn resolve(
        &self,
        zones: &Zones<'_>,
        clock: &mut WallClock,
        now: &WallNow,
        holds: &mut Holds,
    ) -> Option<Timestamp> {
        let mut year = self.year.unwrap_or(now.year);
        let (mut month, mut day) = (self.month, self.day);
        if self.year.is_none() {
            *holds = Holds::Minute;
        }
        if month.is_none() || day.is_none() {
            let year_day = self
                .year_day
                .map(i64::from)
                .or_else(|| year_day_of_week(year, self.week?, self.weekday?));
            if let Some(year_day) = year_day {
                let date = civil::date_of(civil::days(year, 1, 1)? + year_day - 1)?;
                (year, month, day) = (date.0, Some(date.1), Some(date.2));
            }
        }
        let time_only = month.is_none() && day.is_none();
        if time_only {
            *holds = Holds::Minute;
        }
        let (month, day) = if time_only {
            (now.month, now.day)
        } else {
            (month?, day?)
        };

        let in_range = (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second);
        if !in_range {
            return None;
        }
        let of_day =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        let mut wall = civil::days(year, month, day)? * DAY + of_day;

        let offset = self.offset.or(match zones.log {
            ZoneSpec::Fixed(minutes) => Some(minutes),
            ZoneSpec::Local => None,
        });
        if let Some(minutes) = offset {
            wall -= i64::from(minutes) * 60;
            if !civil::is_told(wall) {
                return None;
            }
        }
        if time_only && lies_ahead(wall, 0, now, holds) {
            wall -= DAY;
        }
        if self.year.is_none() && lies_ahead(wall, DAY, now, holds) {
            wall = civil::days(year - 1, month, day)? * DAY + wall.rem_euclid(DAY);
        }
        match offset {
            Some(_) => Some(Timestamp::from_secs(wall)),
            None => clock.time_of(wall, zones.machine),
        }
    }
}

/// Whether `wall` is more than `by` seconds after now; notes whether the answer changes within that minute or its own.
fn lies_ahead(wall: i64, by: i64, now: &WallNow, holds: &mut Holds) -> bool {
    let limit = (wall - by) * 1_000_000;
    let (first, last) = now.span();
    let minute = (wall - by).div_euclid(60) * 60_000_000;
    let is_sure = minute > last || minute + 59_000_000 <= first;
    if !is_sure {
        *holds = Holds::Instant;
    }
    limit > now.now
}

fn hour_of_12<'a>(hour: i32, mut groups: impl Iterator<Item = (Field, &'a str)>) -> i32 {
    let meridiem = groups
        .find(|(field, _)| *field == Field::Meridiem)
        .map_or("", |(_, text)| text);
    if meridiem.eq_ignore_ascii_case("pm") {
        if hour == 12 {
            12
        } else {
            hour.saturating_add(12)
        }
    } else if hour == 12 && (meridiem.is_empty() || meridiem.eq_ignore_ascii_case("am")) {
        0
    } else {
        hour
    }
}

fn abbreviated(text: &str, names: &[&str]) -> Option<i32> {
    let text: &[u8; 3] = text.as_bytes().try_into().ok()?;
    let is = |name: &[u8; 3]| name.eq_ignore_ascii_case(text);
    position(names, |name| name.as_bytes().first_chunk().is_some_and(is))
}

fn named(text: &str, names: &[&str]) -> Option<i32> {
    position(names, |name| name.eq_ignore_ascii_case(text))
}

fn position(names: &[&str], is: impl Fn(&str) -> bool) -> Option<i32> {
    names
        .iter()
        .position(|name| is(name))
        .and_then(|at| i32::try_from(at).ok())
}

/// The day of the year, counted from 1 and perhaps before it, of a weekday in a numbered week.
///
/// Week 1 begins with the first Sunday (or Monday) of the year; the days before it are week 0.
fn year_day_of_week(year: i32, week: Week, weekday: i32) -> Option<i64> {
    let new_year = (civil::days(year, 1, 1)? + 3).rem_euclid(7);
    let weekday = i64::from(weekday);
    let (first, weekday) = if week.from_monday {
        (new_year, weekday)
    } else {
        ((new_year + 1) % 7, (weekday + 1) % 7)
    };
    Some(match i64::from(week.number) {
        0 => 1 + weekday - first,
        number => 1 + (7 - first) % 7 + 7 * (number - 1) + weekday,
    })
}
