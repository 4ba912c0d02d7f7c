//! The shell patterns of log paths: `*`, `?` and `[…]`, none of which crosses a slash.

/// True if the pattern matches the whole path.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    rest(&pattern, &path)
}

fn rest(pattern: &[char], path: &[char]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (['*', more @ ..], _) => {
            rest(more, path) || matches!(path, [c, after @ ..] if *c != '/' && rest(pattern, after))
        }
        (['?', more @ ..], [c, after @ ..]) => *c != '/' && rest(more, after),
        (['[', set @ ..], [c, after @ ..]) if set.contains(&']') => {
            let end = set.iter().position(|c| *c == ']').unwrap_or_default();
            set[..end].contains(c) && rest(&set[end + 1..], after)
        }
        ([p, more @ ..], [c, after @ ..]) => p == c && rest(more, after),
        _ => false,
    }
}

#[test]
fn patterns_match_as_in_a_shell() {
    let cases = [
        ("/a/*.log", "/a/b.log", true),
        ("/a/*", "/a/b/c", false),
        ("/a/?.l", "/a/b.l", true),
        ("/[ab]", "/b", true),
        ("/[ab]", "/c", false),
        ("/a", "/ab", false),
    ];
    for (pattern, path, expected) in cases {
        assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
    }
}
