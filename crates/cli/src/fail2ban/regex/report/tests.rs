//! The layout of the page.

use super::super::count::Counter;
use super::super::lists::{Lists, Show};
use super::*;
use detect::{Asked, Rule, RuleSource, UseDns};
use std::sync::Arc;

const LOG: &str = "2026-11-22 10:00:00 a fail 192.0.2.1
2026-11-22 10:00:01 a ok 192.0.2.1
2026-11-22 10:00:02 a fail 192.0.2.9\x20
2026-11-22 10:00:03 other";

fn page(verbose: bool, debuggex: bool, show: Show) -> String {
    let failregex = [
        "^fail <F-ID>\\S+</F-ID>",
        "^fail <ADDR>",
        "^<F-NOFAIL>ok</F-NOFAIL> <ADDR>",
    ];
    let source = RuleSource {
        prefregex: Some("^ a <F-CONTENT>.+</F-CONTENT>$"),
        failregex: &failregex,
        ignoreregex: &["9 $", "nothing"],
        maxlines: 1,
        datepattern: Some("%Y-%m-%d %H:%M:%S"),
        logtimezone: None,
        usedns: UseDns::Raw,
        start_year: 2026,
    };
    let rule = Rule::compile(&source).unwrap();
    let asked = Asked {
        every_failregex: true,
        captures: false,
    };
    let lists = Lists {
        matched: List::new(show),
        ignored: List::new(show),
        missed: List::new(show),
    };
    let detector = Detector::timeless(Arc::new(rule));
    let zone = TimeZone::UTC;
    let mut counter = Counter::new(detector, &zone, Timestamp::from_secs(0), asked, lists);
    counter.keeps_seen = verbose;
    for line in LOG.lines() {
        counter.count(line, None);
    }
    let texts =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let report = Report {
        detector: &counter.detector,
        tally: &counter.tally,
        failregex: &texts(&failregex),
        ignoreregex: &texts(&["9 $", "nothing"]),
        zone: &zone,
        verbose,
        verbose_date: verbose,
        debuggex,
        has_dates: true,
        seconds: 0.125,
    };
    let mut page = Page::on(Vec::new());
    report.print(&mut page).unwrap();
    String::from_utf8(page.into_inner()).unwrap()
}

#[test]
fn the_usual_page() {
    assert_eq!(
        page(false, false, Show::Few(20)),
        r"
Results
=======

Prefregex: 3 total
|  ^ a (?P<content>.+)$
`-

Failregex: 3 total
|-  #) [# of hits] regular expression
|   1) [1] ^fail <F-ID>\S+</F-ID>
|   2) [1] ^fail <ADDR>
|   3) [1] ^<F-NOFAIL>ok</F-NOFAIL> <ADDR>
`-

Ignoreregex: 2 total
|-  #) [# of hits] regular expression
|   1) [2] 9 $
`-

Date template hits:
|- [# of hits] date format
|  [4] Year-Month-Day 24hour:Minute:Second
`-

Lines: 4 lines, 2 ignored, 1 matched, 1 missed
[processed in 0.12 sec]

|- Matched line(s):
|  2026-11-22 10:00:00 a fail 192.0.2.1
`-
|- Ignored line(s):
|  2026-11-22 10:00:01 a ok 192.0.2.1
|  2026-11-22 10:00:02 a fail 192.0.2.9
`-
|- Missed line(s):
|  2026-11-22 10:00:03 other
`-
"
    );
}

/// The page holds these texts, one behind the other.
fn check_parts(page: &str, parts: &[&str]) {
    let mut rest = page;
    for part in parts {
        let at = rest.find(part);
        assert!(
            at.is_some(),
            "{part:?} is missing behind what came before in {page}"
        );
        rest = &rest[at.unwrap() + part.len()..];
    }
}

#[test]
fn the_page_in_detail() {
    check_parts(
        &page(true, false, Show::Nothing),
        &[
            "|  ^ a (?P<content>.+)$\n|      {'content': 'fail 192.0.2.1'}\n",
            "|   1) [1] ^fail <F-ID>\\S+</F-ID>\n|      192.0.2.1  Sun Nov 22 10:00:00 2026\n|   2) [1]",
            "|   1) [2] 9 $\n|   2) [0] nothing\n`-\n",
            "|  [4] Year-Month-Day 24hour:Minute:Second\n|      # weight: 4.000 (1.000), pattern: %Y-%m-%d %H:%M:%S\n\
             |      # regex:   (?=^|\\b|\\W)((?P<Y>",
            "[processed in 0.12 sec]\n\n",
        ],
    );
}

#[test]
fn long_lists_are_not_shown() {
    check_parts(
        &page(false, false, Show::Few(2)),
        &[
            "|- Matched line(s):\n|  2026",
            "`-\nIgnored line(s): too many to print.  Use --print-all-ignored to print all 2 lines\n",
            "|- Missed line(s):\n",
        ],
    );
}

#[test]
fn drawings_have_one_address_for_each_line_and_expression() {
    check_parts(
        &page(false, true, Show::All),
        &[
            "|- Ignored line(s):\n|  2026-11-22 10:00:01 a ok 192.0.2.1 | 9 $ |  https://",
            "|  2026-11-22 10:00:02 a fail 192.0.2.9  | nothing |  https://",
            "|- Missed line(s):\n|  2026-11-22 10:00:03 other | ^fail <F-ID>",
            "str=2026-11-22+10%3A00%3A03+other&flavor=python\n|  2026-11-22 10:00:03 other | ^fail <ADDR> |",
        ],
    );
}
