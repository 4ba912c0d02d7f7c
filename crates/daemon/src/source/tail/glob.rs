//! Patterns of log paths: what exists that they name, and where to look for more.
//!
//! The language is that of Python's `glob`, as fail2ban uses it: `*`, `?`, `[…]`, `[!…]` within one component; a
//! wildcard does not match a leading dot. There is no `**` across directories.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// True if the text names more than itself.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// What was looked at for patterns.
#[derive(Default)]
pub(super) struct Looked {
    /// The directories whose names decided.
    pub(super) dirs: BTreeSet<PathBuf>,
    /// A directory that may not be read, and why.
    pub(super) refused: Option<String>,
}

/// The files that a pattern means now, as texts.
pub(crate) fn files(pattern: &str) -> Vec<String> {
    let found = expand(pattern, &mut Looked::default());
    found
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

/// The paths that exist and match, sorted.
pub(super) fn expand(pattern: &str, looked: &mut Looked) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for component in Path::new(pattern).components() {
        let Component::Normal(name) = component else {
            continue;
        };
        let text = name.to_string_lossy();
        let mut next = Vec::new();
        for base in found {
            if !is_pattern(&text) {
                let path = base.join(name);
                if path.symlink_metadata().is_ok() {
                    next.push(path);
                } else {
                    looked.dirs.insert(base);
                }
                continue;
            }
            if !base.is_dir() {
                continue;
            }
            let names = names_in(&base, &mut looked.refused)
                .into_iter()
                .filter(|name| name_matches(text.as_bytes(), name.as_bytes()));
            next.extend(names.map(|name| base.join(name)));
            looked.dirs.insert(base);
        }
        found = next;
    }
    found
}

/// The names in a directory, sorted; none if it cannot be read.
fn names_in(dir: &Path, refused: &mut Option<String>) -> Vec<OsString> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            // One that went away in between is looked for again.
            if error.kind() != ErrorKind::NotFound {
                *refused = Some(format!("{}: {error}", dir.display()));
            }
            return Vec::new();
        }
    };
    let mut names: Vec<OsString> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    names.sort();
    names
}

/// True if a file name matches one component of a pattern.
pub fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // On a mismatch the last star takes one byte more; earlier stars need no second try.
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
        } else if let Some(width) = match_one(&pattern[p..], name[n]) {
            p += width;
            n += 1;
        } else if let Some((after, taken)) = star {
            (p, n) = (after, taken + 1);
            star = Some((after, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// True if some path matches both patterns, or nearly so: which names begin with a dot is not looked at.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let names = |pattern| {
        let components = Path::new(pattern).components();
        components.filter_map(|component| match component {
            Component::Normal(name) => Some(name.as_bytes()),
            _ => None,
        })
    };
    let (mut one, mut other) = (names(one), names(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if names_overlap(one, other) => {}
            _ => return false,
        }
    }
}

/// True if some name matches both components: both are walked at once, byte by byte of that name.
fn names_overlap(one: &[u8], other: &[u8]) -> bool {
    let is_plain = |name: &[u8]| !name.iter().any(|byte| b"*?[".contains(byte));
    if is_plain(one) && is_plain(other) {
        return one == other;
    }
    let mut seen = BTreeSet::new();
    let mut ways = vec![(one, other)];
    while let Some((p, q)) = ways.pop() {
        if p.is_empty() && q.is_empty() {
            return true;
        }
        if !seen.insert((p.len(), q.len())) {
            continue;
        }
        let widths = |byte| Some((match_one(p, byte)?, match_one(q, byte)?));
        match (p.strip_prefix(b"*"), q.strip_prefix(b"*")) {
            (None, None) => {
                let both = (0..=u8::MAX).find_map(widths);
                ways.extend(both.map(|(p_width, q_width)| (&p[p_width..], &q[q_width..])));
            }
            // A star takes no byte, or whatever the other side takes next.
            (Some(rest), _) => {
                ways.push((rest, q));
                ways.extend(first_width(q).map(|width| (p, &q[width..])));
            }
            (None, Some(rest)) => {
                ways.push((p, rest));
                ways.extend(first_width(p).map(|width| (&p[width..], q)));
            }
        }
    }
    false
}

/// How long the pattern's first element is; `None` if there is none, or if it matches no byte.
fn first_width(pattern: &[u8]) -> Option<usize> {
    match pattern.first()? {
        b'*' => Some(1),
        _ => (0..=u8::MAX).find_map(|byte| match_one(pattern, byte)),
    }
}

/// If the pattern's first element matches the byte: how long the element is.
fn match_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match class_end(pattern) {
            Some(end) => class_holds(&pattern[1..end], byte).then_some(end + 1),
            None => (byte == b'[').then_some(1),
        },
        literal => (literal == byte).then_some(1),
    }
}

/// Where the class that the pattern begins with is closed; a bracket right at its beginning is a member.
fn class_end(pattern: &[u8]) -> Option<usize> {
    let first = if pattern.get(1) == Some(&b'!') { 2 } else { 1 };
    pattern
        .iter()
        .skip(first + 1)
        .position(|byte| *byte == b']')
        .map(|at| at + first + 1)
}

fn class_holds(class: &[u8], byte: u8) -> bool {
    let (negated, class) = match class.strip_prefix(b"!") {
        Some(rest) => (true, rest),
        None => (false, class),
    };
    let mut at = 0;
    let mut holds = false;
    while at < class.len() {
        if class.get(at + 1) == Some(&b'-') && at + 2 < class.len() {
            holds |= (class[at]..=class[at + 2]).contains(&byte);
            at += 3;
        } else {
            holds |= class[at] == byte;
            at += 1;
        }
    }
    holds != negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        for name in matching {
            assert!(
                name_matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} should match {name}"
            );
        }
        for name in others {
            assert!(
                !name_matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} should not match {name}"
            );
        }
    }

    #[test]
    fn a_component_matches_as_a_shell_does() {
        check("*", &["a", "access.log"], &[".hidden", ".."]);
        check(
            "*access.log",
            &["access.log", "site-access.log"],
            &["access.log.1", "access_log"],
        );
        check("a*b*c", &["abc", "a--b--c", "abcbc"], &["ab", "abcd"]);
        check("log.?", &["log.1"], &["log.", "log.10"]);
        check(
            "app-[0-9][!x].log",
            &["app-1a.log"],
            &["app-1x.log", "app-a1.log"],
        );
        check("a[]]b", &["a]b"], &["ab"]);
        check("a[b", &["a[b"], &["ab"]);
        check(".*", &[".hidden"], &["shown"]);
        check("plain", &["plain"], &["plain2", "plai"]);
    }

    #[test]
    fn patterns_overlap_where_some_path_matches_both() {
        for (one, other, expected) in [
            ("/var/log/auth.log", "/var/log/auth.log", true),
            ("/var/log/auth.log", "/var//log/./auth.log", true),
            ("/var/log/auth.log", "/var/log/auth.log.1", false),
            ("/var/log/auth.log", "/var/log/*.log", true),
            ("/var/log/*error.log", "/var/log/*access.log", false),
            ("/var/log/*error.log", "/var/log/apache*", true),
            ("/var/*/error.log", "/var/www/*.log", true),
            ("/var/*/error.log", "/var/*/*/error.log", false),
            ("/var/log/a[0-4]", "/var/log/a[5-9]", false),
            ("/var/log/a[0-4]", "/var/log/?[4-9]", true),
            ("/var/log/*a*b", "/var/log/b*a", false),
            ("/var/log/a*", "/var/log/**", true),
        ] {
            assert_eq!(overlap(one, other), expected, "{one} {other}");
            assert_eq!(overlap(other, one), expected, "{other} {one}");
        }
    }

    proptest! {
        #[test]
        fn patterns_overlap_as_names_tell(
            one in "([ab*?]|\\[!?[abc]\\]){0,3}",
            other in "([ab*?]|\\[!?[abc]\\]){0,3}",
        ) {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            // The shortest name that both match has no more bytes than they have elements. To them all other letters
            // are like `d`.
            let mut names: Vec<Vec<u8>> = vec![Vec::new()];
            let mut expected = false;
            for _ in 0..=6 {
                expected |= names
                    .iter()
                    .any(|name| name_matches(one, name) && name_matches(other, name));
                let longer = |name: &Vec<u8>| b"abcd".map(|byte| [name.as_slice(), &[byte]].concat());
                names = names.iter().flat_map(longer).collect();
            }
            prop_assert_eq!(names_overlap(one, other), expected);
        }
    }

    #[test]
    fn patterns_may_stand_in_every_component() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b/x.log", "a/x.log", "a/y.txt", "c"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut looked = Looked::default();
        let pattern = format!("{}/*/*.log", root.path().display());
        let found = expand(&pattern, &mut looked);
        assert_eq!(
            found,
            [root.path().join("a/x.log"), root.path().join("b/x.log")]
        );
        assert!(looked.dirs.contains(root.path()) && looked.dirs.contains(&root.path().join("a")));
    }

    #[test]
    fn what_is_missing_is_awaited_where_it_would_appear() {
        let root = tempfile::tempdir().unwrap();
        let mut looked = Looked::default();
        assert!(
            expand(
                &format!("{}/later/deep/x.log", root.path().display()),
                &mut looked
            )
            .is_empty()
        );
        assert_eq!(looked.dirs.into_iter().collect::<Vec<_>>(), [root.path()]);
    }
}
