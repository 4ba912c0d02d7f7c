//! Rules about the source that no compiler checks, so that the tree stays as ARCHITECTURE.md says.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines that a file may have at most; tests count, too.
const LONGEST: usize = 800;

/// Which crates of ours each one may depend on: down and never sideways.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("conf", &["base"]),
    ("detect", &["base"]),
    ("engine", &["base"]),
    ("wire", &["base"]),
    ("os", &["base"]),
    ("store", &["base"]),
    (
        "daemon",
        &["base", "conf", "detect", "engine", "wire", "os", "store"],
    ),
    (
        "cli",
        &[
            "base", "conf", "detect", "engine", "wire", "os", "store", "daemon",
        ],
    ),
];

/// Every rule by name, with what breaks it.
pub(crate) fn check(root: &Path) -> Vec<(&'static str, Vec<String>)> {
    let sources = sources(root);
    vec![
        (
            "every source file says what it is",
            each(&sources, says_what_it_is),
        ),
        ("no source file is too long", each(&sources, is_short)),
        ("nothing unfinished is left", each(&sources, is_finished)),
        ("no test sleeps", each(&sources, does_not_sleep)),
        ("unsafe code stands in os alone", each(&sources, is_safe)),
        ("crates depend downwards only", layers(root)),
    ]
}

struct Source {
    path: PathBuf,
    shown: String,
    text: String,
}

fn each(sources: &[Source], rule: fn(&Source) -> Option<String>) -> Vec<String> {
    sources
        .iter()
        .filter_map(|source| Some(format!("{}: {}", source.shown, rule(source)?)))
        .collect()
}

fn says_what_it_is(source: &Source) -> Option<String> {
    (!source.text.starts_with("//!")).then(|| "begin with a //! comment".into())
}

fn is_short(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (lines > LONGEST).then(|| format!("{lines} lines; {LONGEST} at most"))
}

fn is_finished(source: &Source) -> Option<String> {
    // Written apart so that this file does not break its own rule.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("dbg", "!("),
        concat!("todo", "!("),
    ];
    marks
        .iter()
        .find(|mark| source.text.contains(**mark))
        .map(|mark| format!("holds {mark}"))
}

/// Real programs take their own time: the lab has one place that waits. What comes behind `#[cfg(test)]`, or in a
/// file of tests, is a test.
fn does_not_sleep(source: &Source) -> Option<String> {
    let allowed = source.path.ends_with("lab/src/wait.rs") || source.shown.starts_with("xtask/");
    let is_tests = source.shown.contains("/tests") || source.shown.starts_with("lab/");
    let tests = match (is_tests, source.text.find("#[cfg(test)]")) {
        (true, _) => source.text.as_str(),
        (false, Some(at)) => &source.text[at..],
        (false, None) => "",
    };
    let sleeps = tests.contains(concat!("thread::", "sleep("));
    (sleeps && !allowed).then(|| "waits for time instead of for what it needs".into())
}

fn is_safe(source: &Source) -> Option<String> {
    let allowed = source.shown.starts_with("crates/os/") || source.shown.starts_with("xtask/");
    let unsafe_block = source.text.lines().map(str::trim).any(|line| {
        !line.starts_with("//")
            && (line.contains("unsafe {")
                || line.contains("unsafe fn")
                || line.contains("unsafe impl"))
    });
    (unsafe_block && !allowed).then(|| "unsafe code".into())
}

fn layers(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, below) in LAYERS {
        let path = root.join("crates").join(name).join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&path) else {
            faults.push(format!("crates/{name}: its manifest cannot be read"));
            continue;
        };
        let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let ours = dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next());
        for dependency in
            ours.filter(|dependency| LAYERS.iter().any(|(known, _)| known == dependency))
        {
            if !below.contains(&dependency) {
                faults.push(format!("crates/{name} depends on {dependency}"));
            }
        }
    }
    faults
}

fn sources(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates"), root.join("lab"), root.join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let shown = path
                    .strip_prefix(root)
                    .unwrap_or(&path)
                    .display()
                    .to_string();
                let text = fs::read_to_string(&path).unwrap_or_default();
                found.push(Source { path, shown, text });
            }
        }
    }
    found.sort_by(|a, b| a.shown.cmp(&b.shown));
    found
}
