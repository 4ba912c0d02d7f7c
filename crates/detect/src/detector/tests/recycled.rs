//! Memory that is used again, from line to line and from failure to failure, changes nothing.

use super::*;
use proptest::prelude::*;

proptest! {
    /// Without sessions a detector is as good as a fresh one for each line.
    #[test]
    fn a_line_is_judged_as_the_first(lines in proptest::collection::vec("(a|b é?)? ?(bad [uv]?( [wx])?|no|id [yz]) (1\\.1\\.1\\.[1-3]|::1|h\\.example)?", 0..12)) {
        let source = RuleSource {
            ignoreregex: &["3$"],
            ..plain(
                Some("^<F-EXTRA>[ab]</F-EXTRA>.*? <F-CONTENT>.*</F-CONTENT>$"),
                &[
                    r"^bad <F-USER>\w?</F-USER>(?: <F-ALT_USER>\w</F-ALT_USER>)? <HOST>$",
                    "^id <F-TUPLE_ID>[yz]</F-TUPLE_ID> <ADDR>$",
                    "^id <F-ID>[yz]</F-ID>",
                ],
            )
        };
        let mut known = detector(&source);
        let mut failures = Failures::default();
        for line in &lines {
            failures.clear();
            let verdict = known.feed(&Line::of_file(line), &clock(true), &mut failures);
            let mut fresh = Failures::default();
            let expected = detector(&source).feed(&Line::of_file(line), &clock(true), &mut fresh);
            prop_assert_eq!(verdict, expected, "{}", line);
            prop_assert_eq!(&*failures, &*fresh, "{}", line);
        }
    }

    /// A list of failures that is used again holds what a fresh one holds.
    #[test]
    fn a_list_is_filled_as_a_fresh_one(lines in proptest::collection::vec("s[12] (conn|bad [uv]|bye|ok [uvw])( 1\\.1\\.1\\.[12])?", 0..20)) {
        let source = plain(
            Some(r"^<F-MLFID>s\d</F-MLFID> <F-CONTENT>.*</F-CONTENT>$"),
            &[
                "^<F-NOFAIL>conn</F-NOFAIL>(?: <ADDR>)?$",
                r"^bad <F-USER>\w</F-USER>(?: <ADDR>)?$",
                "^<F-MLFFORGET>bye</F-MLFFORGET>(?: <ADDR>)?$",
                r"^<F-MLFFORGET><F-MLFGAINED>ok</F-MLFGAINED></F-MLFFORGET> <F-USER>\w</F-USER>",
            ],
        );
        let (mut one, mut other) = (detector(&source), detector(&source));
        let mut failures = Failures::default();
        for line in &lines {
            failures.clear();
            let mut fresh = Failures::default();
            one.feed(&Line::of_file(line), &clock(true), &mut failures);
            other.feed(&Line::of_file(line), &clock(true), &mut fresh);
            prop_assert_eq!(&*failures, &*fresh, "{}", line);
        }
        prop_assert!(failures.drain().count() <= 1 && failures.is_empty());
    }

    /// What is known of a text spares the searches and nothing else: lines that are repeated mean what lines mean that
    /// differ in what nobody looks at.
    #[test]
    fn a_line_that_is_repeated_is_judged_like_a_new_one(
        lines in proptest::collection::vec("s[12] (conn|bad [uv]|bye|ok [uv]|[ab])( 1\\.1\\.1\\.[12])?", 0..40),
    ) {
        let source = RuleSource {
            ignoreregex: &["^bad v 1"],
            ..plain(
                Some(r"^<F-MLFID>s\d</F-MLFID> <F-CONTENT>.*</F-CONTENT>$"),
                &[
                    "^<F-NOFAIL>conn</F-NOFAIL>(?: <ADDR>)?",
                    r"^bad <F-USER>\w</F-USER>(?: <ADDR>)?",
                    "^<F-MLFFORGET>bye</F-MLFFORGET>(?: <ADDR>)?",
                    r"^<F-MLFFORGET><F-MLFGAINED>ok</F-MLFGAINED></F-MLFFORGET> <F-USER>\w</F-USER>",
                    r"^a <ADDR>",
                ],
            )
        };
        let (mut one, mut other) = (detector(&source), detector(&source));
        for (number, line) in lines.iter().enumerate() {
            let same = feed(&mut one, &format!("{line} #"));
            let new = feed(&mut other, &format!("{line} #{number}#"));
            let digits = |c: char| c.is_ascii_digit();
            let new: String = new.split('#').filter(|part| part.is_empty() || !part.chars().all(digits)).collect();
            prop_assert_eq!(same.replace('#', ""), new, "{}", line);
        }
    }
}
