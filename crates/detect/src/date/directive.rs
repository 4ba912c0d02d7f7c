//! The `%`-directives of a date pattern: what each matches and what its text means.
//!
//! A directive becomes one named group of a Python regular expression; the name says which field of the date it
//! carries, so a pattern may also write such a group by hand. Names of months and days are English whatever the
//! locale, because logs are. Which text a directive takes first when several would do is observable (`{UNB}%d` on
//! `31`), so the order of alternatives is fixed by fail2ban's.

/// A part of a date that a group carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `Y`: four digits.
    Year,
    /// `y`: two digits of this century.
    ShortYear,
    /// `m`: 1 to 12.
    Month,
    /// `b`: `jan` … `dec`.
    MonthAbbreviation,
    /// `B`: `january` … `december`.
    MonthName,
    /// `d`: day of the month.
    Day,
    /// `H`: hour of 24.
    Hour,
    /// `I`: hour of 12.
    Hour12,
    /// `p`: `am` or `pm`; read together with `I`.
    Meridiem,
    /// `M`.
    Minute,
    /// `S`.
    Second,
    /// `a`: `mon` … `sun`.
    WeekdayAbbreviation,
    /// `A`: `monday` … `sunday`.
    WeekdayName,
    /// `w`: 0 is Sunday.
    WeekdayNumber,
    /// `j`: day of the year.
    YearDay,
    /// `U`: week of the year, weeks begin on Sunday.
    SundayWeek,
    /// `W`: week of the year, weeks begin on Monday.
    MondayWeek,
    /// `z` or `Z`: an offset, an abbreviation or both.
    Zone,
}

impl Field {
    /// The field that a group of this name carries; other names carry none.
    pub(super) fn of_group(name: &str) -> Option<Self> {
        Some(match name {
            "Y" => Self::Year,
            "y" => Self::ShortYear,
            "m" => Self::Month,
            "b" => Self::MonthAbbreviation,
            "B" => Self::MonthName,
            "d" => Self::Day,
            "H" => Self::Hour,
            "I" => Self::Hour12,
            "p" => Self::Meridiem,
            "M" => Self::Minute,
            "S" => Self::Second,
            "a" => Self::WeekdayAbbreviation,
            "A" => Self::WeekdayName,
            "w" => Self::WeekdayNumber,
            "j" => Self::YearDay,
            "U" => Self::SundayWeek,
            "W" => Self::MondayWeek,
            "z" | "Z" => Self::Zone,
            _ => return None,
        })
    }
}

/// A pattern with its directives replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The regular expression.
    pub(super) regex: String,
    /// The pattern in words, as fail2ban shows it: `Year-Month-Day 24hour:Minute:Second`.
    pub(super) name: String,
}

struct Directive {
    key: &'static str,
    label: &'static str,
    shape: Shape,
}

enum Shape {
    /// Text before the group, name of the group, what it matches.
    Group(&'static str, &'static str, &'static str),
    /// The years near the start of the program.
    NearYear,
    /// A whole expression.
    Composite(&'static str),
}

use Shape::{Composite, Group, NearYear};

const MONTHS: &str = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const MONTH_NAMES: &str =
    "january|february|march|april|may|june|july|august|september|october|november|december";
const DAYS: &str = "mon|tue|wed|thu|fri|sat|sun";
const DAY_NAMES: &str = "monday|tuesday|wednesday|thursday|friday|saturday|sunday";

const fn directive(key: &'static str, label: &'static str, shape: Shape) -> Directive {
    Directive { key, label, shape }
}

/// Longer keys first, so that the first key that fits is the right one.
#[rustfmt::skip]
const DIRECTIVES: &[Directive] = &[
    directive("ExY", "ExYear", NearYear),
    directive("Exy", "ExYear2", Group("", "y", r"\d{2}")),
    directive("Exm", "ExMonth", Group("", "m", "0[1-9]|1[0-2]")),
    directive("Exd", "ExDay", Group("", "d", r"[12]\d|0[1-9]|3[01]")),
    directive("ExH", "Ex24hour", Group("", "H", r"[01]\d|2[0-3]")),
    directive("Exk", "%Exk", Group(" ?", "H", r"[01]?\d|2[0-3]")),
    directive("Exl", "%Exl", Group(" ?", "I", r"1[0-2]|\d")),
    directive("ExM", "ExMinute", Group("", "M", r"[0-5]\d")),
    directive("ExS", "ExSecond", Group("", "S", r"[0-5]\d|6[01]")),
    directive("Exz", "ExZone offset", Group("", "z",
        r"(?:[A-Z](?:[A-Z]{2,4})?)?[+-][01]\d(?::?\d{2})?|[A-Z](?:[A-Z]{2,4})?")),
    directive("ExZ", "ExZone name", Group("", "Z", "[A-Z](?:[A-Z]{2,4})?")),
    directive("Y", "Year", Group("", "Y", r"\d{4}")),
    directive("y", "Year2", Group("", "y", r"\d\d")),
    directive("m", "Month", Group("", "m", "0?[1-9]|1[0-2]")),
    directive("b", "MON", Group("", "b", MONTHS)),
    directive("B", "MONTH", Group("", "B", MONTH_NAMES)),
    directive("d", "Day", Group("", "d", r"[12]\d|[0 ]?[1-9]|3[01]")),
    directive("a", "DAY", Group("", "a", DAYS)),
    directive("A", "DAYNAME", Group("", "A", DAY_NAMES)),
    directive("w", "Weekday", Group("", "w", "[0-6]")),
    directive("u", "%u", Group("", "u", "[1-7]")),
    directive("H", "24hour", Group("", "H", r"[01]?\d|2[0-3]")),
    directive("k", "%k", Group(" ?", "H", r"[0-2]?\d")),
    directive("I", "12hour", Group("", "I", "1[0-2]|0[1-9]|[1-9]")),
    directive("l", "%l", Group(" ?", "I", r"1?\d")),
    directive("p", "AMPM", Group("", "p", "am|pm")),
    directive("M", "Minute", Group("", "M", r"[0-5]?\d")),
    directive("S", "Second", Group("", "S", r"[0-5]?\d|6[01]")),
    directive("f", "Microseconds", Group("", "f", "[0-9]{1,6}")),
    directive("j", "Yearday", Group("", "j", r"36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]")),
    directive("U", "Yearweek", Group("", "U", r"5[0-3]|[0-4]\d|\d")),
    directive("W", "Yearweek", Group("", "W", r"5[0-3]|[0-4]\d|\d")),
    directive("V", "%V", Group("", "V", r"5[0-3]|0[1-9]|[1-4]\d|\d")),
    directive("G", "%G", Group("", "G", r"\d{4}")),
    directive("z", "Zone offset", Group("", "z", r"Z|UTC|GMT|[+-][01]\d(?::?\d{2})?")),
    directive("Z", "Zone name", Group("", "Z", "Z|[A-Z]{3,5}")),
    directive("c", "%c", Composite(concat!(
        r"(?P<a>mon|tue|wed|thu|fri|sat|sun)\s+(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\s+",
        r"(?P<d>3[01]|[12]\d|0[1-9]|[1-9]| [1-9])\s+",
        r"(?P<H>2[0-3]|[01]\d|\d):(?P<M>[0-5]\d|\d):(?P<S>6[01]|[0-5]\d|\d)\s+(?P<Y>\d{4})"))),
    directive("x", "%x", Composite(
        r"(?P<m>1[0-2]|0[1-9]|[1-9])/(?P<d>3[01]|[12]\d|0[1-9]|[1-9]| [1-9])/(?P<y>\d\d)")),
    directive("X", "%X", Composite(r"(?P<H>2[0-3]|[01]\d|\d):(?P<M>[0-5]\d|\d):(?P<S>6[01]|[0-5]\d|\d)")),
    directive("%", "%", Composite("%")),
];

/// Replaces the directives of `pattern`. `%ExY` takes the years from 2000 to the decade of `start_year` + 3.
///
/// # Errors
/// A `%` that begins no directive; the message names what follows it.
pub(super) fn expand(pattern: &str, start_year: i32) -> Result<Expanded, String> {
    let mut out = Expanded {
        regex: String::new(),
        name: String::new(),
    };
    // A pattern with words in it ignores case as a whole: there is no telling apart inside of one expression.
    if ignores_case(pattern) {
        out.regex.push_str("(?iu)");
    }
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        let (literal, tail) = rest.split_at(at);
        out.regex.push_str(literal);
        out.name.push_str(literal);
        let key = &tail[1..];
        let Some(found) = DIRECTIVES
            .iter()
            .find(|directive| key.starts_with(directive.key))
        else {
            return Err(match key.chars().next() {
                Some(letter) => {
                    format!("%{letter} is no date directive; write %% for a percent sign")
                }
                None => "a single % at the end; write %% for a percent sign".to_owned(),
            });
        };
        out.name.push_str(found.label);
        match found.shape {
            Composite(text) => out.regex.push_str(text),
            Group(before, group, body) => push_group(&mut out.regex, before, group, body),
            NearYear => push_group(&mut out.regex, "", "Y", &near_years(start_year)),
        }
        rest = &key[found.key.len()..];
    }
    out.regex.push_str(rest);
    out.name.push_str(rest);
    Ok(out)
}

/// A directive that stands there twice makes two groups of one name and the expression invalid, as in Python.
fn push_group(regex: &mut String, before: &str, group: &str, body: &str) {
    regex.push_str(&format!("{before}(?P<{group}>{body})"));
}

/// Whether `%a %A %b %B %p %c` stands in the pattern (and is no escaped percent sign).
fn ignores_case(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    (0..bytes.len().saturating_sub(1)).any(|at| {
        bytes[at] == b'%'
            && (at == 0 || bytes[at - 1] != b'%')
            && b"aAbBpc".contains(&bytes[at + 1])
    })
}

/// The years that a log read by a program started in `start_year` can hold: from 2000 (or last year, if the clock
/// says less) to three years ahead, in whole decades.
fn near_years(start_year: i32) -> String {
    let year = start_year.clamp(1001, 9990);
    let decades: Vec<String> = (200.min((year - 1) / 10)..=(year + 3) / 10)
        .map(|decade| decade.to_string())
        .collect();
    format!(r"(?:{})\d", decades.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, regex: &str, name: &str) {
        let expanded = expand(pattern, 2026).unwrap();
        assert_eq!(
            (expanded.regex.as_str(), expanded.name.as_str()),
            (regex, name),
            "{pattern}"
        );
    }

    #[test]
    fn directives_become_named_groups() {
        check(
            "%Y-%Exm",
            r"(?P<Y>\d{4})-(?P<m>0[1-9]|1[0-2])",
            "Year-ExMonth",
        );
        check("%ExY", r"(?P<Y>(?:200|201|202)\d)", "ExYear");
        check("%k", r" ?(?P<H>[0-2]?\d)", "%k");
        check("100%%Y", "100%Y", "100%Y");
        check("%p", "(?iu)(?P<p>am|pm)", "AMPM");
        check("%%p", "%p", "%p");
    }

    #[test]
    fn near_years_follow_the_start() {
        for (start, last) in [(2026, "202"), (2027, "203"), (2096, "209"), (2097, "210")] {
            assert!(
                near_years(start).ends_with(&format!(r"{last})\d")),
                "{start}"
            );
        }
    }

    #[test]
    fn what_is_no_directive_is_refused() {
        for pattern in ["%Q", "%Y %", "%s", "%(x)s", "%Ex", "%é"] {
            assert!(expand(pattern, 2026).is_err(), "{pattern}");
        }
    }
}
