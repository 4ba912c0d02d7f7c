//! The files of one configuration name and their merging (behaviour §1.1, §1.3, §1.5, §1.6).
//!
//! Every value keeps the values it replaced, newest last, so that `%(known/x)s` works over any number of layers.

use crate::ini::{self, Section};
use crate::interp::Scope;
use crate::text::Text;
use crate::tree::Source;
use base::{Diagnostic, Origin, Severity, Stops};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The values of a key, the valid one last.
pub(crate) type Slots = BTreeMap<String, Vec<Text>>;

/// One configuration name, all layers merged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merged {
    pub(crate) defaults: Slots,
    /// In the order of their first header.
    pub(crate) sections: Vec<(String, Slots, Origin)>,
    /// Section and key of each option, in the order of their first line.
    pub(crate) order: Vec<(String, String)>,
}

impl Merged {
    pub(crate) fn section(&self, name: &str) -> Option<&Slots> {
        self.sections
            .iter()
            .find(|(known, ..)| known == name)
            .map(|(_, slots, _)| slots)
    }

    pub(crate) fn merge(&mut self, sections: &[Section]) {
        for section in sections {
            let (name, condition) = match section.name.split_once('?') {
                Some((name, condition)) if !name.is_empty() && !condition.is_empty() => {
                    (name, format!("?{condition}"))
                }
                _ => (section.name.as_str(), String::new()),
            };
            let slots = if name == "DEFAULT" {
                &mut self.defaults
            } else {
                let place = match self.sections.iter().position(|(known, ..)| known == name) {
                    Some(place) => place,
                    None => {
                        self.sections
                            .push((name.into(), Slots::new(), section.origin.clone()));
                        self.sections.len() - 1
                    }
                };
                &mut self.sections[place].1
            };
            for (key, text) in &section.options {
                let key = format!("{key}{condition}");
                if !slots.contains_key(&key) {
                    self.order.push((name.to_owned(), key.clone()));
                }
                slots.entry(key).or_default().push(text.clone());
            }
        }
    }
}

/// What was read already: most jails share their actions, and most filters their includes.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    /// By path; nothing if there is no such file or it cannot be read.
    files: RefCell<BTreeMap<PathBuf, Option<Rc<[Section]>>>>,
    /// By configuration name; nothing if it has no files.
    names: RefCell<BTreeMap<String, Option<Rc<Merged>>>>,
    /// Files that are there and of which nothing is read.
    unusable: RefCell<BTreeSet<PathBuf>>,
}

/// Includes within includes end here.
const MAX_DEPTH: usize = 16;
/// Files read for one configuration name, with all repetitions.
const MAX_FILES: usize = 1000;

/// Reads all layers of `jail`, `filter.d/sshd` and the like. `None` if there is no file at all, and to fail2ban also if
/// one of the layers cannot be read; what it includes may be missing.
pub(crate) fn read(
    source: Source<'_>,
    name: &str,
    faults: &mut Vec<Diagnostic>,
) -> Option<Rc<Merged>> {
    if let Some(known) = source.cache.names.borrow().get(name) {
        return known.clone();
    }
    let mut reader = Reader {
        source,
        faults,
        visits: 0,
    };
    let mut paths = Vec::new();
    for root in source.tree.roots() {
        let with = |extension: &str| root.join(format!("{name}.{extension}"));
        for extension in ["conf", "local"] {
            paths.push(with(extension));
            paths.extend(reader.list(&with("d"), extension));
        }
    }
    let mut merged = Merged::default();
    let mut is_there = false;
    for path in reader.with_includes(paths.clone(), &[]) {
        if let Some(sections) = reader.load(&path) {
            merged.merge(&sections);
            is_there = true;
        }
    }
    let unusable = source.cache.unusable.borrow();
    let is_refused = source.strict && paths.iter().any(|path| unusable.contains(path));
    let merged = (is_there && !is_refused).then(|| Rc::new(merged));
    let mut names = source.cache.names.borrow_mut();
    names.insert(name.to_owned(), merged.clone());
    merged
}

/// Reads a file and what it includes, without the layers around it, and has it stand for a configuration name.
/// `None` if it cannot be read.
pub(crate) fn read_alone(
    source: Source<'_>,
    path: &Path,
    name: &str,
    faults: &mut Vec<Diagnostic>,
) -> Option<()> {
    let mut reader = Reader {
        source,
        faults,
        visits: 0,
    };
    // A layer beside it belongs to a tree.
    let layer = path.with_extension("local");
    let is_other = |file: &PathBuf| *file != layer || layer == path;
    let mut merged = Merged::default();
    let mut is_there = false;
    let files = reader.with_includes(vec![path.to_path_buf()], &[]);
    for file in files.into_iter().filter(is_other) {
        if let Some(sections) = reader.load(&file) {
            merged.merge(&sections);
            is_there = true;
        }
    }
    let merged = is_there.then(|| Rc::new(merged))?;
    let mut names = source.cache.names.borrow_mut();
    names.insert(name.to_owned(), Some(merged));
    Some(())
}

struct Reader<'a> {
    source: Source<'a>,
    faults: &'a mut Vec<Diagnostic>,
    /// Files come upon, with all repetitions.
    visits: usize,
}

impl Reader<'_> {
    fn list(&mut self, dir: &Path, extension: &str) -> Vec<PathBuf> {
        self.source.list(dir, extension).unwrap_or_else(|error| {
            if !is_absent(&error) {
                let dir = dir.display();
                let message = format!("cannot list {dir}: {error}; its files are left out");
                let help = "let this program read the directory, or remove it";
                let found = Diagnostic::new(Severity::Error, message).with_help(help);
                self.faults.push(found);
            }
            Vec::new()
        })
    }

    fn load(&mut self, path: &Path) -> Option<Rc<[Section]>> {
        if let Some(known) = self.source.cache.files.borrow().get(path) {
            return known.clone();
        }
        let sections = self.parse(path).map(Rc::from);
        let mut files = self.source.cache.files.borrow_mut();
        files.insert(path.to_path_buf(), sections.clone());
        sections
    }

    fn parse(&mut self, path: &Path) -> Option<Vec<Section>> {
        let shown = path.display().to_string();
        let bytes = match self.source.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                if !is_absent(&error) {
                    let message = format!("cannot read {shown}: {error}; the file is left out");
                    let help = "make it a file that this program may read, or remove it";
                    let found = Diagnostic::new(Severity::Error, message).with_help(help);
                    return self.unusable(path, found);
                }
                return None;
            }
        };
        let (content, bad) = decode(&bytes);
        let at = |line: usize| Origin {
            file: shown.as_str().into(),
            line: line as u32 + 1,
            text: content.lines().nth(line).unwrap_or_default().into(),
        };
        if let Some(line) = bad {
            let (severity, done) = match self.source.strict {
                true => (Severity::Error, "it is left out"),
                false => (Severity::Warning, "lines that are not are read as Latin-1"),
            };
            let found = Diagnostic::new(severity, format!("the file is not UTF-8; {done}"))
                .with_origin(Some(&at(line)))
                .with_help("save the file as UTF-8");
            if self.source.strict {
                return self.unusable(path, found);
            }
            self.faults.push(found);
        }
        if self.source.strict && content.starts_with('\u{feff}') {
            let message = "the file begins with a byte order mark, which fail2ban takes for text";
            let found = Diagnostic::new(Severity::Error, message)
                .with_origin(Some(&at(0)))
                .with_help("save the file as UTF-8 without a mark")
                .with_stops(Stops::All);
            self.faults.push(found);
        }
        let (sections, faults) = ini::parse(&shown, &content);
        self.faults.extend(faults);
        Some(sections)
    }

    /// Nothing is read of a file that is there.
    fn unusable(&mut self, path: &Path, why: Diagnostic) -> Option<Vec<Section>> {
        self.faults.push(why);
        let mut unusable = self.source.cache.unusable.borrow_mut();
        unusable.insert(path.to_path_buf());
        None
    }

    /// The files with all that they include, in the order of merging.
    fn with_includes(&mut self, paths: Vec<PathBuf>, seen: &[PathBuf]) -> Vec<PathBuf> {
        let mut order: Vec<PathBuf> = Vec::new();
        for path in paths {
            if seen.contains(&path) || seen.len() > MAX_DEPTH || self.load(&path).is_none() {
                continue;
            }
            self.visits += 1;
            if self.visits > MAX_FILES {
                self.too_many(&path);
                break;
            }
            let mut deeper = seen.to_vec();
            deeper.push(path.clone());
            let (before, after) = (
                self.included(&path, "before"),
                self.included(&path, "after"),
            );
            order.extend(self.with_includes(before, &deeper));
            order.push(path);
            order.extend(self.with_includes(after, &deeper));
        }
        let mut all = Vec::new();
        for path in &order {
            all.push(path.clone());
            let sibling = path.with_extension("local");
            if path.extension().is_some_and(|e| e == "conf")
                && !order.contains(&sibling)
                && self.load(&sibling).is_some()
            {
                all.push(sibling);
            }
        }
        all
    }

    /// Told for the first file beyond the bound only.
    fn too_many(&mut self, path: &Path) {
        if self.visits == MAX_FILES + 1 {
            let message = format!(
                "over {MAX_FILES} files are included; {} and what follows is left out",
                path.display()
            );
            let help = "check before = and after = in [INCLUDES]: some file comes in over and over";
            let found = Diagnostic::new(Severity::Error, message).with_help(help);
            self.faults.push(found);
        }
    }

    fn included(&mut self, path: &Path, key: &str) -> Vec<PathBuf> {
        let Some(sections) = self.load(path) else {
            return Vec::new();
        };
        if !sections.iter().any(|section| section.name == "INCLUDES") {
            return Vec::new();
        }
        let mut alone = Merged::default();
        alone.merge(&sections);
        let names = match Scope::new(&alone, "INCLUDES").own(key) {
            Ok(text) => text.map(|text| text.spoken()).unwrap_or_default(),
            Err(fault) => {
                let message = format!("{}; nothing is included", fault.message);
                self.faults.push(Diagnostic { message, ..fault });
                Vec::new()
            }
        };
        let dir = path.parent().unwrap_or(Path::new(""));
        let mut paths = Vec::new();
        for name in names {
            let target = dir.join(&name.text);
            // A file that extends one of ours may include what only the embedded tree holds.
            let (root, inner) = (
                Path::new(crate::embedded::ROOT),
                self.source.tree.dir.as_deref(),
            );
            let below = inner
                .and_then(|dir| target.strip_prefix(dir).ok())
                .map(|rest| root.join(rest));
            match below.filter(|_| self.source.tree.embedded) {
                Some(below) if self.load(&target).is_none() => paths.push(below),
                _ => paths.push(target),
            }
        }
        paths
    }
}

/// True for what is simply not there, which is the usual case of most layers.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The text of a file, and the first line (from 0) that is not UTF-8. Such a line is read as Latin-1, which gives any
/// byte a meaning and is what old editors wrote.
fn decode(bytes: &[u8]) -> (String, Option<usize>) {
    let mut content = String::with_capacity(bytes.len());
    let mut bad = None;
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match std::str::from_utf8(line) {
            Ok(line) => content.push_str(line),
            Err(_) => {
                content.extend(line.iter().map(|byte| char::from(*byte)));
                bad = bad.or(Some(number));
            }
        }
    }
    (content, bad)
}

#[cfg(test)]
mod tests;
