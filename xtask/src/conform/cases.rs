//! The files of one kind of cases: JSON, one object a line.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// One folder of cases.
pub(crate) struct Cases {
    dir: PathBuf,
}

impl Cases {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(crate) fn exist(&self) -> bool {
        self.dir.is_dir()
    }

    /// A folder within this one.
    pub(crate) fn within(&self, name: &str) -> Self {
        Self::new(self.dir.join(name))
    }

    /// The names of what lies here, sorted; none if there is nothing.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// All objects of a file. A file that is not there holds none: a set of cases need not have all files.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<Value>, String> {
        let path = self.dir.join(name);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = fs::read_to_string(&path).map_err(|error| shown(&path, &error))?;
        let objects = text.lines().filter(|line| !line.is_empty());
        objects
            .enumerate()
            .map(|(number, line)| {
                serde_json::from_str(line)
                    .map_err(|error| format!("{}:{}: {error}", path.display(), number + 1))
            })
            .collect()
    }
}

fn shown(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// The text of a line, which stands as bytes where it is not UTF-8.
pub(crate) fn line_text(line: &Value) -> String {
    match line["raw_b64"].as_str() {
        Some(coded) => String::from_utf8_lossy(&bytes(coded)).into_owned(),
        None => line["line"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Base64's plain form, as far as cases need it.
pub(crate) fn bytes(coded: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in coded.bytes() {
        let Some(value) = DIGITS.iter().position(|known| *known == digit) else {
            continue;
        };
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        assert_eq!(bytes("aGVsbG8="), b"hello");
        assert_eq!(bytes("aGVsbG8"), b"hello");
        assert_eq!(bytes("/+8="), [0xff, 0xef]);
        assert_eq!(bytes(""), b"");
    }
}
