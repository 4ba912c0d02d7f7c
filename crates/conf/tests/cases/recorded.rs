//! The recorded cases: reading them from disk, and their trees in memory.

use conf::MemoryFiles;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where a case's tree stands in memory.
pub(crate) const ROOT: &str = "/place-of-the-tree";

/// What stands for that place in the cases.
pub(crate) const MARK: &str = "@DIR@";

/// One tree and the answer of `fail2ban-client -d`.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) files: MemoryFiles,
    /// The files of the tree as texts, without what is no text.
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) commands: Vec<Value>,
    pub(crate) code: i64,
}

impl Case {
    /// The files of the tree and their directories, in full.
    pub(crate) fn paths(&self) -> Vec<String> {
        let file = |name: &String| Path::new(ROOT).join(name);
        let mut paths: Vec<PathBuf> = self.texts.iter().map(|(name, _)| file(name)).collect();
        paths.extend(
            paths
                .clone()
                .iter()
                .filter_map(|path| path.parent())
                .map(Path::to_path_buf),
        );
        paths.sort();
        paths.dedup();
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    }

    /// True if fail2ban stopped before any jail was looked at.
    pub(crate) fn refused_whole(&self) -> bool {
        let about_jails =
            |command: &Value| matches!(command[0].as_str(), Some("add" | "config-error"));
        self.code != 0 && !self.commands.iter().any(about_jails)
    }
}

/// The folder of all cases, if it is there.
pub(crate) fn shared() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    path.is_dir().then_some(path)
}

/// The lines of a file of cases.
#[expect(clippy::disallowed_methods, reason = "a test reads its cases")]
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The cases of one release of fail2ban.
pub(crate) fn cases(label: &str) -> Option<Vec<Case>> {
    let path = shared()?.join(format!("config-cases/cases.{label}.jsonl"));
    Some(lines(&path).iter().map(case).collect())
}

fn case(line: &Value) -> Case {
    let mut files = MemoryFiles::default();
    let mut texts = Vec::new();
    for (name, content) in line["files"].as_object().unwrap() {
        let path = Path::new(ROOT).join(name);
        match (content.as_str(), content["b64"].as_str()) {
            (Some(text), _) => {
                let text = text.replace(MARK, ROOT);
                files.insert(path, text.clone());
                texts.push((name.clone(), text));
            }
            (None, Some(coded)) => files.insert(path, bytes(coded)),
            // Only a link that leads nowhere is among the cases.
            (None, None) => {}
        }
    }
    let commands = placed(&line["dump"]["commands"]);
    Case {
        id: line["id"].as_str().unwrap().into(),
        files,
        texts,
        commands: commands.as_array().unwrap().clone(),
        code: line["dump"]["rc"].as_i64().unwrap(),
    }
}

/// The same with the tree's directory in place of its mark.
fn placed(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace(MARK, ROOT)),
        Value::Array(items) => items.iter().map(placed).collect(),
        other => other.clone(),
    }
}

fn bytes(coded: &str) -> Vec<u8> {
    let digit = |c: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            .iter()
            .position(|d| *d == c)
    };
    let digits: Vec<usize> = coded.bytes().filter_map(digit).collect();
    let quantum = |four: &[usize]| {
        let bits = four
            .iter()
            .enumerate()
            .fold(0, |bits, (n, digit)| bits | digit << (18 - 6 * n));
        (0..four.len() - 1).map(move |n| (bits >> (16 - 8 * n)) as u8)
    };
    digits.chunks(4).flat_map(quantum).collect()
}

/// A directory on disk as files in memory below `ROOT`, without what is not wanted.
pub(crate) fn tree(dir: &Path, wanted: &dyn Fn(&Path) -> bool) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    copy(dir, Path::new(ROOT), wanted, &mut files);
    files
}

#[expect(clippy::disallowed_methods, reason = "a test reads its cases")]
fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool, files: &mut MemoryFiles) {
    let entries = std::fs::read_dir(from).unwrap().map(Result::unwrap);
    for path in entries
        .map(|entry| entry.path())
        .filter(|path| wanted(path))
    {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, wanted, files);
        } else {
            files.insert(target, std::fs::read(&path).unwrap());
        }
    }
}
