//! The stock patterns: every filter of every tree at hand in all its modes, as the rules that a jail would compile.
//!
//! Trees: fail2ban's, of its last release and of Debian's, where they lie beside the repository; Debian's as it is
//! installed; our own.

use conf::{FilterSpec, Manner, Tree, load_filter};
use daemon::DiskFiles;
use detect::pyre::Regex;
use detect::{Rule, RuleSource, UseDns};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One filter in one of its modes.
pub(crate) struct Stock {
    /// The tree, the filter and its arguments.
    pub(crate) name: String,
    pub(crate) rule: Rule,
}

impl Stock {
    /// All its expressions.
    pub(crate) fn regexes(&self) -> impl Iterator<Item = &Regex> {
        let rule = &self.rule;
        let prefix = rule.prefregex().into_iter();
        prefix.chain(rule.failregexes()).chain(rule.ignoreregexes())
    }
}

/// All stock filters at hand.
pub(crate) fn all() -> Vec<Stock> {
    let places = places();
    let rules = places.iter().flat_map(|(name, path)| rules(name, path));
    rules
        .map(|rule| rule.unwrap_or_else(|fault| panic!("{fault}")))
        .collect()
}

/// Different expressions, each with the filter where it was met first.
pub(crate) fn distinct(stock: &[Stock]) -> Vec<(&str, &Regex)> {
    let mut distinct = BTreeMap::new();
    for one in stock {
        for regex in one.regexes() {
            let key = (regex.pattern(), regex.multiline());
            distinct.entry(key).or_insert((one.name.as_str(), regex));
        }
    }
    distinct.into_values().collect()
}

/// Where fail2ban's trees may lie.
pub(crate) fn beside() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/trees")
}

/// The trees at hand by name; what is missing is said.
fn places() -> Vec<(&'static str, PathBuf)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let beside = beside();
    let known = [
        ("master", beside.join("master")),
        ("debian-1.0.2", beside.join("debian-1.0.2")),
        ("installed", "/etc/fail2ban".into()),
        ("own", repository.join("config")),
    ];
    let is_there = |(name, path): &(&str, PathBuf)| {
        let is_there = path.join("filter.d").is_dir();
        if !is_there {
            println!("SKIPPED stock patterns of {name}: no {}", path.display());
        }
        is_there
    };
    known.into_iter().filter(is_there).collect()
}

/// Every filter of a tree in every mode, without those that say the same as one before; or why it cannot be used.
pub(crate) fn rules(name: &str, tree: &Path) -> Vec<Result<Stock, String>> {
    let found = Tree::find(&DiskFiles, Some(tree), Manner::Fail2ban);
    let mut seen = BTreeSet::new();
    let mut stock = Vec::new();
    // What several filters include is none by itself.
    let all = filters(tree);
    for (filter, text) in &all {
        if filter.ends_with("common") {
            continue;
        }
        let mut calls = vec![filter.clone()];
        for (option, values) in selectors(text, &all) {
            calls.extend(
                values
                    .iter()
                    .map(|value| format!("{filter}[{option}={value}]")),
            );
        }
        for call in calls {
            let (spec, _) = load_filter(&DiskFiles, &found, &call, "auto");
            let name = format!("{name} {call}");
            let spec = match spec {
                Ok(spec) => spec,
                Err(fault) => {
                    stock.push(Err(format!("{name}: {fault}")));
                    continue;
                }
            };
            let texts = || spec.failregex.iter().chain(&spec.ignoreregex);
            let key: Vec<&str> = (spec.prefregex.iter().chain(texts()))
                .map(|value| value.text.as_str())
                .collect();
            if spec.failregex.is_empty() || !seen.insert(key.join("\n")) {
                continue;
            }
            stock.push(match compile(&spec) {
                Ok(rule) => Ok(Stock { name, rule }),
                Err(fault) => Err(format!("{name}: {fault}")),
            });
        }
    }
    stock
}

/// The names and texts of a tree's filters.
fn filters(tree: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(tree.join("filter.d")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "conf")
        })
        .map(|path| {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                text,
            )
        })
        .collect()
}

/// Options that choose between keys or sections, as `<mdre-<mode>>` and `<lt_<logtype>/x>` do, with what they can be.
/// A filter may include others.
fn selectors(text: &str, all: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let words = text.split_whitespace();
    let included = words.filter_map(|file| all.get(file.strip_suffix(".conf")?));
    let text: String = included.map(String::as_str).chain([text]).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let is_word =
        |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    for (at, _) in text.match_indices('<') {
        let stem = text[..at].rsplit(['<', '\n']).next().unwrap_or_default();
        let option = text[at + 1..].split('>').next().unwrap_or_default();
        if !is_word(&option)
            || stem.is_empty()
            || stem.contains(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
        {
            continue;
        }
        let names = text
            .lines()
            .filter_map(|line| match line.strip_prefix('[') {
                Some(section) => section.trim().strip_suffix(']'),
                None => Some(line.split_once('=')?.0.trim()),
            });
        let values = names.filter_map(|name| name.strip_prefix(stem));
        let values = values.filter(is_word).map(str::to_owned);
        found.entry(option.to_owned()).or_default().extend(values);
    }
    found
}

fn compile(spec: &FilterSpec) -> Result<Rule, String> {
    let texts = |values: &'_ [conf::Value]| -> Vec<String> {
        values.iter().map(|value| value.text.clone()).collect()
    };
    let (fail, ignore) = (texts(&spec.failregex), texts(&spec.ignoreregex));
    let fail: Vec<&str> = fail.iter().map(String::as_str).collect();
    let ignore: Vec<&str> = ignore.iter().map(String::as_str).collect();
    let source = RuleSource {
        prefregex: spec.prefregex.as_ref().map(|value| value.text.as_str()),
        failregex: &fail,
        ignoreregex: &ignore,
        maxlines: spec.maxlines,
        datepattern: spec.datepattern.as_ref().map(|value| value.text.as_str()),
        logtimezone: None,
        usedns: match spec.usedns {
            conf::UseDns::No => UseDns::No,
            conf::UseDns::Raw => UseDns::Raw,
            conf::UseDns::Yes | conf::UseDns::Warn => UseDns::Warn,
        },
        start_year: 2026,
    };
    Rule::compile(&source).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        texts.join("; ")
    })
}
