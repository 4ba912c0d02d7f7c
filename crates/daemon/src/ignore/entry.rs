//! `ignoreip` as the configuration writes it (behaviour §4.4).

use super::file::ListFile;
use base::{Diagnostic, FailureId, Prefix, Severity};
use conf::JailSpec;
use engine::{IgnoreList, IgnoreSource};
use std::sync::Arc;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An address, a network, or the text of an id that is neither.
    Id(FailureId),
    /// A host name; as nobody can tell, it may also be meant as the text of an id.
    Name(Arc<str>),
    /// A list in a file.
    File(ListFile),
}

impl Entry {
    /// What is found under it comes from there; nothing for one that stands for the same as long as the daemon runs.
    pub(super) fn source(&self) -> Option<IgnoreSource> {
        match self {
            Self::Id(_) => None,
            Self::Name(name) => Some(IgnoreSource::Dns(Arc::clone(name))),
            Self::File(file) => Some(IgnoreSource::File(Arc::clone(file.shown()))),
        }
    }
}

/// All names and files.
pub(crate) fn sources(entries: &[Entry]) -> Vec<IgnoreSource> {
    entries.iter().filter_map(Entry::source).collect()
}

/// The entries of a jail. A mistake costs its entry and is told with its place.
pub(crate) fn read(spec: &JailSpec, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for value in &spec.ignoreip {
        match parse(&value.text) {
            Ok(entry) if entries.contains(&entry) => {}
            Ok(entry) => entries.push(entry),
            Err(what) => {
                let message = format!("ignoreip entry '{}' {what}; it is left out", value.text);
                let help = "write an address, a network, a host name, or file:///PATH";
                diagnostics.push(
                    Diagnostic::new(Severity::Warning, message)
                        .with_jail(&spec.name)
                        .with_origin(Some(&value.origin))
                        .with_help(help),
                );
            }
        }
    }
    entries
}

/// Whether a text can be an entry; an error says what is wrong with it.
pub(crate) fn is_entry(text: &str) -> Result<(), &'static str> {
    match text.trim() {
        text if text.is_empty() || text.contains(char::is_whitespace) => {
            Err("holds a blank, or nothing")
        }
        text => parse(text).map(drop),
    }
}

fn parse(text: &str) -> Result<Entry, &'static str> {
    if let Some(path) = text.strip_prefix("file:") {
        let file = ListFile::parse(path).ok_or("names no file")?;
        return Ok(Entry::File(file));
    }
    if let Ok(prefix) = text.parse::<Prefix>() {
        return Ok(Entry::Id(FailureId::Prefix(prefix)));
    }
    let numeric = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if text.contains(['/', ':']) || numeric(text) {
        return Err("is no address and no network");
    }
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    Ok(if text.chars().all(named) {
        Entry::Name(text.into())
    } else {
        Entry::Id(FailureId::Raw(text.into()))
    })
}

/// What the entries hold without asking anybody.
pub(crate) fn fixed(entries: &[Entry]) -> IgnoreList {
    let mut list = IgnoreList::default();
    for entry in entries {
        match entry {
            Entry::Id(id) => list.push(IgnoreSource::Ip, id.clone()),
            Entry::Name(name) => list.push(IgnoreSource::Ip, FailureId::Raw(name.as_ref().into())),
            Entry::File(_) => {}
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match parse(text) {
            Ok(Entry::Id(FailureId::Prefix(prefix))) => format!("prefix {prefix}"),
            Ok(Entry::Id(FailureId::Raw(text))) => format!("id {text}"),
            Ok(Entry::Name(name)) => format!("name {name}"),
            Ok(Entry::File(file)) => format!("file {}", file.shown()),
            Err(what) => what.to_owned(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn tells_addresses_names_files_and_mistakes() {
        check("192.0.2.1", "prefix 192.0.2.1");
        check("[2001:db8::1]", "prefix 2001:db8::1");
        check("10.0.0.0/255.0.0.0", "prefix 10.0.0.0/8");
        check("host.example", "name host.example");
        check("root", "name root");
        check("me@host", "id me@host");
        check("file:///etc/list", "file /etc/list");
        check("file:/etc/list", "file /etc/list");
        check("file:list", "file list");
        check("file:", "names no file");
        check("10.0.0.0/33", "is no address and no network");
        check("999.1.1.1", "is no address and no network");
        check("1::2::3", "is no address and no network");
        check("host/24", "is no address and no network");
    }
}
