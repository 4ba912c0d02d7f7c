//! What is read as Python reads it, and what is refused where.

use super::*;

/// The message and the place of the refusal.
fn refused(pattern: &str, message: &str, offset: usize) {
    let error = parse(pattern, false).map(|tree| tree.root).unwrap_err();
    assert_eq!(
        (error.message.as_str(), error.offset),
        (message, offset),
        "{pattern}"
    );
}

#[test]
fn refuses_with_pythons_words_and_places() {
    refused("a)", "unbalanced parenthesis", 1);
    refused("x(a", "missing ), unterminated subpattern", 1);
    refused("[a", "unterminated character set", 0);
    refused("[z-a]", "bad character range z-a", 1);
    refused("[a-\\d]", "bad character range a-\\d", 1);
    refused("*a", "nothing to repeat", 0);
    refused("^*", "nothing to repeat", 1);
    refused("a**", "multiple repeat", 2);
    refused("a{3,2}", "min repeat greater than max repeat", 2);
    refused("a\\", "bad escape (end of pattern)", 1);
    refused("\\y", "bad escape \\y", 0);
    refused("é\\x4", "incomplete escape \\x4", 1);
    refused(
        "\\777",
        "octal escape value \\777 outside of range 0-0o377",
        0,
    );
    refused("(a)\\2", "invalid group reference 2", 4);
    refused("(a\\1)", "cannot refer to an open group", 2);
    refused(
        "(?P<n>a)(?P<n>b)",
        "redefinition of group name 'n' as group 2; was group 1",
        12,
    );
    refused("(?P<1>a)", "bad character in group name '1'", 4);
    refused("(?P<>a)", "missing group name", 4);
    refused("(?P=n)", "unknown group name 'n'", 4);
    refused("(?(2)a)", "invalid group reference 2", 3);
    refused("(?(0)a)", "bad group number", 3);
    refused(
        "(a)(?(1)a|b|c)",
        "conditional backref with more than two branches",
        11,
    );
    refused(
        "a(?i)",
        "global flags not at the start of the expression",
        1,
    );
    refused(
        "(?L)a",
        "bad inline flags: cannot use 'L' flag with a str pattern",
        3,
    );
    refused("(?q)a", "unknown extension ?q", 1);
    refused("(?iq)a", "unknown flag", 3);
    refused("(?<=a+)b", "look-behind requires fixed-width pattern", 0);
    refused("(?#a", "missing ), unterminated comment", 0);
}

/// Both patterns have the same tree.
fn same(a: &str, b: &str) {
    assert_eq!(
        parse(a, false).unwrap().root,
        parse(b, false).unwrap().root,
        "{a} and {b}"
    );
}

#[test]
fn reads_the_forms_of_one_thing_alike() {
    same("a{,3}", "a{0,3}");
    same("\\x41\\101\\u0041\\U00000041[A]", "AAAAA");
    same("a{}{x}{1,x}", "a\\{\\}\\{x\\}\\{1,x\\}");
    same("(?x) a b # c\n [ ] \\  ", "ab[ ]\\ ");
    same("a(?#x)*", "a*");
    same("((?i)ab)", "(?i:ab)");
    same("(?:(?i)ab)", "(?i:ab)");
    same("(?i)(?s).", "(?is).");
    same("[]a]", "[a\\]]");
    same("[a-]", "[\\-a]");
    same("(?i:a)b", "[aA]b");
    same("(?i)[^a]", "[^aA]");
}

#[test]
fn deep_nesting_is_refused() {
    let pattern = format!("{}{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(
        parse(&pattern, false).unwrap_err().message,
        "groups are nested too deeply"
    );
    let pattern = format!("(a){}{}", "(?(1)".repeat(10_000), ")".repeat(10_000));
    assert_eq!(
        parse(&pattern, false).unwrap_err().message,
        "groups are nested too deeply"
    );
}
