//! One line, one pattern, one time: the rules that are easy to get wrong.

use base::Timestamp;
use jiff::tz::TimeZone;

use crate::date::{DateDetector, DateFound, ZoneSpec, detect};

const START_YEAR: i32 = 2026;

fn seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

fn detector(pattern: Option<&str>, zone: Option<&str>) -> DateDetector {
    let zone = zone.map_or(ZoneSpec::Local, |text| ZoneSpec::parse(text).unwrap());
    DateDetector::new(pattern, zone, START_YEAR).unwrap()
}

/// `expected`: a time in UTC, or one of the other outcomes by name.
fn check(pattern: Option<&str>, zone: &str, now: &str, line: &str, expected: &str) {
    let detector = detector(pattern, None);
    let mut state = detector.new_state();
    let zone = TimeZone::get(zone).unwrap();
    let found = detect(
        &detector,
        &mut state,
        line,
        Timestamp::from_secs(seconds(now)),
        &zone,
    );
    let outcome = match found {
        DateFound::None => "none".to_owned(),
        DateFound::Empty => "empty".to_owned(),
        DateFound::Unparsable { .. } => "unparsable".to_owned(),
        DateFound::Found { time, .. } => jiff::Timestamp::from_microsecond(time.as_micros())
            .unwrap()
            .to_string(),
    };
    assert_eq!(outcome, expected, "{pattern:?} {zone:?} {now} {line:?}");
}

const NOW: &str = "2026-11-22T12:00:00Z";

#[test]
fn a_date_without_a_year_is_of_the_last_twelve_months() {
    for (now, line, expected) in [
        (
            "2026-01-01T00:00:05Z",
            "Dec 31 23:59:59 x",
            "2025-12-31T23:59:59Z",
        ),
        (
            "2026-12-31T23:59:59Z",
            "Jan  1 00:00:05 x",
            "2026-01-01T00:00:05Z",
        ),
        // A day ahead is a wrong zone, more is last year.
        (
            "2026-11-22T12:00:00Z",
            "Nov 23 12:00:00 x",
            "2026-11-23T12:00:00Z",
        ),
        (
            "2026-11-22T12:00:00Z",
            "Nov 23 12:00:01 x",
            "2025-11-23T12:00:01Z",
        ),
        (
            "2024-03-01T00:00:00Z",
            "Feb 29 10:00:00 x",
            "2024-02-29T10:00:00Z",
        ),
        ("2026-03-01T00:00:00Z", "Feb 29 10:00:00 x", "unparsable"),
        ("2024-02-27T00:00:00Z", "Feb 29 10:00:00 x", "unparsable"),
    ] {
        check(None, "UTC", now, line, expected);
    }
}

#[test]
fn a_time_alone_is_of_today_or_yesterday() {
    check(None, "UTC", NOW, "11:59:59 x", "2026-11-22T11:59:59Z");
    check(None, "UTC", NOW, "12:00:00 x", "2026-11-22T12:00:00Z");
    check(None, "UTC", NOW, "12:00:01 x", "2026-11-21T12:00:01Z");
    check(
        None,
        "Asia/Kolkata",
        "2026-01-01T00:00:00Z",
        "05:30:01 x",
        "2025-12-31T00:00:01Z",
    );
}

#[test]
fn summer_time_comes_and_goes() {
    for (line, expected) in [
        ("2026-03-29 01:59:59 x", "2026-03-29T00:59:59Z"),
        // The clocks skip this hour: it counts on as if they had not been changed yet.
        ("2026-03-29 02:30:00 x", "2026-03-29T01:30:00Z"),
        ("2026-03-29 03:00:00 x", "2026-03-29T01:00:00Z"),
        ("2026-10-25 02:30:00 x", "2026-10-25T00:30:00Z"),
        ("2026-10-25 03:00:00 x", "2026-10-25T02:00:00Z"),
        ("2026-10-25 02:30:00 +0100 x", "2026-10-25T01:30:00Z"),
    ] {
        check(None, "Europe/Berlin", NOW, line, expected);
    }
}

#[test]
fn an_hour_that_comes_twice_goes_on_as_it_began() {
    let detector = detector(None, None);
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    for (before, expected) in [
        ("2026-10-25 01:59:59 x", "2026-10-25T00:30:00Z"),
        ("2026-01-01 00:00:00 x", "2026-10-25T01:30:00Z"),
    ] {
        let mut state = detector.new_state();
        let now = Timestamp::from_secs(seconds(NOW));
        detect(&detector, &mut state, before, now, &zone);
        let found = detect(&detector, &mut state, "2026-10-25 02:30:00 x", now, &zone);
        assert_eq!(
            found,
            DateFound::Found {
                time: Timestamp::from_secs(seconds(expected)),
                cut: 0..19,
                template: 0
            }
        );
    }
}

#[test]
fn what_is_no_date_is_unparsable() {
    for line in [
        "2026-02-30 10:00:00 x",
        "2026-02-29 10:00:00 x",
        "2026-11-31 10:00:00",
        "2026-11-22 10:00:60 x",
    ] {
        check(None, "UTC", NOW, line, "unparsable");
    }
    // The original loses these lines.
    check(None, "UTC", NOW, "ABC Nov 22 10:00:00 x", "unparsable");
    check(Some("^%d"), "UTC", NOW, "22 x", "unparsable");
    check(Some("^%B"), "UTC", NOW, "November x", "unparsable");
}

#[test]
fn words_of_a_pattern() {
    for (pattern, line, expected) in [
        ("{NONE}", "x", "empty"),
        ("{NONE}", "", "empty"),
        ("()**", "x", "empty"),
        (
            "ISO8601",
            "x 2026-11-22T10:00:00Z x",
            "2026-11-22T10:00:00Z",
        ),
        (
            "^iso8601",
            "2026-11-22 10:00:00+01:00 x",
            "2026-11-22T09:00:00Z",
        ),
        (
            "{^LN-BEG}ISO8601",
            "[2026-11-22 10:00:00] x",
            "2026-11-22T10:00:00Z",
        ),
        ("^iso8601", "x 2026-11-22 10:00:00+01:00 x", "none"),
        ("{^LN-BEG}", "x 2026-11-22 10:00:00", "none"),
        ("{^LN-BEG}", "[[2026-11-22 10:00:00", "2026-11-22T10:00:00Z"),
        ("{^LN-BEG}", "[[[2026-11-22 10:00:00", "none"),
        (
            "a={DATE};",
            "x a=Nov 22 10:00:00; x",
            "2026-11-22T10:00:00Z",
        ),
        (
            "ts={LEPOCH}ms",
            "ts=1795392000123ms",
            "2026-11-23T00:00:00.123Z",
        ),
        (
            "%Y-%m-%d %I:%M %p",
            "2026-11-22 12:05 am",
            "2026-11-22T00:05:00Z",
        ),
        (
            "%Y-%m-%d %I:%M %p",
            "2026-11-22 12:05 PM",
            "2026-11-22T12:05:00Z",
        ),
        ("%j %Y %H:%M", "326 2026 10:00", "2026-11-22T10:00:00Z"),
        ("%Y %W %a", "2026 46 Sun", "2026-11-22T00:00:00Z"),
        (
            "%Y-%m-%d %H:%M:%S %Exz",
            "2026-11-22 10:00:00 EST-0500",
            "2026-11-22T20:00:00Z",
        ),
        ("%Y-%m-%d", "v2026-11-22", "none"),
        ("**%Y-%m-%d", "v2026-11-22", "2026-11-22T00:00:00Z"),
    ] {
        check(Some(pattern), "UTC", NOW, line, expected);
    }
    check(None, "UTC", NOW, "id=1795392000 x", "none");
    check(
        None,
        "UTC",
        NOW,
        "type=USER audit(1795392000.5:1): x",
        "2026-11-23T00:00:00Z",
    );
}

#[test]
fn what_is_cut_is_group_one() {
    for (pattern, line, cut) in [
        ("a={DATE};", "a=Nov 22 10:00:00; x", 0..18),
        ("a=({DATE});", "a=Nov 22 10:00:00; x", 2..17),
        (r"^\[%H:%M:%S\]", "[10:00:00] x", 0..10),
        (r"\bts=({EPOCH})\b", "ä ts=1795392000 x", 3..16),
    ] {
        let detector = detector(Some(pattern), None);
        let found = detect(
            &detector,
            &mut detector.new_state(),
            line,
            Timestamp::from_secs(seconds(NOW)),
            &TimeZone::UTC,
        );
        assert!(
            matches!(&found, DateFound::Found { cut: found, .. } if *found == cut),
            "{pattern}: {found:?}"
        );
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    for (pattern, part) in [
        ("%Q", "%Q"),
        ("(", "unterminated"),
        ("%Y-%m-%d|%d.%m.%Y", "redefinition"),
        ("{DATE} or {DATE}", "redefinition"),
        ("%H:%M\n%H:%M", "already"),
        ("%s", "%s"),
        ("{^LN-BEG}\n{^LN-BEG}%Y\n{^LN-BEG}%Y", "already"),
    ] {
        let error = DateDetector::new(Some(pattern), ZoneSpec::Local, START_YEAR).unwrap_err();
        assert!(error.to_string().contains(part), "{pattern:?}: {error}");
    }
}

#[test]
fn detectors_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<DateDetector>();
}
