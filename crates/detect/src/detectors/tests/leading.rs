//! Dates that differ from line to line, found by several detectors in the same way.

use super::*;

/// Filters with different date patterns, most of which have templates in common.
static RULES: LazyLock<Vec<Arc<Rule>>> = LazyLock::new(|| {
    let patterns = [
        (None, None),
        (Some("{^LN-BEG}"), None),
        (Some("{^LN-BEG}"), Some("UTC+0200")),
        (Some("%Y-%m-%d %H:%M\n{^LN-BEG}"), None),
        (Some("{^LN-BEG}%b %d %H:%M:%S"), None),
        (Some("^[^\\[]*\\[({DATE})\n{^LN-BEG}"), None),
        (Some(r"^[^\[]*(\[{DATE}\s*\])"), None),
        (Some(r"^[^\[]*(\[{DATE}\s*\])"), Some("UTC+0200")),
        (Some(r"end %H:%M:%S"), None),
        (Some(r"^%b %d %H:%M:2[1-3]"), None),
    ];
    let rule = |(datepattern, logtimezone)| RuleSource {
        // What stands before tells what was cut out.
        failregex: &[r"^(?P<before>.*)bad <HOST>"],
        datepattern,
        logtimezone,
        ..PLAIN
    };
    let compile = |pattern| Arc::new(Rule::compile(&rule(pattern)).unwrap());
    patterns.into_iter().map(compile).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dates_of_one_second_after_the_other_are_found_by_all(
        lines in prop::collection::vec(
            (
                // Mostly those of one format, at times with the same date.
                prop_oneof![8 => Just(0), 1 => 1..7_usize],
                0..3_u32,
                // What follows may be part of the date to some.
                prop::sample::select(vec!["srv", "bad 1.2.3.4", "x bad 5.6.7.8 end 22:13:07", "2023 bad ::1"]),
            ),
            1..40,
        ),
        format in 0..4_usize,
        minute in 0..59_u32,
        chosen in prop::collection::vec((0..RULES.len(), prop::sample::select(vec![30_i64, 600, 7_200])), 1..9),
        timed: bool,
        in_operation in prop::bool::weighted(0.2),
        later in prop::option::of(1..40_usize),
    ) {
        let jails: Vec<_> = chosen
            .iter()
            .map(|(rule, findtime)| (Arc::clone(&RULES[*rule]), timed.then(|| Span::from_secs(*findtime))))
            .collect();
        let (mut second, mut number) = (60 * minute, 0);
        let lines = lines.into_iter().map(|(other, step, rest)| {
            second += step;
            number += 1;
            let time = format!("{:02}:{:02}", 13 + second / 60 % 2, second % 60);
            let text = match (format + other) % 7 {
                0 => format!("Nov 14 22:{time} {rest}"),
                1 => format!("2023-11-14 22:{time} {rest}"),
                2 => format!("1.2.3.4 [14/Nov/2023:22:{time}] {rest}"),
                3 => format!("{} - [14/Nov/2023:22:{time}] {rest}", 17 << (number % 9)),
                4 => format!("Nov 31 22:{time} {rest}"),
                5 => rest.to_owned(),
                _ => format!("é Nov 14 22:{time} {rest}"),
            };
            let is_later = later.is_some_and(|later| number > later);
            (text, i64::from(is_later), in_operation)
        });
        check(&jails, &lines.collect::<Vec<_>>());
    }
}

/// What finds nothing in a line for how it begins may find something in the next second.
#[test]
fn lines_of_another_second_do_not_begin_alike() {
    let rules = [1, 9].map(|rule| (Arc::clone(&RULES[rule]), None));
    let quiet = (0..2_000).map(|_| "Nov 14 22:13:20 srv");
    let lines = quiet.chain(["Nov 14 22:13:21 bad 1.2.3.4", "Nov 14 22:13:22 bad 1.2.3.4"]);
    let lines: Vec<_> = lines.map(|line| (line.to_owned(), 60, false)).collect();
    check(&rules, &lines);
}

/// A time that the clocks show twice is taken as the one before it, also by those who did not look.
#[test]
fn the_end_of_summer_comes_for_all() {
    let rules = [0, 1, 4].map(|rule| (Arc::clone(&RULES[rule]), None));
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let clocks = [
        "02:30:00", "03:10:00", "02:40:00", "", "02:40:01", "02:30:00",
    ];
    let lines = clocks.map(|clock| match clock {
        "" => "bad 1.2.3.4".to_owned(),
        clock => format!("Oct 29 {clock} bad 1.2.3.4"),
    });
    let lines = lines.map(|line| (line, 0, false));
    check_in(&zone, &rules, &lines);
}
