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
    assert_eq!(parse(text), expected, "{text}");
}

#[test]
fn calls_are_read() {
    check("a", Some(("a", &[])));
    check("a[]", Some(("a", &[])));
    check("a[,]", Some(("a", &[])));
    check("a[x=1]", Some(("a", &[("x", "1")])));
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
fn wrong_calls_are_refused() {
    let wrong = [
        "a[",
        "a]",
        "a[x]",
        "a[x=1",
        "a[x=\"1\"y]",
        "a[x=\"1\" y=2]",
        "a[x=1]y",
        "a[x=1,,y=2]",
        "a[ x = 1 ]",
        "a[=1]",
        "a[x?=1]",
        "a[x?f=1]",
        "[x=1]",
        "a[x=1]]",
        "a[,,]",
    ];
    for text in wrong {
        check(text, None);
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
        proptest::prop_assert_eq!(parse(&text), Some(Call { name, options: expected }));
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
