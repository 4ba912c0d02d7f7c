//! Which tags are replaced, in which order, and where that ends.

use super::*;
use base::Origin;

fn origin() -> Origin {
    Origin {
        file: "f".into(),
        line: 1,
        text: "x = <a>".into(),
    }
}

fn replaced(text: &str) -> Result<String, Diagnostic> {
    let values = BTreeMap::from([
        ("a", "A"),
        ("b", "<a>b"),
        ("c-A", "inner"),
        ("lines", "1\n2"),
        ("empty", ""),
        ("loop", "x<loop>"),
        ("nest", "<<nest>>"),
        ("ping", "<pong>"),
        ("pong", "<ping>"),
        ("double", "<b><b>"),
        ("self-A", "<self-<a>>"),
    ]);
    let mut lookup = |tag: &str| Ok(values.get(tag).map(|value| Text::new(value, &origin())));
    substitute("own", &Text::new(text, &origin()), &mut lookup).map(|text| text.plain())
}

#[test]
fn tags_with_values_are_replaced() {
    let cases = [
        ("", ""),
        ("plain", "plain"),
        ("<a>", "A"),
        ("-<a>-<a>-", "-A-A-"),
        ("<b>", "Ab"),
        ("<double>", "AbAb"),
        ("<c-<a>>", "inner"),
        ("[<empty>]", "[]"),
        ("x<lines>y", "x1\n2y"),
        ("<a>\n<lines>", "A\n1\n2"),
        (
            "<HOST> <unknown> <F-USER>.*</F-USER>",
            "<HOST> <unknown> <F-USER>.*</F-USER>",
        ),
        ("<c-<none>>", "<c-<none>>"),
        ("a < b > c <a b> <>", "a < b > c <a b> <>"),
        ("cat <file <a>", "cat <file A"),
        ("(?<a>", "(?A"),
        ("<é><a>", "<é>A"),
        ("x<self-<a>>y", "x<self-A>y"),
    ];
    for (text, expected) in cases {
        assert_eq!(replaced(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(replaced(&"<b>".repeat(100)), Ok("Ab".repeat(100)));
}

#[test]
fn circles_end_with_the_tag_and_its_place() {
    for (text, tag) in [
        ("<loop>", "loop"),
        ("<nest>", "nest"),
        ("<ping>", "ping"),
        ("<own>", "own"),
    ] {
        let mut own = |_: &str| Ok(Some(Text::new("<own>", &origin())));
        let found = match tag {
            "own" => {
                substitute("own", &Text::new(text, &origin()), &mut own).map(|text| text.plain())
            }
            _ => replaced(text),
        };
        let fault = found.unwrap_err().to_string();
        assert!(
            fault.contains(&format!("<{tag}> refers to itself")),
            "{fault}"
        );
        assert!(fault.contains("(f:1)\n    1 | x = <a>"), "{fault}");
    }
}

#[test]
fn growth_is_bounded() {
    let many = "<big>".repeat(20);
    let big = Text::new(&"x".repeat(MAX_SIZE / 4), &origin());
    let fault = substitute("own", &Text::new(&many, &origin()), &mut |_| {
        Ok(Some(big.clone()))
    });
    assert!(fault.unwrap_err().message.contains("too long"));
}

proptest::proptest! {
    #[test]
    fn a_text_without_known_tags_stays(text in "[a-c<> \\n]{0,40}") {
        let text = Text::new(&text, &origin());
        let found = substitute("own", &text, &mut |_| Ok(None));
        proptest::prop_assert_eq!(found.map(|found| found.plain()), Ok(text.plain()));
    }
}

#[test]
fn many_places_of_one_tag_are_no_circle() {
    let many = "<b>\n".repeat(60);
    assert_eq!(replaced(&many), Ok("Ab\n".repeat(60)));
    // Each of these brings the same tag in anew: 26 do, as in fail2ban, and one more is taken for a circle.
    let bringing = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("<z{number}>")).collect();
        let mut lookup = |tag: &str| {
            let value = if tag == "c" { "v" } else { "<c>" };
            Ok(Some(Text::new(value, &origin())))
        };
        let text = Text::new(&names.concat(), &origin());
        substitute("own", &text, &mut lookup).map(|text| text.plain())
    };
    assert_eq!(bringing(26), Ok("v".repeat(26)));
    assert!(bringing(27).is_err());
}
