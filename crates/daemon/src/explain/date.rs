//! The date of the line: which format found it, and whether it is of any use now.

use super::Way;
use super::chain::step;
use super::expressions::Seen;
use base::{Span, Timestamp, format_duration};
use wire::explain::{Outcome, Stage, Step};

/// So far a date may be off before anybody wonders.
const TOLERANCE: i64 = 60;
/// Zones are at most so far apart.
const ZONES: i64 = 26 * 3600;
/// From this age on a date without a year may have been taken for one of the year before.
const MONTHS: i64 = 200 * 86_400;

pub(super) fn step_of(way: &Way<'_>, seen: &Seen, line: &str) -> Step {
    let pattern = way
        .spec
        .filter
        .datepattern
        .as_ref()
        .map(|value| value.text.trim());
    let Some(cut) = seen.cut() else {
        if pattern.is_some_and(|pattern| pattern.contains("{NONE}")) {
            let text =
                "datepattern says that its lines carry none: they count as of when they are read";
            return step(Stage::Date, Outcome::Ok, text);
        }
        return none(way, pattern);
    };
    let Some(time) = cut.time else {
        let text = line.get(cut.bytes.clone()).unwrap_or_default();
        let mut doubt = step(
            Stage::Date,
            Outcome::Doubt,
            format!("'{text}' has the form of a date and is none"),
        );
        doubt.help = Some("set datepattern to the format of this log".into());
        return doubt;
    };
    let rule = &way.jail.rule;
    let template = cut.template.and_then(|at| rule.dates().template_name(at));
    let offset = time.since(way.now).as_secs();
    let text = line.get(cut.bytes.clone()).unwrap_or_default();
    let is_yearless = !has_year(text);
    let (outcome, judged, help) = judge(way, offset, is_yearless);
    let mut dated = step(
        Stage::Date,
        outcome,
        format!(
            "{}, {judged}{}",
            crate::log::local(time, way.zone),
            template.map_or_else(String::new, |name| format!(", by {name}"))
        ),
    );
    if outcome != Outcome::Ok {
        // The cause first; the format is not what is wrong.
        dated.text = format!(
            "the line is {judged}: its date is {}",
            crate::log::local(time, way.zone)
        );
    }
    dated.help = help;
    dated.facts.time = Some(time.as_secs());
    dated.facts.offset = Some(offset);
    dated.facts.template = template.map(str::to_owned);
    dated
}

fn none(way: &Way<'_>, pattern: Option<&str>) -> Step {
    let is_quoted = |text: &str| {
        let quote = text.chars().next().filter(|c| "\"'".contains(*c));
        quote.is_some_and(|quote| text.len() > 1 && text.ends_with(quote))
    };
    let (text, help) = match pattern {
        Some(pattern) => (
            format!("datepattern finds no date in the line ({pattern})"),
            match is_quoted(pattern) {
                true => "the quotes are part of the pattern: leave them out",
                false => {
                    "write the format of this log, e.g. datepattern = ^%%Y-%%m-%%d %%H:%%M:%%S, or leave it out"
                }
            },
        ),
        None => (
            "none of the built-in formats finds a date in the line".to_owned(),
            "set datepattern to the format of this log",
        ),
    };
    let more = match way.jail.rule.prefregex().is_some() || way.spec.filter.maxlines > 1 {
        true => " (one of a session may go without)",
        false => "",
    };
    let mut doubt = step(
        Stage::Date,
        Outcome::Doubt,
        format!("{text}{more}: it counts only if it is read while it is new, as of then"),
    );
    doubt.help = Some(help.into());
    doubt
}

/// What the distance from now means.
fn judge(way: &Way<'_>, offset: i64, is_yearless: bool) -> (Outcome, String, Option<String>) {
    let findtime = way.jail.policy.findtime.as_secs();
    let length = format_duration(offset.abs());
    if offset > TOLERANCE {
        let help = format!(
            "{}a date in the future counts as of when it is read",
            zone_help(offset).unwrap_or_else(|| "correct the clock that wrote it; ".into())
        );
        let text = format!("{length} in the future (is logtimezone wrong?)");
        return (Outcome::Doubt, text, Some(help));
    }
    if offset >= -findtime {
        let time = way.now + Span::from_secs(offset);
        return (Outcome::Ok, ago(way.now, time), None);
    }
    let mut help = String::new();
    let mut text = format!(
        "{length} old, older than findtime = {}",
        format_duration(findtime)
    );
    if is_yearless && -offset > MONTHS {
        text.push_str(" (a date without a year that lies in the future is taken for last year's: is logtimezone wrong?)");
    }
    if let Some(zone) = zone_help(offset) {
        help.push_str(&zone);
    }
    help.push_str("a line counts for findtime after its date; one that is read while it is new counts as of then");
    (Outcome::Stop, text, Some(help))
}

/// What to set if a line that is new is so far off, because of its zone; zones are whole quarters of an hour apart.
fn zone_help(offset: i64) -> Option<String> {
    let off_quarter = (offset.abs() + TOLERANCE) % 900;
    let is_near = off_quarter <= 2 * TOLERANCE && offset.abs() >= 900 - TOLERANCE;
    (offset.abs() <= ZONES && is_near).then(|| {
        "if it was written just now, the service logs in another zone: set logtimezone of the jail (e.g. UTC, or \
         UTC+0200), or the zone of the service; "
            .to_owned()
    })
}

/// Four digits side by side, or seconds since 1970.
fn has_year(text: &str) -> bool {
    let digits = text.split(|c: char| !c.is_ascii_digit());
    digits.map(str::len).any(|length| length >= 4)
}

/// How long before now something was.
pub(crate) fn ago(now: Timestamp, time: Timestamp) -> String {
    match now.since(time).as_secs() {
        ..=0 => "just now".to_owned(),
        secs => format!("{} ago", format_duration(secs)),
    }
}

/// True if a failure at this time counts now.
pub(super) fn is_recent(time: Timestamp, now: Timestamp, findtime: Span) -> bool {
    time >= now - findtime
}
