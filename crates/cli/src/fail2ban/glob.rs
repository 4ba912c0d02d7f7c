//! The files that a log path means at this moment, as Python's `glob` finds them: in the order of the file system.
//!
//! Paths stay as they are written (`//`, `./`, relative ones), because they become names in fail2ban's answers.

use conf::LogFile;
use std::fs;
use std::path::Path;

/// Every file of a path or pattern.
pub(super) fn expand(pattern: &str) -> Vec<LogFile> {
    let file = |path: String| LogFile {
        is_dangling: !Path::new(&path).exists(),
        path,
    };
    paths(pattern).into_iter().map(file).collect()
}

fn paths(pattern: &str) -> Vec<String> {
    if !daemon::is_pattern(pattern) {
        // A directory is asked for by the slash behind it.
        let is_there = match pattern.ends_with('/') {
            true => Path::new(pattern).is_dir(),
            false => is_there(pattern),
        };
        return is_there.then(|| pattern.to_owned()).into_iter().collect();
    }
    let (dir, name) = pattern
        .rsplit_once('/')
        .map_or(("", pattern), |(dir, name)| {
            let trimmed = dir.trim_end_matches('/');
            // The root keeps its slashes.
            match trimmed.is_empty() {
                true => (&pattern[..dir.len() + 1], name),
                false => (trimmed, name),
            }
        });
    let dirs = match daemon::is_pattern(dir) {
        true => paths(dir),
        false => vec![dir.to_owned()],
    };
    let joined = |dir: &str, name: &str| match dir.is_empty() || dir.ends_with('/') {
        true => format!("{dir}{name}"),
        false => format!("{dir}/{name}"),
    };
    let mut found = Vec::new();
    for dir in dirs {
        if daemon::is_pattern(name) {
            let names = names_in(&dir).into_iter();
            let matching = names.filter(|n| daemon::name_matches(name.as_bytes(), n.as_bytes()));
            found.extend(matching.map(|name| joined(&dir, &name)));
        } else {
            let path = joined(&dir, name);
            let is_there = match name.is_empty() {
                true => Path::new(&dir).is_dir(),
                false => is_there(&path),
            };
            found.extend(is_there.then_some(path));
        }
    }
    found
}

fn is_there(path: &str) -> bool {
    !path.is_empty() && Path::new(path).symlink_metadata().is_ok()
}

/// The names in a directory that are text; none if it cannot be read.
fn names_in(dir: &str) -> Vec<String> {
    let dir = if dir.is_empty() { "." } else { dir };
    let entries = fs::read_dir(dir).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_as_they_are_written() {
        let root = tempfile::tempdir().unwrap();
        for name in ["a/x.log", "a/y.txt", "b/x.log", ".h/x.log"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("gone", root.path().join("a/z.log")).unwrap();
        let root = root.path().display().to_string();
        let check = |pattern: &str, expected: &[&str]| {
            let mut found: Vec<String> = expand(&format!("{root}{pattern}"))
                .into_iter()
                .map(|file| {
                    let mark = if file.is_dangling { "!" } else { "" };
                    format!("{mark}{}", file.path.strip_prefix(&root).unwrap())
                })
                .collect();
            found.sort();
            assert_eq!(found, expected, "{pattern}");
        };
        check("/a/x.log", &["/a/x.log"]);
        check("/a//./x.log", &["/a//./x.log"]);
        check("/a/gone", &[]);
        check("/a/", &["/a/"]);
        check("/a/x.log/", &[]);
        check("/a/z.log", &["!/a/z.log"]);
        check("/a//*.log", &["!/a/z.log", "/a/x.log"]);
        check("/*/x.log", &["/a/x.log", "/b/x.log"]);
        check("/[!a]/x.*", &["/b/x.log"]);
        check("/.*/x.log", &["/.h/x.log"]);
        check("/*/", &["/a/", "/b/"]);
        check("/**", &["/a", "/b"]);
        assert!(expand("").is_empty());
    }
}
