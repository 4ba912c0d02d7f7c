//! Which files are read for a name, and which of them has the last word.

use super::*;
use crate::{Manner, MemoryFiles, Tree};

fn files(parts: &[(&str, &str)]) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    for (name, text) in parts {
        files.insert(format!("/c/{name}"), *text);
    }
    files
}

/// The values that `x` of `[s]` ever had, in order.
fn check(parts: &[(&str, &str)], expected: &str) {
    let (merged, faults) = merged(parts);
    assert_eq!(faults, [], "{parts:?}");
    let values = merged.section("s").and_then(|slots| slots.get("x"));
    let values: Vec<String> = values.into_iter().flatten().map(Text::plain).collect();
    assert_eq!(values.join(" "), expected, "{parts:?}");
}

fn merged(parts: &[(&str, &str)]) -> (Merged, Vec<Diagnostic>) {
    let files = files(parts);
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Fail2ban);
    let cache = Cache::default();
    let source = Source {
        files: &files,
        tree: &tree,
        cache: &cache,
        strict: false,
    };
    let mut faults = Vec::new();
    let merged = read(source, "n", &mut faults).map(|merged| Merged::clone(&merged));
    let mut again = Vec::new();
    assert_eq!(read(source, "n", &mut again).is_some(), merged.is_some());
    assert_eq!(again, [], "a name is read once, its faults are told once");
    (merged.unwrap_or_default(), faults)
}

#[test]
fn later_layers_win() {
    let all = [
        ("n.conf", "[s]\nx = 1\n"),
        ("n.d/b.conf", "[s]\nx = 3\n"),
        ("n.d/a.conf", "[s]\nx = 2\n"),
        ("n.local", "[s]\nx = 4\n"),
        ("n.d/a.local", "[s]\nx = 5\n"),
        ("n.d/c.txt", "[s]\nx = 9\n"),
        ("m.conf", "[s]\nx = 9\n"),
    ];
    check(&all, "1 2 3 4 5");
    check(&all[1..3], "2 3");
    check(&all[3..4], "4");
    check(&[("m.conf", "[s]\nx = 9\n")], "");
}

#[test]
fn includes_stand_around_their_file() {
    let include = |before: &str, after: &str, x: &str| {
        format!("[INCLUDES]\nbefore = {before}\nafter = {after}\n[s]\nx = {x}\n")
    };
    let nested = include("a.conf", "z.conf", "m");
    check(
        &[
            ("n.conf", &nested),
            ("a.conf", "[s]\nx = a\n"),
            ("z.conf", "[s]\nx = z\n"),
        ],
        "a m z",
    );
    check(
        &[
            ("n.conf", &nested),
            ("a.conf", &include("b.conf", "c.conf", "a")),
            ("b.conf", "[s]\nx = b\n"),
            ("c.conf", "[s]\nx = c\n"),
        ],
        "b a c m",
    );
    check(
        &[
            ("n.conf", &include("a.conf\n b.conf", "", "m")),
            ("a.conf", "[s]\nx = a\n"),
            ("b.conf", "[s]\nx = b\n"),
        ],
        "a b m",
    );
    check(
        &[
            ("n.conf", &include("/c/sub/a.conf", "", "m")),
            ("sub/a.conf", &include("b.conf", "", "a")),
            ("sub/b.conf", "[s]\nx = b\n"),
        ],
        "b a m",
    );
    check(
        &[
            ("n.conf", &include("%(dir)s/a.conf\ndir = sub", "", "m")),
            ("sub/a.conf", "[s]\nx = a\n"),
        ],
        "a m",
    );
    check(
        &[
            ("n.local", &include("a.conf", "", "m")),
            ("n.conf", "[s]\nx = n\n"),
            ("a.conf", "[s]\nx = a\n"),
        ],
        "n a m",
    );
    check(&[("n.conf", &include("gone.conf", "gone.conf", "m"))], "m");
}

#[test]
fn an_included_file_brings_its_local_sibling() {
    let include = "[INCLUDES]\nbefore = a.conf\n[s]\nx = m\n";
    let parts = [
        ("n.conf", include),
        ("a.conf", "[s]\nx = a\n"),
        ("a.local", "[s]\nx = al\n"),
    ];
    check(&parts, "a al m");
    // One that is named itself stands where it is named.
    let named = "[INCLUDES]\nbefore = a.local\n a.conf\n[s]\nx = m\n";
    check(&[("n.conf", named), parts[1], parts[2]], "al a m");
}

#[test]
fn circles_of_includes_end() {
    let include = |name: &str, x: &str| format!("[INCLUDES]\nbefore = {name}\n[s]\nx = {x}\n");
    check(&[("n.conf", &include("n.conf", "m"))], "m");
    check(
        &[
            ("n.conf", &include("a.conf", "m")),
            ("a.conf", &include("n.conf", "a")),
        ],
        "a m",
    );
}

#[test]
fn includes_cannot_explode() {
    let mut parts: Vec<(String, String)> = Vec::new();
    for n in 0..12 {
        let names = [format!("a{}.conf", n + 1), format!("b{}.conf", n + 1)].join("\n ");
        for kind in ["a", "b"] {
            parts.push((
                format!("{kind}{n}.conf"),
                format!("[INCLUDES]\nbefore = {names}\n"),
            ));
        }
    }
    parts.push(("n.conf".into(), "[INCLUDES]\nbefore = a0.conf\n".into()));
    let parts: Vec<(&str, &str)> = parts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let (_, faults) = merged(&parts);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].message.contains("over 1000 files are included"),
        "{}",
        faults[0]
    );
}

#[test]
fn conditional_sections_mark_their_keys() {
    let (merged, _) = merged(&[(
        "n.conf",
        "[Init]\na = 1\n[Init?family=inet6]\na = 6\nb = 6\n",
    )]);
    let keys: Vec<&String> = merged.section("Init").unwrap().keys().collect();
    assert_eq!(keys, ["a", "a?family=inet6", "b?family=inet6"]);
}

#[test]
fn lines_of_other_encodings_are_latin_1() {
    let cases: [(&[u8], &str, Option<usize>); 4] = [
        (b"", "", None),
        ("é\n".as_bytes(), "é\n", None),
        (b"a\n\xe9\n\xc3\xa9\n", "a\né\né\n", Some(1)),
        (b"\xff", "ÿ", Some(0)),
    ];
    for (bytes, text, bad) in cases {
        assert_eq!(decode(bytes), (text.to_owned(), bad));
    }
}
