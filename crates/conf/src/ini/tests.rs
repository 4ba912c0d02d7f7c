//! The grammar, rule by rule, and that what is printed is read back.

use super::*;

type Shown<'a> = &'a [(&'a str, &'a [(&'a str, &'a str)])];

fn check(content: &str, expected: Shown<'_>, wrong: &[u32]) {
    let (sections, faults) = parse("f", content);
    let shown: Vec<(String, Vec<(String, String)>)> = sections
        .iter()
        .map(|section| {
            let options = section.options.iter();
            let options = options.map(|(key, text)| (key.clone(), text.plain()));
            (section.name.clone(), options.collect())
        })
        .collect();
    let expected: Vec<(String, Vec<(String, String)>)> = expected
        .iter()
        .map(|(name, options)| {
            let options = options.iter();
            let options = options.map(|(key, value)| ((*key).into(), (*value).into()));
            ((*name).into(), options.collect())
        })
        .collect();
    assert_eq!(shown, expected, "{content}");
    let lines: Vec<u32> = faults
        .iter()
        .map(|fault| fault.origin.as_ref().unwrap().line)
        .collect();
    assert_eq!(lines, wrong, "{content}: {faults:?}");
}

#[test]
fn options_are_read() {
    check("", &[], &[]);
    check(
        "[s]\r\na = 1\rb = 2\r\n",
        &[("s", &[("a", "1"), ("b", "2")])],
        &[],
    );
    check(
        "[DEFAULT]\na = 1\n[s]\n[DEFAULT]\nb = 2\na = 3\n\u{1c}\n",
        &[("DEFAULT", &[("a", "1"), ("b", "2")]), ("s", &[])],
        &[6],
    );
    check("[s]\n", &[("s", &[])], &[]);
    check(
        "[s]\na = 1\nb: 2\nc=3\nd:4",
        &[("s", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")])],
        &[],
    );
    check(
        "[s]\nh = a = b\ni : c = d\n",
        &[("s", &[("h", "a = b"), ("i", "c = d")])],
        &[],
    );
    check(
        "[s]\nA.b-C?x=1\nTwo Words = 2\n",
        &[("s", &[("a.b-c?x", "1"), ("two words", "2")])],
        &[],
    );
    check(
        "[s]\nempty =\nblank =   \n",
        &[("s", &[("empty", ""), ("blank", "")])],
        &[],
    );
    check(
        "\u{feff}[s]\r\na = 1\r\n  2\r\n",
        &[("s", &[("a", "1\n2")])],
        &[],
    );
    check(
        "[s]\nquoted = \"x\"\n",
        &[("s", &[("quoted", "\"x\"")])],
        &[],
    );
    check(
        "[S]\na = 1\n[s]\na = 2\n",
        &[("S", &[("a", "1")]), ("s", &[("a", "2")])],
        &[],
    );
    check(
        "[s] trailing\na = 1\n[t] ; comment\n",
        &[("s", &[("a", "1")]), ("t", &[])],
        &[],
    );
    check(
        "[Init?family=inet6]\na = 1\n",
        &[("Init?family=inet6", &[("a", "1")])],
        &[],
    );
}

#[test]
fn comments_vanish() {
    check(
        "# c\n; c\n[s]\n  # c\na = 1\n",
        &[("s", &[("a", "1")])],
        &[],
    );
    check(
        "[s]\na = 1 ; c\nb = 2;x\nc = ;x\nd = \"a ; b\"\n",
        &[("s", &[("a", "1"), ("b", "2;x"), ("c", ""), ("d", "\"a")])],
        &[],
    );
    check("[s]\na = 1 # stays\n", &[("s", &[("a", "1 # stays")])], &[]);
    check(
        "[s]\nk = one\n# x\n    # y\n    two ; z\n",
        &[("s", &[("k", "one\ntwo")])],
        &[],
    );
}

#[test]
fn deeper_lines_continue() {
    check(
        "[s]\nk = one\n  two\n\tthree\n",
        &[("s", &[("k", "one\ntwo\nthree")])],
        &[],
    );
    check("[s]\nk =\n  two\n", &[("s", &[("k", "\ntwo")])], &[]);
    check(
        "[s]\nk = one\n\n  two\n\n\nl = 1\n",
        &[("s", &[("k", "one\n\ntwo"), ("l", "1")])],
        &[],
    );
    check(
        "[s]\n  k = one\n  l = two\n    three\n",
        &[("s", &[("k", "one"), ("l", "two\nthree")])],
        &[],
    );
    check(
        "[s]\nk = one\n  l = two\n",
        &[("s", &[("k", "one\nl = two")])],
        &[],
    );
    check("[s]\nk = one\n  [t]\n", &[("s", &[("k", "one\n[t]")])], &[]);
}

#[test]
fn a_fault_costs_its_own_line() {
    check("a = 1\n[s]\nb = 2\n", &[("s", &[("b", "2")])], &[1]);
    check("[s]\nnothing\nb = 2\n", &[("s", &[("b", "2")])], &[2]);
    check(
        "[s]\nnothing\n  more = of it\nb = 2\n",
        &[("s", &[("b", "2")])],
        &[2],
    );
    check("[s]\n= 1\nb = 2\n", &[("s", &[("b", "2")])], &[2]);
    check("[s]\nb = 1\nB = 2\n  3\n", &[("s", &[("b", "1")])], &[3]);
    check(
        "[s]\nb = 1\n[s]\nc = 2\n[t]\n",
        &[("s", &[("b", "1")]), ("t", &[])],
        &[3],
    );
    check("[]\na = 1\n[t]\nb = 2\n", &[("t", &[("b", "2")])], &[1]);
    check("[s\na = 1\n", &[], &[1]);
}

#[test]
fn a_heap_of_faults_is_cut() {
    let (_, faults) = parse("f", &"rubbish\n".repeat(1000));
    assert_eq!(faults.len(), MAX_FAULTS + 1);
    let last = faults.last().unwrap().to_string();
    assert!(last.contains("980 more"), "{last}");
}

#[test]
fn every_line_knows_its_place() {
    let (sections, _) = parse("f", "[s]\nk = one\n# c\n  two\n");
    let text = &sections[0].options[0].1;
    let places: Vec<(u32, &str)> = text
        .lines
        .iter()
        .map(|line| (line.origin.line, &*line.origin.text))
        .collect();
    assert_eq!(places, [(2, "k = one"), (4, "  two")]);
}

proptest::proptest! {
    #[test]
    fn what_is_printed_is_read_back(
        sections in proptest::collection::btree_map(
            "[A-Za-z0-9 ./?-]{0,5}[A-Za-z]",
            proptest::collection::btree_map("[a-z][a-z0-9._/-]{0,6}", proptest::collection::vec("[!-~&&[^;#\\[]][ -~&&[^;]]{0,8}[!-~&&[^;]]", 1..4), 0..4),
            0..4,
        ),
    ) {
        let mut printed = String::new();
        for (name, options) in &sections {
            printed += &format!("[{name}]\n");
            for (key, lines) in options {
                printed += &format!("{key} = {}\n", lines.join("\n   "));
            }
        }
        let (read, faults) = parse("f", &printed);
        proptest::prop_assert_eq!(faults, []);
        let read: std::collections::BTreeMap<String, std::collections::BTreeMap<String, Vec<String>>> = read
            .iter()
            .map(|section| {
                let options = section.options.iter();
                let lines = |text: &Text| text.plain().split('\n').map(str::to_owned).collect();
                (section.name.clone(), options.map(|(key, text)| (key.clone(), lines(text))).collect())
            })
            .collect();
        proptest::prop_assert_eq!(read, sections);
    }

    #[test]
    fn any_text_is_read_without_panic(text in "[\\[\\]a=:;# \\t\\n\\r%é]{0,60}") {
        let (sections, _) = parse("f", &text);
        for (key, text) in sections.iter().flat_map(|section| &section.options) {
            proptest::prop_assert!(!key.is_empty() && !text.lines.is_empty());
        }
    }
}
