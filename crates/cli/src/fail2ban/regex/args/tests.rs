//! Command lines and what they mean.

use super::*;

fn read(words: &[&str]) -> Arguments {
    let words = std::iter::once("fail2ban-regex").chain(words.iter().copied());
    Arguments::try_parse_from(words).unwrap()
}

fn check_fault(words: &[&str], expected: Option<&str>) {
    let told = fault(&read(words));
    assert_eq!(told.is_some(), expected.is_some(), "{words:?}");
    let part = expected.unwrap_or_default();
    assert!(told.unwrap_or_default().contains(part), "{words:?}");
}

#[test]
fn a_log_and_a_regex_are_needed() {
    check_fault(&[], Some("provide both"));
    check_fault(&["a"], Some("provide both"));
    check_fault(&["a", "b"], None);
    check_fault(&["a", "b", "c"], None);
    check_fault(&["a", "b", "c", "d"], Some("provide both"));
    let missed = ["--print-no-missed", "--print-all-missed", "a", "b"];
    check_fault(&missed, Some("mutually exclusive"));
    let ignored = ["--print-all-ignored", "--print-no-ignored", "a", "b"];
    check_fault(&ignored, Some("mutually exclusive"));
}

#[test]
fn options_are_read_as_python_reads_them() {
    let options = read(&[
        "a",
        "-vvv",
        "--TZ",
        "UTC",
        "b",
        "-o",
        "-x",
        "--print-all-mi",
        "-L5",
        "-L",
        "-1",
    ]);
    assert_eq!(options.verbosity(), 3);
    assert_eq!(options.timezone.as_deref(), Some("UTC"));
    assert_eq!(options.token(), Some("-x"));
    assert!(options.print_all_missed);
    assert_eq!(options.maxlines, Some(-1));
    assert_eq!(options.words, ["a", "b"]);
    let options = read(&[
        "--timez=X",
        "--VD",
        "-o",
        "",
        "--verbosity=2",
        "-v",
        "--",
        "-a",
        "b",
    ]);
    assert_eq!((options.verbosity(), options.token()), (2, None));
    assert!(options.verbose_date);
    assert_eq!(options.words, ["-a", "b"]);
}

#[test]
fn what_is_no_option_is_refused() {
    for words in [
        &["--bogus", "a", "b"][..],
        &["--verb", "a", "b"],
        &["-l"],
        &["-L", "x"],
    ] {
        let words = std::iter::once("fail2ban-regex").chain(words.iter().copied());
        assert!(Arguments::try_parse_from(words).is_err());
    }
}
