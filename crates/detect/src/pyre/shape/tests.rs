//! What is told of a pattern's shape, construct by construct.

use super::*;

const V4: &str = r"(?P<ip4>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})";

fn shape(pattern: &str) -> Shape {
    let pattern = pattern.replace("<A>", V4);
    Regex::new(&pattern, false).unwrap().shape(&["ip4"])
}

#[test]
fn anchors_are_found_in_every_alternative() {
    for (pattern, anchored) in [
        ("^a", true),
        (r"\Aa", true),
        ("a^", false),
        ("(?:^a|^b)", true),
        ("(?:^a|b)", false),
        ("(?=x)^a", true),
        ("(^)?a", false),
        ("(?:^a)+", true),
        (r"\b^a", true),
        ("", false),
        ("(?m)^a", true),
        ("(a)?(?(1)^b|^c)", false),
        ("(?:)^a", true),
    ] {
        assert_eq!(shape(pattern).anchored, anchored, "{pattern}");
    }
}

#[test]
fn constructs_are_named_once() {
    for (pattern, constructs) in [
        ("^a(?:b|c)*$", &[][..]),
        ("(?=a)(?!b)a", &["look-ahead"]),
        ("(?<=a)b(?<!c)", &["look-behind"]),
        ("(a)?(?(1)b|c)", &["conditional"]),
        (r"(a+)\1", &["back-reference"]),
        (r"(a)\1", &[]),
        ("(?>a)b++", &["atomic group", "possessive repetition"]),
        // The look-behind of the address tags is nobody's doing.
        (
            "(?P<ip6>(?:[0-9a-f]{1,4}::?|:){1,7}(?:[0-9a-f]{1,4}|(?<=:):))",
            &[],
        ),
        (r"\bword\b", &[]),
    ] {
        assert_eq!(shape(pattern).constructs, constructs, "{pattern}");
    }
}

fn free(pattern: &str) -> Option<(String, String)> {
    let free = shape(pattern).targets.first()?.free.clone()?;
    Some((free.piece, free.joint))
}

#[test]
fn free_text_is_closed_by_what_its_class_excludes() {
    let check = |pattern: &str, expected: Option<(&str, &str)>| {
        let expected = expected.map(|(piece, joint)| (piece.to_owned(), joint.to_owned()));
        assert_eq!(free(pattern), expected, "{pattern}");
    };
    check("^a <A> b", None);
    check("^.* from <A>", Some((".*", " from ")));
    check("^.+<A>", Some((".+", "")));
    check("^.*?, <A>", Some((".*?", ", ")));
    check(r"^\S+ <A>", None);
    check(r"^\S+<A>", Some((r"\S+", "")));
    check("^'[^']*' <A>", None);
    check("^[^']* <A>", Some(("[^']*", " ")));
    check(r"^[\w.]+@<A>", None);
    check(r"^[\w.@]+@<A>", Some((r"[\w.@]+", "@")));
    check(r"^\w+ \d+ <A>", None);
    // A class without a full stop or digits holds no address.
    check("^[a-z. ]* <A>", None);
    check("^[^.]* <A>", None);
    check("^.{3} <A>", None);
    check("^.{0,9} <A>", Some((".{0,9}", " ")));
    // One alternative is enough, and an optional piece too.
    check(r"^(?:\d+|.*) <A>", Some((".*", " ")));
    check("^(?:for .* )?from <A>", Some((".*", " from ")));
    // Repeated groups.
    check(r"^(?:\S+ )*<A>", Some(("(?:…)*", " ")));
    check(r"^(?:,\w+='[^']*')*,ip=<A>", None);
    check(r"^(?:,\S+)*,ip=<A>", Some((r"\S+", ",ip=")));
    check(r"^(?:[^\n]*\n)*x <A>", None);
    check(r"^.*\n<A>", None);
    // What a look-ahead keeps out.
    check("^(?:(?! from ).)* from <A>", None);
    check("^(?:(?! for ).)* from <A>", Some(("(?:…)*", " from ")));
    check(r"^x(?:\s+(?!IP:)\S+)* IP: <A>", None);
}

#[test]
fn a_fixed_end_pins_the_target() {
    for (pattern, is_free) in [
        ("^.* from <A>$", false),
        (r"^.* from <A>\s*$", false),
        (r"^.* from <A> port \d+$", false),
        (r"^.* from <A>(?: via \S+)?$", false),
        (r"^.*,ip=<A>,to=\S+$", true),
        ("^.* from <A> .*$", true),
        ("^.* from <A>(?: x$)?", true),
        ("^.* from <A>(?: x|)$", false),
        ("^.* from <A>[^ ]*$", false),
        ("^.* from <A>: (?:(?! from ).)*$", false),
        ("^.* from <A>: (?:(?! for ).)*$", true),
        (r"(?m)^.* from <A>$", false),
        (r"^.* from <A>\Z", false),
        (r"^.* from <A>(?:$|: .*)", true),
        (r"^(?P<u>\S+|.*) from <A>(?(u): |$)", true),
        (r"^(?:(?P<u>\S+)|.*) from <A>(?(u): |$)", false),
    ] {
        assert_eq!(free(pattern).is_some(), is_free, "{pattern}");
    }
}

#[test]
fn an_end_is_open_where_a_name_could_go_on() {
    for (pattern, is_open) in [
        ("^<A>", true),
        ("^<A>$", false),
        ("^<A> ", false),
        ("^<A>.*$", true),
        (r"^<A>\b", true),
        (r"^<A>\S*$", true),
        (r"^<A>\.$", false),
        (r"^<A>\. x", false),
        (r"^<A>\.\w", true),
        ("^<A>(?: x)?", true),
        ("^<A>(?: x)?$", false),
        ("^<A>(?: x|$)", false),
        (r"^<A>(?=\s|$)", false),
        (r"^<A>(?!\S)", false),
        (r"^<A>(?![\w.-])", false),
        (r"^<A>(?!x)", true),
        (r"^<A>[:,\]]", false),
        (r"^<A>-x", true),
        (r"^\[?<A>\]?$", false),
        (r"^\[?<A>\]?", true),
    ] {
        let shape = shape(pattern);
        assert_eq!(shape.targets[0].open_end, is_open, "{pattern}");
    }
}

#[test]
fn absent_groups_are_no_targets() {
    assert!(shape("^a").targets.is_empty());
    let regex = Regex::new("^.*(?P<fid>x)", false).unwrap();
    assert!(regex.shape(&["ip4"]).targets.is_empty());
    assert_eq!(regex.shape(&["ip4", "fid"]).targets[0].name, "fid");
}

#[test]
fn large_patterns_are_looked_at_in_little_time() {
    let many: Vec<String> = (0..3000).map(|n| format!("name{n}.*x")).collect();
    let wide = format!("^(?:{}) <A>$", many.join("|"));
    assert_eq!(shape(&wide).targets.len(), 1);
    // Nothing here may double with each level.
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(150), close.repeat(150));
        shape(&format!("^{open}x{close} <A>"))
    };
    for (open, close) in [
        ("(?:a|", ")"),
        ("(?:.*", ")?"),
        ("(?:b", ")*"),
        ("(?:,", "){2,9}"),
        ("(?=a", ")"),
    ] {
        assert!(deep(open, close).targets[0].open_end, "{open}");
    }
    let conditionals = "(?P<a>x)?(?P<b>y)?(?P<c>z)?(?P<d>w)?";
    let asked = "(?(a)1|2)(?(b)3|4)(?(c)5|6)(?(d)7|8)".repeat(50);
    assert!(!shape(&format!("^{conditionals}{asked} <A>$")).targets[0].open_end);
}
