//! The cases that fail2ban itself answered; they lie beside the repository and are not part of it.

use std::collections::BTreeMap;
use std::io::Write as _;

use base::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::date::{DateDetector, DateFound, ZoneSpec, detect};

const CASES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/cases/date-cases/cases.jsonl"
);

/// The year in which the recorded fail2ban was started.
const START_YEAR: i32 = 2026;

#[test]
fn dates_are_found_and_read_as_by_fail2ban() {
    #[expect(clippy::disallowed_methods, reason = "a test may read its cases")]
    let Ok(text) = std::fs::read_to_string(CASES) else {
        // Past the test harness's capture, so that a run without the cases says so.
        writeln!(std::io::stderr(), "SKIPPED: date cases: no {CASES}").unwrap();
        return;
    };
    let mut tally = Tally::default();
    let mut detectors = BTreeMap::new();
    for case in text.lines() {
        let case: Value = serde_json::from_str(case).unwrap();
        let key = (
            case["datepattern"].to_string(),
            case["logtimezone"].to_string(),
        );
        let detector = detectors.entry(key).or_insert_with(|| detector_of(&case));
        check(&case, detector, &mut tally);
    }
    let Tally {
        lines,
        excused,
        faults,
    } = tally;
    assert!(lines > 3_000, "only {lines} lines in {CASES}");
    assert!(excused <= 3, "{excused} lines are excused");
    assert!(
        faults.is_empty(),
        "{} of {lines} lines differ:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[derive(Default)]
struct Tally {
    lines: usize,
    excused: usize,
    faults: Vec<String>,
}

fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name)
        .or_else(|_| TimeZone::posix(name))
        .unwrap()
}

fn detector_of(case: &Value) -> Result<DateDetector, String> {
    let zone = match case["logtimezone"].as_str() {
        Some(text) => ZoneSpec::parse(text).map_err(|error| error.to_string())?,
        None => ZoneSpec::Local,
    };
    DateDetector::new(case["datepattern"].as_str(), zone, START_YEAR)
        .map_err(|error| error.to_string())
}

fn check(case: &Value, detector: &Result<DateDetector, String>, tally: &mut Tally) {
    let lines = case["lines"].as_array().unwrap();
    let refused = case.get("setup_error").is_some();
    // A pattern that fails when it is first used is refused at once.
    let unusable = lines.iter().all(|line| line["error"] == "error");
    let name = format!(
        "{} {} {}",
        case["id"], case["datepattern"], case["logtimezone"]
    );
    let detector = match detector {
        Ok(detector) if !refused && !unusable => detector,
        Ok(_) => {
            return tally
                .faults
                .push(format!("{name}: should have been refused"));
        }
        Err(_) if refused || unusable => return,
        Err(error) => return tally.faults.push(format!("{name}: {error}")),
    };
    let zone = zone_of(case["tz"].as_str().unwrap());
    let now = Timestamp::from_micros((case["now"].as_f64().unwrap() * 1e6) as i64);
    let mut state = detector.new_state();
    for (index, expected) in lines.iter().enumerate() {
        tally.lines += 1;
        let line = expected["line"].as_str().unwrap();
        let found = detect(detector, &mut state, line, now, &zone);
        if let Err(fault) = compare(detector, line, expected, &found) {
            if index == 0 && is_artefact(expected, &found, now, &zone) {
                tally.excused += 1;
            } else {
                tally.faults.push(format!(
                    "{name} #{index}: {fault}\n    found {found:?}\n    expected {expected}"
                ));
            }
        }
    }
}

/// What comes from how the cases were recorded, not from fail2ban's rules.
fn is_artefact(expected: &Value, found: &DateFound, now: Timestamp, zone: &TimeZone) -> bool {
    let (Some(expected_time), DateFound::Found { time, .. }) = (expected["time"].as_f64(), found)
    else {
        return false;
    };
    let difference = (expected_time * 1e6) as i64 - time.as_micros();
    // The recorder's built-in clock showed noon in every zone at this one time; it moves a time alone by a day.
    let other_day = now == Timestamp::from_secs(1_124_013_600)
        && expected["template"] == "{^LN-BEG}24hour:Minute:Second"
        && difference.abs() == 86_400_000_000;
    // Which of two equal wall times is meant depended on what the whole process had converted before.
    let shown = |micros: i64| zone.to_datetime(jiff::Timestamp::from_microsecond(micros).unwrap());
    other_day
        || (difference != 0 && shown(time.as_micros()) == shown(time.as_micros() + difference))
}

fn compare(
    detector: &DateDetector,
    line: &str,
    expected: &Value,
    found: &DateFound,
) -> Result<(), String> {
    if expected["error"] == "IndexError" {
        // An empty match at the end of the line, over which fail2ban stumbles.
        return same(found, &DateFound::Empty);
    }
    let Some(text) = expected["match"].as_str() else {
        return same(found, &DateFound::None);
    };
    if text.is_empty() {
        return same(found, &DateFound::Empty);
    }
    let byte = |column: &Value| {
        let column = column.as_u64().unwrap() as usize;
        line.char_indices()
            .nth(column)
            .map_or(line.len(), |(offset, _)| offset)
    };
    let cut_expected = byte(&expected["span"][0])..byte(&expected["span"][1]);
    match (expected["time"].as_f64(), found) {
        (None, DateFound::Unparsable { cut }) => same(cut, &cut_expected),
        (
            Some(time),
            DateFound::Found {
                time: found,
                cut,
                template,
            },
        ) => {
            same(cut, &cut_expected)?;
            same(
                &detector.template_name(*template),
                &expected["template"].as_str(),
            )?;
            same(found, &Timestamp::from_micros((time * 1e6).round() as i64))
        }
        _ => Err("another outcome".to_owned()),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found:?} and not {expected:?}"))
    }
}
