//! Random patterns and texts, for the tests of all engines.

use proptest::prelude::*;

/// Patterns that every engine can search for. `@` stands for the name of a group, `#` for one already given.
pub(super) fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        8 => prop::sample::select(vec![
            "a", "b", "ab", "abababab", "1", ".", "\\w", "\\W", "\\s", "[ab]", "[^a]", "é", "[^\\W1]", "a*", "b+?", ".*", ".+?",
            "\\w+", "[ab]{1,3}", "", "(?i:A)",
        ]),
        2 => prop::sample::select(vec![
            "^", "$", "\\b", "\\B", "\\Z", "(?!a)", "(?=b)", "(?=.*b)", "(?!\\w+1)", "(?<=a)", "(?<!ab)", "(?<=\\bb)", "(?m:^)",
            "(?m:$)", "(?:(?!ab).)*", "(?:(?<!b)\\w)+?", "(?:(?!a|\\W).){1,2}",
        ]),
    ]
    .prop_map(str::to_owned);
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 1..4);
        let count = prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?"]);
        prop_oneof![
            4 => many.clone().prop_map(|items| items.concat()),
            2 => many.prop_map(|items| format!("(?:{})", items.join("|"))),
            3 => inner.clone().prop_map(|body| format!("(?P<@>{body})")),
            2 => (inner.clone(), count.clone()).prop_map(|(body, count)| format!("(?:{body}){count}")),
            2 => (inner.clone(), count).prop_map(|(body, count)| format!("(?P<@>{body}){count}")),
            1 => (inner.clone(), inner).prop_map(|(yes, no)| format!("(?:(?P<@>a)|b)(?(#){yes}|{no})")),
        ]
    });
    tree.prop_map(|pattern| {
        let (mut named, mut groups) = (String::new(), 0);
        for c in pattern.chars() {
            match c {
                '@' => {
                    groups += 1;
                    named.push_str(&format!("g{groups}"));
                }
                '#' => named.push_str(&format!("g{groups}")),
                c => named.push(c),
            }
        }
        named
    })
}

/// Texts of the letters that those patterns know.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "a", "b", "1", " ", "\n", "é", "ab", "abababab", "A", "\u{301}",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}
