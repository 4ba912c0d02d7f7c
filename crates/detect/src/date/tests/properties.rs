//! What must hold for any line, any time, any pattern.

use base::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::date::{DateDetector, DateFound, ZoneSpec, detect};

const START_YEAR: i32 = 2026;

fn detector(pattern: Option<&str>) -> DateDetector {
    DateDetector::new(pattern, ZoneSpec::Local, START_YEAR).unwrap()
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

/// The built-in formats as a printer writes them.
const PRINTED: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d  %H:%M:%S,123",
    "%Y-%m-%d %H:%M:%S +0000",
    "%a %b %e %H:%M:%S %Y",
    "%b %e %H:%M:%S",
    "%b %d %k:%M:%S",
    "%a %b %d %Y %H:%M:%S.5",
    "%d/%m/%Y %H:%M:%S",
    "%d-%m-%y %k:%M:%S",
    "%d/%b/%Y:%H:%M:%S +0000",
    "%d-%b-%Y %H:%M:%S.250",
    "%m/%d/%Y:%H:%M:%S",
    "%s",
    "[%s]",
    "%H:%M:%S",
    "<%m/%d/%y@%H:%M:%S>",
    "%y%m%d %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
    "%b-%d-%y %H:%M:%S",
    "%Y%m%dT%H%M%S",
    "%Y%m%d-%H:%M:%S",
    "UTC %b %d %H:%M:%S",
    "+00:00 %b %d %H:%M:%S",
];

#[test]
fn a_printed_time_is_read_back() {
    let detector = detector(None);
    // From 2001, as fewer digits are no epoch, to the end of the decades that %ExY takes.
    let times = (
        1_000_000_000i64..1_890_000_000,
        0..PRINTED.len(),
        0i64..20_000,
    );
    runner(4_000)
        .run(&times, |(time, format, age)| {
            let shown = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(time).unwrap());
            // A wall time has no `%s` of its own.
            let format = PRINTED[format].replace("%s", &time.to_string());
            let line = format!("{} host prog: message", shown.strftime(&format));
            let now = Timestamp::from_secs(time + age);
            let found = detect(
                &detector,
                &mut detector.new_state(),
                &line,
                now,
                &TimeZone::UTC,
            );
            let DateFound::Found { time: read, .. } = found else {
                return Err(TestCaseError::fail(format!("{line}: {found:?}")));
            };
            prop_assert_eq!(read, Timestamp::from_secs(time), "{}", line);
            Ok(())
        })
        .unwrap();
}

/// Pieces of which lines are made that are hard to tell apart.
const PIECES: &[&str] = &[
    "Nov 22 23:59:59",
    "Nov 22 10:00:00",
    "2026-11-22 10:00:00",
    "2026-11-22T10:00:00Z",
    "22/Nov/2026:10:00:00 +0100",
    "10:00:00",
    "00:00:00",
    "Oct 25 02:30:00",
    "2026-10-25 02:30:00",
    "Mar 29 02:30:00",
    "Dec 31 23:59:59",
    "Jan  1 00:00:00",
    "1795392000",
    "audit(1795392000.123:4)",
    "@400000006a000000012345678",
    "Feb 29 10:00:00",
    "[",
    "] ",
    " ",
    "<",
    "x",
    "é",
    "日本",
    "٣",
    "\u{0}",
    "2026-11-31 10:00:00",
    "ABC Nov 22 10:00:00",
    "11/22/2026:10:00:00",
];

fn any_line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => (0..PIECES.len()).prop_map(|index| PIECES[index].to_owned()),
        1 => "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Times around the turns of days, years and clocks.
fn any_now() -> impl Strategy<Value = Timestamp> {
    let turn = prop_oneof![
        Just(1_795_305_600i64), // 2026-11-22T00:00Z
        Just(1_798_761_600),    // 2027-01-01T00:00Z
        Just(1_792_890_000),    // 2026-10-25T01:00Z
        Just(1_774_746_000),    // 2026-03-29T01:00Z
        Just(1_795_384_799),    // a day before and after which dates are of another year
    ];
    (turn, -90i64..90, 0i64..1_000_000).prop_map(|(turn, seconds, micros)| {
        Timestamp::from_micros((turn + seconds) * 1_000_000 + micros)
    })
}

fn zones() -> Vec<TimeZone> {
    [
        "UTC",
        "Europe/Berlin",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Africa/Monrovia",
    ]
    .iter()
    .map(|name| TimeZone::get(name).unwrap())
    .collect()
}

#[test]
fn remembering_changes_nothing() {
    let detector = detector(None);
    let zones = zones();
    // Few lines, repeated, as the memory is of the last one.
    let lines = (
        prop::collection::vec(any_line(), 1..4),
        prop::collection::vec((0usize..4, 0usize..4, 0..62_u32, any_now()), 1..12),
        any_now(),
        0..zones.len(),
        any::<bool>(),
    );
    runner(1_200)
        .run(&lines, |(lines, steps, at, zone, is_read_at_once)| {
            let (mut remembering, mut forgetful) = (detector.new_state(), detector.new_state());
            for (pick, tail, second, now) in steps {
                let now = if is_read_at_once { at } else { now };
                // One beginning with several ends.
                let line = &[
                    lines[pick % lines.len()].as_str(),
                    ["", " x", "é", " 12:00"][tail],
                ]
                .concat();
                // Most are of one minute.
                let line = &[":00:00", ":59:59", ":30:00"]
                    .iter()
                    .fold(line.clone(), |line, clock| {
                        line.replace(clock, &format!("{}{second:02}", &clock[..4]))
                    });
                forgetful.memo.forget();
                forgetful.same.forget();
                forgetful.wall = None;
                let fresh = detect(&detector, &mut forgetful, line, now, &zones[zone]);
                prop_assert_eq!(
                    detect(&detector, &mut remembering, line, now, &zones[zone]),
                    fresh,
                    "{} {:?}",
                    line,
                    now
                );
            }
            Ok(())
        })
        .unwrap();
}

/// Of two dates of one minute nothing but the seconds may differ for the one to tell the other.
#[test]
fn dates_of_one_minute_mean_what_they_say() {
    let detector = detector(None);
    // 2026-11-22 12:20:30
    let now = Timestamp::from_secs(1_795_350_030);
    for lines in [
        // More than a day ahead is the year before.
        ["Nov 23 12:20:10 x", "Nov 23 12:20:50 x"],
        ["Nov 23 12:20:00 x", "Nov 23 12:20:50 x"],
        [
            "22/Nov/2026:10:00:00 +0100 x",
            "22/Nov/2026:10:00:01 +0200 x",
        ],
        ["Sun Nov 22 10:00:00 2026 x", "Sun Nov 22 10:00:01 2025 x"],
        ["11/22/2026 10:00:00 AM", "11/22/2026 10:00:01 PM"],
        ["2026-11-22 10:00:00", "2026-11-22 10:01:00"],
        ["2026-11-22 10:00:59", "2026-11-22 10:00:60"],
        ["2026-11-22 10:00:00", "2026-11-22 10:00:5"],
        ["1971-06-01 10:00:00", "1971-06-01 10:00:59"],
    ] {
        let mut remembering = detector.new_state();
        for line in lines {
            let (zone, fresh) = (TimeZone::UTC, &mut detector.new_state());
            let found = detect(&detector, &mut remembering, line, now, &zone);
            assert_eq!(found, detect(&detector, fresh, line, now, &zone), "{line}");
        }
    }
}

/// Patterns with something in front of the date, and pieces of which lines are made that begin so.
const MOVING: &[(&str, &[&str])] = &[
    (
        r"^[^\[]*\[({DATE})",
        &["1.2.3.4 - - [", "::1 - u [", "[", "é [", "12:00:00 [", "x"],
    ),
    (
        r"^[^\[]*(\[{DATE}\s*\])",
        &["1.2.3.4 - - [", "[", "u [", "] "],
    ),
    (
        r"^<\d+>\d+\s+{DATE}",
        &["<13>1 ", "<165>1  ", "<13>10 ", "<1", " "],
    ),
    (
        r"^(?:=[^=]+={3,} )?({DATE})",
        &["=ERROR REPORT==== ", "=I===", " ", "= "],
    ),
    // A field in front of what is cut out.
    (
        r"^(?:(%Y-%m-%d)|(?P<H>\d+)h )+",
        &["10h ", "9h ", "22h ", "11h "],
    ),
    (r"^(?:a|bb)*({DATE})", &["a", "bb", "b", " "]),
    (r"^.*?\b({DATE})", &["a", " ", "10:", "1"]),
    // It is taken for one that matches at the beginning of the line only.
    (r"(?:^a|\W)({DATE})", &["a", "b ", "-", "1.2 "]),
    (r"(?:^a|\b)({DATE})", &["a", "b ", "-", "1.2 "]),
    (
        r"^[^\[]*\[(%d/%b/%Y:%H:%M:%S(?: x$)?)",
        &["[", "x [", "1", "]["],
    ),
    (r"({DATE})$", &["a ", "1.2.3.4 "]),
];

const MOVED: &[&str] = &[
    "22/Nov/2026:10:00:00 +0100]",
    "22/Nov/2026:10:00:01 x",
    "2026-11-22 10:00:00",
    "2026-11-22 10:00:00 ] 12:00:00",
];

#[test]
fn a_date_that_moves_is_found_as_by_a_search() {
    let detectors = MOVING.iter().map(|(pattern, _)| detector(Some(pattern)));
    let detectors: Vec<DateDetector> = detectors.collect();
    let head = prop::collection::vec(0..6_usize, 0..4);
    let lines = (
        0..MOVING.len(),
        prop::collection::vec(head, 2..5),
        // One date behind many beginnings.
        prop::collection::vec((0..MOVED.len(), any_line()), 1..3),
        prop::collection::vec((0..5_usize, 0..3_usize, any_now()), 2..16),
    );
    runner(2_000)
        .run(&lines, |(chosen, heads, tails, steps)| {
            let (detector, pieces) = (&detectors[chosen], MOVING[chosen].1);
            let (mut moving, mut forgetful) = (detector.new_state(), detector.new_state());
            for (head, tail, now) in steps {
                let (date, rest) = &tails[tail % tails.len()];
                let head = heads[head % heads.len()].iter();
                let mut line: String = head.map(|piece| pieces[piece % pieces.len()]).collect();
                line.push_str(MOVED[*date]);
                line.push_str(rest);
                forgetful.memo.forget();
                forgetful.same.forget();
                let fresh = detect(detector, &mut forgetful, &line, now, &TimeZone::UTC);
                let found = detect(detector, &mut moving, &line, now, &TimeZone::UTC);
                prop_assert_eq!(found, fresh, "{} on {}", MOVING[chosen].0, line);
                prop_assert_eq!(&moving.places, &forgetful.places, "{}", line);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_gate_misses_nothing_and_cuts_are_text() {
    let gated = detector(None);
    let mut trying = detector(None);
    trying.set = None;
    runner(300)
        .run(
            &(prop::collection::vec(any_line(), 1..8), any_now()),
            |(lines, now)| {
                let (mut with, mut without) = (gated.new_state(), trying.new_state());
                for line in &lines {
                    let found = detect(&gated, &mut with, line, now, &TimeZone::UTC);
                    prop_assert_eq!(
                        &found,
                        &detect(&trying, &mut without, line, now, &TimeZone::UTC),
                        "{}",
                        line
                    );
                    if let DateFound::Found { cut, .. } | DateFound::Unparsable { cut } = found {
                        prop_assert!(line.get(cut).is_some_and(|text| !text.is_empty()));
                    }
                }
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn no_pattern_and_no_line_panics() {
    const PARTS: &[&str] = &[
        "%Y",
        "%m",
        "%d",
        "%H",
        "%",
        "%%",
        "(",
        ")",
        "(?:",
        "(?P<Y>",
        "[",
        "]",
        "^",
        "$",
        "**",
        "\\",
        "{DATE}",
        "{EPOCH}",
        "{UNB}",
        "{^LN-BEG}",
        "EPOCH",
        "ISO8601",
        "|",
        "?",
        "+",
        "\n",
        " ",
        "é",
        "ıso8601",
        "(?i)",
        ".*",
        "{LEPOCH}",
        "\\d+",
        "(?P<z>",
    ];
    let pattern = prop::collection::vec((0..PARTS.len()).prop_map(|index| PARTS[index]), 0..6)
        .prop_map(|parts| parts.concat());
    let extremes = prop_oneof![
        any_now(),
        Just(Timestamp::MAX),
        Just(Timestamp::from_micros(i64::MIN)),
        Just(Timestamp::default())
    ];
    runner(400)
        .run(
            &(pattern, prop::collection::vec(any_line(), 3), extremes),
            |(pattern, lines, now)| {
                if let Ok(detector) =
                    DateDetector::new(Some(&pattern), ZoneSpec::Fixed(-720), START_YEAR)
                {
                    let mut state = detector.new_state();
                    for line in &lines {
                        detect(&detector, &mut state, line, now, &TimeZone::UTC);
                    }
                }
                Ok(())
            },
        )
        .unwrap();
}

/// What is read in front of the date differs, though the search stands alike.
#[test]
fn a_field_in_front_of_the_date_keeps_it_from_moving() {
    let detector = detector(Some(r"^(?:(%Y-%m-%d)|(?P<H>\d+)h )+"));
    let mut state = detector.new_state();
    let hours = ["10h", "22h", "09h"].map(|hour| {
        let line = format!("{hour} 2026-11-22 x");
        let now = Timestamp::from_secs(1_795_392_000);
        match detect(&detector, &mut state, &line, now, &TimeZone::UTC) {
            DateFound::Found { time, .. } => time.as_micros() / 3_600_000_000 % 24,
            found => panic!("{found:?}"),
        }
    });
    assert_eq!(hours, [10, 22, 9]);
}
