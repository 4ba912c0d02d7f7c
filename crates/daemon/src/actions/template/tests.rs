//! What a script is made of, and that no value becomes a part of it.

use super::*;
use proptest::prelude::*;
use std::ffi::OsStr;
use std::time::Duration;

fn fill(text: &str, values: &[(&str, &str)]) -> Script {
    Template::new(text).fill(&mut |tag| {
        let found = values.iter().find(|(name, _)| *name == tag);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn check(text: &str, values: &[(&str, &str)], script: &str, beside: &[&str]) {
    let filled = fill(text, values);
    let arguments: Vec<&str> = filled.values.iter().map(String::as_str).collect();
    assert_eq!(
        (filled.text.as_str(), arguments.as_slice()),
        (script, beside),
        "{text}"
    );
}

/// What a shell makes of it.
fn run(script: &Script) -> String {
    let arguments = script.arguments();
    let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
    let patience = Duration::from_secs(50);
    let ran = os::run_script(script.text.as_ref(), &arguments, patience, &|| false).unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{script:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn harmless_values_stand_in_the_script() {
    check(
        "ban <ip> for <x>",
        &[("ip", "192.0.2.1")],
        "ban 192.0.2.1 for <x>",
        &[],
    );
    let harmless = "a b!%=-/,.@+:_";
    check(
        "<ip>,<ip>",
        &[("ip", harmless)],
        &format!("{harmless},{harmless}"),
        &[],
    );
    check(
        "a <file b <>c <<ip>> <a b>",
        &[("ip", "1")],
        "a <file b <>c <1> <a b>",
        &[],
    );
    check("", &[], "", &[]);
}

#[test]
fn others_stand_beside_it() {
    check(
        "echo <ip> \"<matches>\"",
        &[("ip", "1.2.3.4"), ("matches", "a'b;c\n$(x)")],
        "f2bV_matches=$0 \necho 1.2.3.4 \"$f2bV_matches\"",
        &["a'b;c\n$(x)"],
    );
    check(
        "<F-USER> <raw-ticket> <F-USER> <F-PORT>",
        &[("F-USER", "a;b"), ("raw-ticket", "[]"), ("F-PORT", "#")],
        "f2bV_F_user=$0 f2bV_raw_ticket=$1 f2bV_F_fport=$2 \n$f2bV_F_user $f2bV_raw_ticket $f2bV_F_user $f2bV_F_fport",
        &["a;b", "[]", "#"],
    );
    // What follows is no part of the name, and two tags never share one.
    check(
        "<m>x<m>_<m>-<m><n>",
        &[("m", ";"), ("n", "9")],
        "f2bV_m=$0 \n${f2bV_m}x${f2bV_m}_$f2bV_m-${f2bV_m}9",
        &[";"],
    );
    check(
        "<F-A_B> <F-A-B>",
        &[("F-A_B", ";"), ("F-A-B", "&")],
        "f2bV_F_a_b=$0 f2bV_F_a_b_=$1 \n$f2bV_F_a_b $f2bV_F_a_b_",
        &[";", "&"],
    );
}

#[test]
fn values_are_not_looked_at_again() {
    check("<a> <b>", &[("a", "b"), ("b", "c")], "b c", &[]);
    check(
        "<a>",
        &[("a", "<b>"), ("b", "no")],
        "f2bV_a=$0 \n$f2bV_a",
        &["<b>"],
    );
}

#[test]
fn more_than_ten_values_keep_their_places() {
    let values: Vec<(String, String)> = (0..12)
        .map(|n| (format!("v{n}"), format!(";{n}")))
        .collect();
    let text: String = values
        .iter()
        .map(|(name, _)| format!("<{name}>|"))
        .collect();
    let pairs: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let script = fill(&format!("printf %s \"{text}\""), &pairs);
    let expected: String = values
        .iter()
        .map(|(_, value)| format!("{value}|"))
        .collect();
    assert_eq!(run(&script), expected);
}

#[test]
fn long_values_are_cut_at_the_front_and_zeroes_shown() {
    let lines = "0123456789abcde\n".repeat(20_000);
    let script = fill("printf %s \"<m>\" | wc -c", &[("m", &lines)]);
    // The shell takes no line feed away, whole lines are kept.
    let bytes: usize = run(&script).trim().parse().unwrap();
    assert!(
        (100_000..=LONGEST_BESIDE).contains(&bytes) && bytes.is_multiple_of(16),
        "{bytes}"
    );
    let long = "é".repeat(100_000);
    let kept = fill("<m>", &[("m", &long)]).values[0].len();
    assert!(
        (LONGEST_BESIDE - 4..=LONGEST_BESIDE).contains(&kept),
        "{kept}"
    );
    assert_eq!(fill("<m>", &[("m", "a\0b")]).values, ["a\\x00b"]);
    // What is long and harmless is an argument as well: no script grows with a value.
    let harmless = "x".repeat(10_000);
    let script = fill("printf %s \"<m>\"", &[("m", &harmless)]);
    assert!(script.text.len() < 100);
    assert_eq!(run(&script), harmless);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever a value is: it arrives at the command as it is, and nothing else happens.
    #[test]
    fn a_value_arrives_whole_and_runs_nothing(
        value in "([ -~\n\r\t\u{e9}\u{1f600}]|\\$\\(|`|'|\"|<ip>|\\\\){0,200}",
    ) {
        let script = fill("printf %s \"<m>\"", &[("m", &value), ("ip", "no")]);
        let harmless = !value.contains(SPECIAL);
        prop_assert_eq!(script.values.is_empty(), harmless);
        prop_assert_eq!(run(&script), value);
    }
}
