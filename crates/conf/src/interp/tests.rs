//! `%(name)s` in sections made of two layers.

use super::*;
use crate::ini;

const FIRST: &str = "\
[DEFAULT]
base = d
twice = d1
[s]
plain = one
percent = 100%%
of_default = <%(base)s>
name = %(__name__)s
upper = %(PLAIN)s
deep0 = %(deep1)s
deep1 = %(deep2)s
deep2 = %(deep3)s
deep3 = end
chained = a
grown = %(chained)s
only_default = %(known/base)s
two = 1
 %(plain)s
[Other]
x = %(plain)s
[bad]
lone = 5% of
end = 100%
conversion = %(plain)d
unknown = %(nowhere)s
circle = %(circle2)s
circle2 = %(circle)s
known = %(known/nothing)s
no_section = %(zz/x)s
empty = %()s
v0 = %(v1)s
v1 = %(v2)s
v2 = %(v3)s
v3 = %(v4)s
v4 = %(v5)s
v5 = %(v6)s
v6 = %(v7)s
v7 = %(v8)s
v8 = %(v9)s
v9 = %(v10)s
v10 = %(v11)s
v11 = end
";

const LATER: [&str; 2] = [
    "[DEFAULT]\ntwice = %(known/twice)s,d2\n[s]\nchained = %(known/chained)sb\n",
    "[s]\nchained = %(known/chained)sc\nolder = %(known/chained)s\ntwice = %(known/twice)s,s\nother = %(Other/x)s\n\
     other_case = %(other/x)s\ndefault = %(default/base)s%(DEFAULT/base)s\nfrom_default = %(s/base)s\n",
];

fn merged() -> Merged {
    let mut merged = Merged::default();
    for text in [FIRST].into_iter().chain(LATER) {
        let (sections, faults) = ini::parse("f.conf", text);
        assert_eq!(faults, []);
        merged.merge(&sections);
    }
    merged
}

#[test]
fn references_are_followed() {
    let merged = merged();
    let mut scope = Scope::new(&merged, "s");
    let origin = Origin {
        file: "jail".into(),
        line: 1,
        text: "".into(),
    };
    scope
        .vars
        .insert("known/lent".into(), Text::new("lent%", &origin));
    let cases = [
        ("plain", "one"),
        ("base", "d"),
        ("percent", "100%"),
        ("of_default", "<d>"),
        ("name", "s"),
        ("upper", "one"),
        ("deep0", "end"),
        ("chained", "abc"),
        ("grown", "abc"),
        ("older", "ab"),
        ("twice", "d1,d2,s"),
        ("only_default", "d"),
        ("two", "1\none"),
        ("other", "one"),
        ("other_case", "one"),
        ("default", "dd"),
        ("from_default", "d"),
    ];
    for (key, expected) in cases {
        let found = scope.get(key).map(|text| text.map(|text| text.plain()));
        assert_eq!(found, Ok(Some(expected.to_owned())), "{key}");
    }
    assert_eq!(scope.get("absent"), Ok(None));
    assert_eq!(scope.own("base"), Ok(None));
}

#[test]
fn wrong_references_say_what_and_where() {
    let merged = merged();
    let scope = Scope::new(&merged, "bad");
    let cases = [
        (
            "lone",
            "'%' must be followed by '%' or '(NAME)s'",
            "lone = 5% of",
        ),
        ("end", "'%' must be followed", "end = 100%"),
        (
            "conversion",
            "'%' must be followed",
            "conversion = %(plain)d",
        ),
        ("empty", "'%' must be followed", "empty = %()s"),
        (
            "unknown",
            "unknown option 'nowhere' in %(nowhere)s",
            "unknown = %(nowhere)s",
        ),
        (
            "known",
            "unknown option 'known/nothing'",
            "known = %(known/nothing)s",
        ),
        (
            "no_section",
            "unknown option 'zz/x'",
            "no_section = %(zz/x)s",
        ),
        (
            "circle",
            "option 'circle' refers to itself",
            "circle2 = %(circle)s",
        ),
        (
            "v1",
            "%(v11)s stands over 10 references deep",
            "v10 = %(v11)s",
        ),
    ];
    for (key, message, line) in cases {
        let fault = scope.get(key).unwrap_err();
        assert!(fault.message.contains(message), "{key}: {fault}");
        assert!(
            fault.origin.as_ref().unwrap().text.contains(line),
            "{key}: {fault}"
        );
        assert!(fault.help.is_some(), "{key}: {fault}");
    }
    // Ten steps are just good.
    let found = scope.get("v2").map(|text| text.map(|text| text.plain()));
    assert_eq!(found, Ok(Some("end".to_owned())));
}

#[test]
fn values_cannot_explode() {
    let mut text = String::from("[s]\nx0 = 0123456789\n");
    for n in 1..10 {
        text += &format!("x{n} = {}\n", format!("%(x{})s", n - 1).repeat(10));
    }
    let mut merged = Merged::default();
    merged.merge(&ini::parse("f", &text).0);
    let fault = Scope::new(&merged, "s").get("x9").unwrap_err();
    assert!(fault.message.contains("too long"), "{fault}");
}

proptest::proptest! {
    #[test]
    fn escaped_text_comes_back(text in "[a-z%() ]{0,30}") {
        let text = text.trim();
        let mut merged = Merged::default();
        merged.merge(&ini::parse("f", &format!("[s]\nk = {}\n", text.replace('%', "%%"))).0);
        let found = Scope::new(&merged, "s").get("k").map(|text| text.map(|text| text.plain()));
        proptest::prop_assert_eq!(found, Ok(Some(text.to_owned())));
    }

    #[test]
    fn any_references_end(values in proptest::collection::vec("(%\\((a|b|c|known/a|known/b|s/a)\\)s|x|%){0,4}", 6)) {
        let mut merged = Merged::default();
        for layer in values.chunks(3) {
            let text: String = ["a", "b", "c"].iter().zip(layer).map(|(key, value)| format!("{key} = {value}\n")).collect();
            merged.merge(&ini::parse("f", &format!("[DEFAULT]\n{text}[s]\n{text}")).0);
        }
        let scope = Scope::new(&merged, "s");
        for key in ["a", "b", "c"] {
            if let Ok(Some(text)) = scope.get(key) {
                proptest::prop_assert!(text.len() <= MAX_SIZE + 16);
            }
        }
    }
}
