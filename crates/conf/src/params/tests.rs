//! What counts as `name[…]`, and where lists of them are cut.

use super::*;

fn check(text: &str, expected: Option<(&str, &[(&str, &str)])>) {
    let expected = expected.map(|(name, options)| Call {
        name: name.into(),
        options: options
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
    });
    assert_eq!(parse(text).ok(), expected, "{text}");
}

#[test]
fn calls_are_read() {
    check("a", Some(("a", &[])));
    check("a[]", Some(("a", &[])));
    check("a[,]", Some(("a", &[])));
    check("a[x=1]", Some(("a", &[("x", "1")])));
    check("a]", Some(("a]", &[])));
    check("a[x=1,,]", Some(("a", &[("x", "1")])));
    check("a[x=1] ", Some(("a", &[("x", "1")])));
    check("a[x=1,]", Some(("a", &[("x", "1")])));
    check("a[x=1, y=2]", Some(("a", &[("x", "1"), ("y", "2")])));
    check("a[x=1][y=2]", Some(("a", &[("x", "1"), ("y", "2")])));
    check("a[x=1] [y=2]", Some(("a", &[("x", "1"), ("y", "2")])));
    check("a[x=1, x=2]", Some(("a", &[("x", "2")])));
    check("a[x=1, y=2][x=3]", Some(("a", &[("x", "3"), ("y", "2")])));
    check("a[x=]", Some(("a", &[("x", "")])));
    check("a[x=\"\"]", Some(("a", &[("x", "")])));
    check("a[x=\"b ] , 'c'\"]", Some(("a", &[("x", "b ] , 'c'")])));
    check("a[x='b \"c\"']", Some(("a", &[("x", "b \"c\"")])));
    check(
        "a[x=\" b \", y= c ]",
        Some(("a", &[("x", "b"), ("y", "c")])),
    );
    check("a[x= \"q\"]", Some(("a", &[("x", "\"q\"")])));
    check(
        "a[x=\"b\nc\",\n  y=2]",
        Some(("a", &[("x", "b\nc"), ("y", "2")])),
    );
    check("a[x-1.b_c=1]", Some(("a", &[("x-1.b_c", "1")])));
    check(
        "a[x?family=inet6=y]",
        Some(("a", &[("x?family=inet6", "y")])),
    );
    check("a[x=\"1]", Some(("a", &[("x", "\"1")])));
    check("a [x=1]", Some(("a ", &[("x", "1")])));
    check("é[ü=ß]", Some(("é", &[("ü", "ß")])));
}

#[test]
fn wrong_calls_are_refused_in_fail2bans_words() {
    let cases = [
        ("a[", "unexpected option syntax"),
        ("a[x=1", "unexpected option syntax"),
        ("a[x=1]y", "unexpected option syntax"),
        ("[x=1]", "unexpected option syntax"),
        ("a[]]", "expected option, wrong syntax at 0: ]"),
        ("a[x]", "expected option, wrong syntax at 0: x"),
        ("a[x=1][q]", "expected option, wrong syntax at 5: q"),
        ("a[x=1,,y=2]", "expected option, wrong syntax at 4: ,y=2"),
        ("a[ x = 1 ]", "expected option, wrong syntax at 0:  x = 1 "),
        ("a[=1]", "expected option, wrong syntax at 0: =1"),
        ("a[x?=1]", "expected option, wrong syntax at 0: x?=1"),
        ("a[x?f=1]", "expected option, wrong syntax at 0: x?f=1"),
        ("a[,,]", "expected option, wrong syntax at 0: ,,"),
        (
            "a[é=\"1\", ,y=2]",
            "expected option, wrong syntax at 6:  ,y=2",
        ),
        ("a[x=\"1\"y]", "unexpected syntax at 5 after option 'x': y"),
        (
            "a[x=\"1\" y=2]",
            "unexpected syntax at 5 after option 'x':  y=2",
        ),
        ("a[x=1]]", "unexpected syntax at 3 after option 'x': ]"),
        (
            "a[x=b[c],y=1]",
            "unexpected syntax at 5 after option 'x': ],y=1",
        ),
    ];
    for (text, words) in cases {
        assert_eq!(parse(text), Err(words.to_owned()), "{text}");
    }
}

#[test]
fn lists_are_cut_at_blanks_outside_of_groups() {
    let cases: &[(&str, &[(usize, &str)])] = &[
        ("", &[]),
        (" \n ", &[]),
        ("a", &[(0, "a")]),
        ("a b\n  c", &[(0, "a"), (2, "b"), (6, "c")]),
        ("a[x=1] b[y=\"2 3\"]", &[(0, "a[x=1]"), (7, "b[y=\"2 3\"]")]),
        ("a[x=1,\n  y=2]\nb", &[(0, "a[x=1,\n  y=2]"), (14, "b")]),
        ("a[x=1] [y=2] b", &[(0, "a[x=1] [y=2]"), (13, "b")]),
        ("a[x b]", &[(0, "a[x"), (4, "b]")]),
        ("a [x=1 2] b", &[(0, "a [x=1 2]"), (10, "b")]),
        ("a[x=1 2]b c", &[(0, "a[x=1"), (6, "2]b"), (10, "c")]),
        ("[x=1 2]", &[(0, "[x=1"), (5, "2]")]),
        ("a[x=\"1\" y=2] b", &[(0, "a[x=\"1\" y=2]"), (13, "b")]),
        ("a[x=1] [y 2]", &[(0, "a[x=1]"), (7, "[y"), (10, "2]")]),
        ("a[x=1 2, ] b", &[(0, "a[x=1 2, ]"), (11, "b")]),
        ("a[x=1 2,,]", &[(0, "a[x=1"), (6, "2,,]")]),
    ];
    for (text, expected) in cases {
        assert_eq!(split(text), *expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_read(
        name in "[a-z]{1,5}",
        options in proptest::collection::vec(("[a-z_.-]{1,5}", "[a-z ,=\\]\\[']{0,8}"), 0..5),
    ) {
        let mut expected: Vec<(String, String)> = Vec::new();
        for (key, value) in &options {
            match expected.iter_mut().find(|(known, _)| known == key) {
                Some((_, earlier)) => *earlier = value.trim().into(),
                None => expected.push((key.clone(), value.trim().into())),
            }
        }
        let written: Vec<String> = options.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let text = format!("{name}[{}]", written.join(", "));
        proptest::prop_assert_eq!(split(&text), vec![(0, text.as_str())]);
        proptest::prop_assert_eq!(parse(&text), Ok(Call { name, options: expected }));
    }

    #[test]
    fn any_text_is_cut_without_loss(text in "[a =\\[\\]\",?\\n]{0,30}") {
        let parts = split(&text);
        let kept: String = parts.iter().map(|(_, part)| *part).collect();
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        proptest::prop_assert_eq!(bare(&kept), bare(&text));
        for (at, part) in parts {
            proptest::prop_assert_eq!(&text[at..at + part.len()], part);
        }
    }
}
