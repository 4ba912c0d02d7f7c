//! All jails at once against each by itself.

use super::*;
use crate::{Detector, Failure, RuleSource, UseDns};
use base::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::sync::LazyLock;

mod leading;

const NOW: i64 = 1_700_000_000;

/// A filter that asks for nothing.
const PLAIN: RuleSource<'static> = RuleSource {
    prefregex: None,
    failregex: &[],
    ignoreregex: &[],
    maxlines: 1,
    datepattern: None,
    logtimezone: None,
    usedns: UseDns::Raw,
    start_year: 2023,
};

/// Filters that differ in everything that decides which work is shared.
static RULES: LazyLock<Vec<Arc<Rule>>> = LazyLock::new(|| {
    let line_begin = Some("{^LN-BEG}");
    let daemon: &str = r"^\s*(?:\S+ )?sshd(?:\[\d+\])?: <F-CONTENT>.+</F-CONTENT>$";
    let sources = [
        RuleSource {
            prefregex: Some(daemon),
            failregex: &[
                r"^Failed \S+ for (?P<user>.*) from <HOST>(?: port <F-ATTEMPTS>\d+</F-ATTEMPTS>)?$",
                r"^\s*bad <HOST>\s*$",
                r"\bwordy <HOST>",
            ],
            datepattern: line_begin,
            ..PLAIN
        },
        // The same prefregex with a session, and other dates.
        RuleSource {
            prefregex: Some(
                r"^<F-MLFID>\s*(?:\S+ )?sshd(?:\[\d+\])?: </F-MLFID><F-CONTENT>.+</F-CONTENT>$",
            ),
            failregex: &[
                r"^<F-NOFAIL>Failed</F-NOFAIL> \S+ for",
                r"^bad <HOST>",
                r"^<F-MLFFORGET>end</F-MLFFORGET> of <HOST>$",
            ],
            ..PLAIN
        },
        // Contents that end before their line does, or may be empty, or hold back-references or look-aheads.
        RuleSource {
            prefregex: Some(r"^.*named: <F-CONTENT>.+</F-CONTENT> denied$"),
            failregex: &[r"^client <HOST>$", r"<HOST>#\d+$"],
            datepattern: line_begin,
            ..PLAIN
        },
        RuleSource {
            prefregex: Some(r"sshd(?:\[\d+\])?:(?: <F-CONTENT>bad.*</F-CONTENT>)?"),
            failregex: &[r"^bad <HOST>", r"from <HOST> port 1$"],
            ..PLAIN
        },
        RuleSource {
            prefregex: Some(r"^(?=.*bad)(?!.*\bwordy)[^:]*: <F-CONTENT>.+</F-CONTENT>$"),
            failregex: &[r"^(?P<q>\w)\w*(?P=q) <HOST>", r"<HOST>"],
            datepattern: line_begin,
            ..PLAIN
        },
        // No prefregex, no anchor; ignored lines.
        RuleSource {
            failregex: &[r"from <HOST>", r"(?i)BAD <HOST>"],
            ignoreregex: &["port 2"],
            ..PLAIN
        },
        // Dates anywhere, in other forms, none at all.
        RuleSource {
            failregex: &[r"^<HOST> .*bad$", r"client <HOST>"],
            datepattern: Some(r"\[%d/%b/%Y:%H:%M:%S\]"),
            ..PLAIN
        },
        RuleSource {
            failregex: &[r"^(?:\S+ )?sshd.* <HOST>"],
            datepattern: Some("{NONE}"),
            ..PLAIN
        },
        RuleSource {
            failregex: &[r"bad <HOST>"],
            datepattern: Some("%Y-%m-%d %H:%M:%S\nEpoch"),
            ..PLAIN
        },
        // Dates behind something that differs from line to line.
        RuleSource {
            failregex: &[r"^<HOST> .*bad", r"^\S+ - \[\] .*(?:Failed|from) .*<HOST>"],
            datepattern: Some("^[^\\[]*\\[({DATE})\n{^LN-BEG}"),
            ..PLAIN
        },
        RuleSource {
            failregex: &[r"^<HOST> (?:- )?.*\bclient", r"- ?.*bad <HOST>"],
            datepattern: Some(r"^[^\[]*(\[{DATE}\s*\])"),
            ..PLAIN
        },
        RuleSource {
            failregex: &[
                r"^<HOST> - \[\] .*(?:bad|client)",
                r"^\S* ?-? ?\[\]x? .*from <HOST>",
            ],
            datepattern: Some(r"^.*?\[({DATE})\] "),
            ..PLAIN
        },
        // Over several lines.
        RuleSource {
            failregex: &[
                r"^\S* ?sshd\[\d+\]: Failed \S+ for .*<SKIPLINES>.*bad <HOST>",
                r"^one\ntwo <HOST>$",
            ],
            maxlines: 3,
            ..PLAIN
        },
        RuleSource {
            failregex: &[
                r"^\s*one$<SKIPLINES>^two <HOST>$",
                r"^(?:\S+ )?sshd\[(?P<p>\d+)\]: bad <HOST>$<SKIPLINES>^\S* ?sshd\[(?P=p)\]: Failed",
            ],
            ignoreregex: &["port 2"],
            maxlines: 7,
            datepattern: line_begin,
            ..PLAIN
        },
        RuleSource {
            failregex: &[
                r"^\s*one\n.*\n(?:.*\n)?two <HOST>$",
                r"denied$<SKIPLINES>^.*wordy client <HOST>",
            ],
            datepattern: Some(r"%Y-%m-%d %H:%M:%S"),
            maxlines: 4,
            ..PLAIN
        },
        // Its prefregex leaves nothing of the lines but the content.
        RuleSource {
            prefregex: Some(r"(?s)^.*named: <F-CONTENT>.+</F-CONTENT>$"),
            failregex: &[r"^client <HOST> denied", r"^end of <HOST>\ntwo"],
            maxlines: 2,
            ..PLAIN
        },
        // It finds no date in most lines, and searches them whole.
        RuleSource {
            failregex: &[r"^Nov \d+ \S+ \S+ \w+\[\d+\]: (?i:bad) <HOST>$"],
            datepattern: Some("%Y-%m-%d %H:%M:%S"),
            ..PLAIN
        },
    ];
    let compile = |source| Arc::new(Rule::compile(source).unwrap());
    sources.iter().map(compile).collect()
});

/// A line of a log: a date or something like it, and words that the filters look for.
fn line() -> impl Strategy<Value = String> {
    let date = prop::sample::select(vec![
        "",
        "Nov 14 22:13:20 ",
        "Nov 14 22:13:20 ",
        "Nov 14 22:13:20 ",
        "Nov 14 22:13:21 ",
        "Nov 14 21:13:20 ",
        "Nov 31 22:13:20 ",
        "2023-11-14 22:13:20 ",
        "2023-11-14T22:13:20+00:00 ",
        "1700000000 ",
        "x 2023-11-14 22:13:20 ",
        "1.2.3.4 [14/Nov/2023:22:13:20] ",
        "<30>Nov 14 22:13:20 ",
        "1.2.3.4 - [14/Nov/2023:22:13:20] ",
        "5.60.7.8 - [14/Nov/2023:22:13:20] ",
        "::1 - [14/Nov/2023:22:13:20] ",
        "::1 - [14/Nov/2023:22:13:21] ",
    ]);
    let piece = prop::sample::select(vec![
        "[14/Nov/2023:22:13:10] ",
        "2023-11-14 22:13:10 ",
        "srv ",
        "sshd[12]: ",
        "sshd[13]: ",
        "sshd: ",
        "named: ",
        "Failed x for ",
        "u from ",
        "1.2.3.4",
        "5.6.7.8",
        "::1 ",
        " port 1",
        " port 2",
        "bad ",
        "wordy ",
        "client ",
        "#53",
        " denied",
        "end of ",
        "é",
        " ",
        "one",
        "two ",
        "é bad 9.9.9.9",
        "pap 1.2.3.4",
    ]);
    let whole = prop::sample::select(vec![
        "srv [14/Nov/2023:22:13:10] client 5.6.7.8",
        "srv 2023-11-14 22:13:10 bad 5.6.7.8",
        "srv sshd[12]: Failed x for u from 1.2.3.4 port 1",
        "srv sshd[12]: bad 5.6.7.8",
        "sshd[13]: end of 1.2.3.4",
        "x named: client 1.2.3.4 denied",
        "srv CRON[1]: nothing",
        "one",
        "two 1.2.3.4",
        "k: pap 1.2.3.4 bad",
        " 1.2.3.4 is bad",
    ]);
    let text = prop_oneof![
        prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat()),
        whole.prop_map(str::to_owned),
    ];
    (date, text).prop_map(|(date, text)| format!("{date}{text}"))
}

/// Lines of a log, with stretches that say nothing to most filters.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let quiet = prop::sample::select(vec![
        "Nov 14 22:13:20 srv CRON[1]: nothing",
        "2023-11-14 22:13:20 quiet",
        "no date",
    ]);
    let moved = prop::sample::select(vec![
        "1.2.3.4 -",
        "::1 -",
        "5.60.7.8 - ",
        "",
        "1.2.3.4 22:13:21",
        "é",
        "x [y]",
    ]);
    let some = prop_oneof![
        4 => line().prop_map(|line| vec![line]),
        1 => (quiet, 1..10_usize).prop_map(|(line, times)| vec![line.to_owned(); times]),
        // One date behind ever other letters.
        1 => (line(), prop::collection::vec(moved, 1..8)).prop_map(|(rest, heads)| {
            let line = |head| format!("{head} [14/Nov/2023:22:13:20] {rest}");
            heads.into_iter().map(line).collect()
        }),
        // What some filter over several lines looks for, with nothing or something in between.
        1 => (
            prop::sample::select(vec![
                ("one", "two 1.2.3.4"),
                ("Nov 14 22:13:20 one", "Nov 14 22:13:21 two 1.2.3.4"),
                ("srv sshd[12]: bad 5.6.7.8", "sshd[12]: Failed x for u from 1.2.3.4 port 2"),
                ("srv sshd[12]: Failed x for u", "2023-11-14 22:13:20 bad 1.2.3.4"),
                ("named: client denied", "wordy client 9.9.9.9"),
                ("x named: end of 1.2.3.4", "two"),
            ]),
            prop::collection::vec(line(), 0..6),
        )
            .prop_map(|((first, last), between)| {
                let mut lines = vec![first.to_owned()];
                lines.extend(between);
                lines.push(last.to_owned());
                lines
            }),
    ];
    prop::collection::vec(some, 1..25).prop_map(|lines| lines.concat())
}

#[derive(Debug, PartialEq)]
struct Heard {
    line: usize,
    jail: usize,
    skew: Option<Span>,
    too_old: bool,
    undated: bool,
    failures: Vec<Failure>,
}

impl Heard {
    /// What a jail's admin hears of a line, if anything.
    fn new(
        (line, jail): (usize, usize),
        verdict: LineVerdict,
        skew: Option<Span>,
        failures: &mut Failures,
    ) -> Option<Self> {
        let heard = Self {
            line,
            jail,
            skew,
            too_old: verdict == LineVerdict::TooOld,
            undated: verdict == LineVerdict::Undated,
            failures: failures.drain().collect(),
        };
        let says = skew.is_some() || heard.too_old || heard.undated || !heard.failures.is_empty();
        says.then_some(heard)
    }
}

/// What is left of a failure where only counts matter.
fn counted(mut failure: Failure) -> Failure {
    let counts = |(name, _): &(&str, &str)| *name == "user";
    failure.captures = failure.captures.iter().filter(counts).collect();
    failure.matches.clear();
    failure
}

/// Feeds lines to all `jails` at once, also after a look at all of them and but for those that may be passed over, and
/// where only counts matter; and to each by itself.
fn check(jails: &[(Arc<Rule>, Option<Span>)], lines: &[(String, i64, bool)]) {
    check_in(&TimeZone::UTC, jails, lines);
}

fn check_in(zone: &TimeZone, jails: &[(Arc<Rule>, Option<Span>)], lines: &[(String, i64, bool)]) {
    let mut together = Detectors::build(jails.iter().cloned());
    let mut counting = Detectors::build(jails.iter().cloned()).counting_only();
    let mut looking = Detectors::build(jails.iter().cloned());
    let mut ahead = String::new();
    let places: Vec<usize> = lines
        .iter()
        .map(|(text, ..)| {
            ahead += &format!("{text}\n");
            ahead.len() - text.len() - 1
        })
        .collect();
    let mut alone: Vec<Detector> = jails
        .iter()
        .map(|(rule, findtime)| match findtime {
            Some(findtime) => Detector::new(Arc::clone(rule), *findtime),
            None => Detector::timeless(Arc::clone(rule)),
        })
        .collect();
    let mut next = 0;
    for (number, (text, seconds, in_operation)) in lines.iter().enumerate() {
        let clock = Clock {
            now: Timestamp::from_secs(NOW + seconds),
            zone,
            in_operation: *in_operation,
        };
        let line = match text.strip_prefix("journal:") {
            Some(text) => Line::of_journal(text, clock.now),
            None => Line::of_file(text),
        };
        let mut expected = Vec::new();
        if number % 40 == 0 {
            looking.look_ahead(&ahead);
        }
        let known = match line.time {
            Some(_) => line,
            None => line.at(places[number]),
        };
        if number == next {
            let is_read_with = |(text, at, operation): &&(String, i64, bool)| {
                (at, operation) == (seconds, in_operation) && !text.starts_with("journal:")
            };
            let count = lines[number..].iter().take_while(is_read_with).count();
            let end = places.get(number + count).copied().unwrap_or(ahead.len());
            let passed = match count {
                0 => Passed::default(),
                _ => looking.pass_over(&ahead[places[number]..end], places[number], &clock),
            };
            next += passed.lines as usize;
            let end = places.get(next).copied().unwrap_or(ahead.len());
            assert_eq!(places[number] + passed.bytes, end);
        }
        let looks = number == next;
        next += usize::from(looks);
        let ways = [
            (&mut together, line, true),
            (&mut looking, known, looks),
            (&mut counting, line, true),
        ];
        let [found, looked, counts] = ways.map(|(detectors, line, feeds)| {
            let mut found = Vec::new();
            if feeds {
                detectors.feed(&line, &clock, |said| {
                    let place = (number, said.jail);
                    found.extend(Heard::new(place, said.verdict, said.skew, said.failures));
                });
            }
            found
        });
        for (jail, detector) in alone.iter_mut().enumerate() {
            let mut failures = Failures::default();
            let verdict = detector.feed(&line, &clock, &mut failures);
            expected.extend(Heard::new(
                (number, jail),
                verdict,
                detector.skew(),
                &mut failures,
            ));
        }
        assert_eq!(found, expected, "line {number} of {lines:#?}");
        assert_eq!(looked, expected, "line {number} of {lines:#?}");
        for heard in &mut expected {
            heard.failures = std::mem::take(&mut heard.failures)
                .into_iter()
                .map(counted)
                .collect();
        }
        assert_eq!(counts, expected, "line {number} of {lines:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn together_is_one_by_one(
        lines in lines(),
        times in prop::collection::vec((0..3_i64, prop::bool::weighted(0.1)), 40),
        chosen in prop::collection::vec((0..RULES.len(), prop::sample::select(vec![30_i64, 600, 7_200])), 1..14),
        is_single in prop::bool::weighted(0.3),
        timed: bool,
        in_operation: bool,
        journal: bool,
    ) {
        let count = if is_single { 1 } else { chosen.len() };
        let jails: Vec<_> = chosen[..count]
            .iter()
            .map(|(rule, findtime)| (Arc::clone(&RULES[*rule]), timed.then(|| Span::from_secs(*findtime))))
            .collect();
        let lines: Vec<(String, i64, bool)> = lines
            .into_iter()
            .zip(times.into_iter().cycle())
            .map(|(text, (later, is_entry))| {
                (if is_entry && journal { format!("journal:{text}") } else { text }, later / 2, in_operation)
            })
            .collect();
        check(&jails, &lines);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Dates behind ever other letters, for jails that find them by patterns for the beginning of the line.
    #[test]
    fn dates_that_move_are_cut_out_where_they_stand(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec!["1.2.3.4 - ", "5.60.7.8 - ", "::1 - ", "x ", "", "é "]),
                prop::sample::select(vec!["20", "20", "20", "21"]),
                prop::sample::select(vec![
                    " bad", " client 9.9.9.9", "from 1.2.3.4", " [14/Nov/2023:22:13:20] client from 5.6.7.8",
                    "x [14/Nov/2023:22:13:20] bad client from 5.6.7.8",
                ]),
            ),
            2..20,
        ),
        chosen in prop::collection::vec(prop::sample::select(vec![0_usize, 9, 9, 10, 11, 11]), 1..4),
        timed: bool,
        in_operation: bool,
    ) {
        let findtime = timed.then(|| Span::from_secs(600));
        let jails: Vec<_> = chosen.iter().map(|rule| (Arc::clone(&RULES[*rule]), findtime)).collect();
        let text = |(head, second, rest)| format!("{head}[14/Nov/2023:22:13:{second}]{rest}");
        let lines: Vec<_> = lines.into_iter().map(|line| (text(line), 0, in_operation)).collect();
        check(&jails, &lines);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// So many lines that the needles of a single jail are chosen, and lines without may be passed over.
    #[test]
    fn lines_that_are_passed_over_mean_nothing(
        lines in lines(),
        rule in 0..RULES.len(),
        timed: bool,
        in_operation: bool,
    ) {
        let jails = [(Arc::clone(&RULES[rule]), timed.then(|| Span::from_secs(600)))];
        let lines = lines.into_iter().cycle().take(500);
        let lines: Vec<_> = lines.map(|text| (text, 0, in_operation)).collect();
        check(&jails, &lines);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same where the date stands behind ever other letters.
    #[test]
    fn lines_whose_date_moves_are_passed_over(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec!["1.2.3.4 - ", "5.60.7.8 - ", "::1 - ", "x ", "", "é ", "[y] - ", "Nov 14 22:13:21 "]),
                prop::sample::select(vec!["20", "20", "20", "20", "20", "21"]),
                prop::sample::select(vec![
                    " quiet", " quiet", " quiet", "", "\r", " bad", "bad", " client 9.9.9.9", " from u 9.9.9.9",
                    " [14/Nov/2023:22:13:21] quiet",
                ]),
                1..6_usize,
            ),
            1..40,
        ),
        rule in 9..12_usize,
        timed: bool,
        in_operation: bool,
    ) {
        let jails = [(Arc::clone(&RULES[rule]), timed.then(|| Span::from_secs(600)))];
        let lines = lines.into_iter().flat_map(|(head, second, rest, times)| {
            let text = format!("{head}[14/Nov/2023:22:13:{second}]{rest}");
            std::iter::repeat_n((text, 0, in_operation), times)
        });
        // The needles are chosen from the first.
        let lines: Vec<_> = lines.collect();
        let first = lines.iter().cloned().cycle().take(256);
        check(&jails, &first.chain(lines.iter().cloned()).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// So many lines that the gates have chosen their needles, and leave out what is nothing by its beginning.
    #[test]
    fn lines_that_begin_alike_are_told_apart(
        lines in prop::collection::vec(prop::sample::select(vec![
            "Nov 14 22:13:20 srv sshd[12]: bad 5.6.7.8", "Nov 14 22:13:20 bad 1.2.3.4", "Nov 14 22:13:20 a client 9.9.9.9",
            "Nov 14 22:13:20 srv sshd[12]: BAD 5.6.7.8", "Nov 14 22:13:20 é bad 9.9.9.9", "Nov 14 22:13:21 srv a",
            "Nov 14 22:13:20 a/b 1/2 1234567890123 srv", "Nov 14 22:13:21 srv sshd[13]: bad 1.2.3.4", "bad 1.2.3.4",
            "Nov 14 22:13:20 audit(1700000001.5:3): bad 1.2.3.4",
        ]), 1..12),
        // Who finds a date elsewhere in a line would look there in the next.
        chosen in prop::sample::subsequence(vec![0, 2, 6, 8, 16], 2..=5),
        every in 4..9_usize,
        timed: bool,
        in_operation: bool,
    ) {
        let findtime = timed.then(|| Span::from_secs(600));
        let jails: Vec<_> = chosen.iter().map(|rule| (Arc::clone(&RULES[*rule]), findtime)).collect();
        let quiet = "Nov 14 22:13:20 srv CRON[1]: nothing";
        let others = (0..1_400_usize).map(|number| match number % every {
            0 => lines[number / every % lines.len()],
            _ => quiet,
        });
        let lines: Vec<_> = others.map(|text| (text.to_owned(), 0, in_operation)).collect();
        check(&jails, &lines);
    }
}

/// Each line of an hour before is too old, or read at another time than it says.
#[test]
fn lines_whose_date_is_to_be_told_are_not_passed_over() {
    let jails = [(Arc::clone(&RULES[0]), Some(Span::from_secs(600)))];
    for in_operation in [false, true] {
        let lines = |hour, count| {
            let line = format!("Nov 14 {hour}:13:20 srv CRON[1]: nothing");
            std::iter::repeat_n((line, 0, in_operation), count)
        };
        let all: Vec<_> = lines(22, 300)
            .chain(lines(21, 20))
            .chain(lines(22, 20))
            .collect();
        check(&jails, &all);
    }
}

/// How many lines at the beginning of a text are passed over; the one behind them is fed.
fn passed(detectors: &mut Detectors, text: &str) -> u32 {
    let clock = Clock {
        now: Timestamp::from_secs(NOW),
        zone: &TimeZone::UTC,
        in_operation: false,
    };
    detectors.look_ahead(text);
    let passed = detectors.pass_over(text, 0, &clock);
    let mut rest = text[passed.bytes..].lines();
    if let Some(line) = rest.next() {
        detectors.feed(&Line::of_file(line).at(passed.bytes), &clock, |_| {});
    }
    passed.lines
}

#[test]
fn each_read_is_of_its_own_characters() {
    let mut detectors = Detectors::timeless([Arc::clone(&RULES[0]), Arc::clone(&RULES[3])]);
    let clock = Clock {
        now: Timestamp::from_secs(NOW),
        zone: &TimeZone::UTC,
        in_operation: false,
    };
    for user in ["root", "é", "root", "é"] {
        let line = format!("Nov 14 22:13:20 srv sshd[12]: Failed password for {user} from 5.6.7.8");
        detectors.look_ahead(&line);
        let mut failures = 0;
        detectors.feed(&Line::of_file(&line).at(0), &clock, |said| {
            failures += said.failures.len();
        });
        assert_eq!(failures, 1, "{user}");
    }
}

#[test]
fn lines_are_passed_over_up_to_the_next_needle_or_date() {
    let mut detectors = Detectors::timeless([Arc::clone(&RULES[0])]);
    let mut pass = |text: &str| passed(&mut detectors, text);
    let quiet = "Nov 14 22:13:20 srv CRON[1]: nothing\n";
    let bad = "Nov 14 22:13:20 srv sshd[12]: bad 5.6.7.8\n";
    // Until it is seen which needles are rare none is passed over.
    for _ in 0..256 {
        assert_eq!(pass(quiet), 0);
    }
    let later = quiet.replace(":20", ":21");
    assert_eq!(pass(&quiet.repeat(3)), 3);
    assert_eq!(pass(&(quiet.repeat(9) + bad + quiet)), 9);
    // Not worth a look.
    assert_eq!(pass(&(quiet.repeat(3) + bad + quiet)), 0);
    assert_eq!(pass(&(quiet.repeat(2) + &later + quiet)), 2);
    assert_eq!(pass(&later.repeat(5)), 5);
    // A line that has not ended is none.
    assert_eq!(pass(later.trim_end()), 0);
}

#[test]
fn lines_are_passed_over_wherever_the_date_stands() {
    let mut detectors = Detectors::timeless([Arc::clone(&RULES[10])]);
    let mut pass = |text: &str| passed(&mut detectors, text);
    let line = |head: &str, second| format!("{head} - [14/Nov/2023:22:13:{second}] quiet\n");
    for _ in 0..256 {
        pass(&line("1.2.3.4", 20));
    }
    let others = ["5.60.7.8", "::1", "1.2.3.4", "x", "9.9.9.9"].map(|head| line(head, 20));
    let others = others.concat();
    assert_eq!(pass(&others), 5);
    assert_eq!(pass(&(others.clone() + &line("1.2.3.4", 21) + &others)), 5);
    assert_eq!(pass(&others), 0, "a second later");
    assert_eq!(pass(&others), 5);
    let bad = line("1.2.3.4", 20).replace("quiet", "bad");
    assert_eq!(pass(&format!("{others}{others}{bad}{others}")), 10);
}

/// So many lines that the gate is judged, left out and asked again.
#[test]
fn a_gate_that_is_of_no_use_is_left_out() {
    let jails: Vec<_> = [0, 5, 7]
        .map(|rule| (Arc::clone(&RULES[rule]), None))
        .into();
    let hit = "Nov 14 22:13:20 srv sshd[12]: Failed x for u from 1.2.3.4 port 1";
    let lines: Vec<(String, i64, bool)> = (0..9_000)
        .map(|number| {
            let text = if number % 1_000 == 999 {
                "Nov 14 22:13:20 srv CRON[1]: nothing"
            } else {
                hit
            };
            (text.to_owned(), 0, false)
        })
        .collect();
    check(&jails, &lines);
}

/// A line that begins as the last one has that date for some jails, and for others another, further right.
#[test]
fn a_line_that_begins_alike_may_hold_another_date() {
    let lines = [
        "srv CRON[1]: nothing",
        "srv CRON[1]: nothing",
        "srv [14/Nov/2023:22:13:10] client 5.6.7.8",
        "srv CRON[1]: nothing",
        "srv 2023-11-14 22:13:10 bad 5.6.7.8",
    ];
    let lines = lines.map(|text| (format!("Nov 14 22:13:20 {text}"), 0, true));
    for chosen in [[0, 6], [5, 6], [0, 8]] {
        for findtime in [None, Some(Span::from_secs(600))] {
            let jails = chosen.map(|rule| (Arc::clone(&RULES[rule]), findtime));
            check(&jails, &lines);
        }
    }
}

/// A template that is too large for the gate is asked about every line.
#[test]
fn a_template_that_no_gate_knows_finds_its_dates() {
    let large = r"^(?:x{700}y){0,30}z %Y-%m-%d %H:%M:%S";
    let rule = Rule::compile(&RuleSource {
        failregex: &[r"bad <HOST>$"],
        datepattern: Some(large),
        ..PLAIN
    });
    let rule = Arc::new(rule.unwrap());
    let lines = [
        "z 2023-11-14 22:13:10 bad 1.2.3.4",
        "bad 1.2.3.4",
        "z 2023-11-14 22:13:11 bad 1.2.3.4",
    ];
    let lines = lines.map(|text| (text.to_owned(), 0, true));
    for findtime in [None, Some(Span::from_secs(600))] {
        let jails = [Arc::clone(&RULES[0]), Arc::clone(&rule)].map(|rule| (rule, findtime));
        check(&jails, &lines);
    }
}

/// Two that found one date in the last line know it in this one, each at a place of its own.
#[test]
fn dates_of_one_place_may_move_to_two() {
    let date = "[14/Nov/2023:22:13:20]";
    let lines = [
        format!("1.2.3.4 - {date} client"),
        format!("5.60.7.8 - {date}x {date} client from 5.6.7.8"),
        format!("::1 - {date} bad"),
    ];
    let lines = lines.map(|text| (text, 0, true));
    for findtime in [None, Some(Span::from_secs(600))] {
        let jails = [9, 11].map(|rule| (Arc::clone(&RULES[rule]), findtime));
        check(&jails, &lines);
    }
}

/// A jail that spans lines takes those that it has not read without their dates, which stand elsewhere in each.
#[test]
fn lines_are_kept_with_their_own_dates() {
    let rule = Rule::compile(&RuleSource {
        failregex: &[r"^5\S+ - \[\] o\n::1 - \[\] o\n.*wordy client <HOST>$"],
        maxlines: 3,
        datepattern: Some(r"^[^\[]*\[({DATE})"),
        ..PLAIN
    });
    let rule = Arc::new(rule.unwrap());
    let texts = [
        "1.2.3.4 -",
        "1.2.3.4 -",
        "1.2.3.4 -",
        "1.2.3.4 -",
        "1.2.3.4 -",
        "5.60.7.8 -",
        "::1 -",
    ]
    .map(|head| format!("{head} [14/Nov/2023:22:13:20] o"));
    let last = "::1 - [14/Nov/2023:22:13:20] wordy client 1.2.3.4".to_owned();
    let lines: Vec<_> = texts
        .into_iter()
        .chain([last])
        .map(|text| (text, 0, false))
        .collect();
    let zone = TimeZone::UTC;
    let clock = Clock {
        now: Timestamp::from_secs(NOW),
        zone: &zone,
        in_operation: false,
    };
    let mut detector = Detector::timeless(Arc::clone(&rule));
    let mut failures = Failures::default();
    for (text, ..) in &lines {
        detector.feed(&Line::of_file(text), &clock, &mut failures);
    }
    assert_eq!(failures.len(), 1);
    check(&[(rule, None)], &lines);
}

/// Lines that a match takes out leave the others in the buffer for longer.
#[test]
fn a_match_makes_room_for_the_lines_that_it_leaves() {
    let lines = [
        "srv sshd[12]: bad 5.6.7.8",
        "sshd[12]: Failed x for u from 1.2.3.4 port 2",
        "srv sshd[12]: Failed x for u",
        "2023-11-14 22:13:20 bad 1.2.3.4",
        "",
        "srv 2023-11-14 22:13:10 bad 5.6.7.8",
    ];
    let lines = lines.map(|text| (text.to_owned(), 0, false));
    check(
        &[(Arc::clone(&RULES[12]), Some(Span::from_secs(30)))],
        &lines,
    );
    check(&[(Arc::clone(&RULES[12]), None)], &lines);
}
