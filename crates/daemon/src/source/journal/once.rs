//! Reads what the journal holds, once and from the beginning: for testing filters.
//!
//! Nobody is asked whether the writer of an entry may speak for its service: who tests an expression wants to see what
//! it matches.

use super::child::Follower;
use super::entry::{self, Entry};
use super::expression::{Expression, Group};
use super::feed::next_of;
use crate::source::tail::{expand, glob};
use base::Timestamp;
use os::{Journal, JournalError};
use std::path::PathBuf;

/// Which journal is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPlace {
    /// The files in this directory.
    pub directory: Option<PathBuf>,
    /// These files, absolute ones as patterns (`*.journal`); only without a directory.
    pub files: Vec<PathBuf>,
    /// Parts of the machine's journal, as `sd_journal_open` takes them; only without both.
    pub flags: Option<i32>,
}

/// Gives every entry that the lines of a `journalmatch` ask for (every one at all without any) as a line and its time,
/// until `each` says that it has enough.
///
/// # Errors
/// A `journalmatch` that is none, or a journal that cannot be read. Where no journal is kept there are no entries.
pub fn read_journal(
    place: &JournalPlace,
    matches: &[String],
    each: &mut dyn FnMut(&str, Timestamp) -> bool,
) -> Result<(), String> {
    let place = &JournalPlace {
        files: named(&place.files),
        ..place.clone()
    };
    let expression = Expression::parse(matches).map_err(|error| error.to_string())?;
    let groups: Vec<&Group> = expression.alternatives.iter().collect();
    let wanted = entry::FIELDS.map(str::to_owned);
    let mut entry = Entry::default();
    let mut journal = match open(place, &groups) {
        Ok(journal) => journal,
        Err(JournalError::NoLibrary(_)) => return read_child(place, &groups, &wanted, each),
        Err(error) => return Err(error.to_string()),
    };
    while next_of(&mut journal, &wanted, &mut entry).map_err(|error| error.to_string())? {
        if !each(&entry.line(), entry.time()) {
            break;
        }
    }
    Ok(())
}

/// The files that patterns name; a pattern that names none stays, and cannot be opened.
fn named(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut named = Vec::new();
    for file in files {
        let text = file.to_string_lossy();
        let found = match file.is_absolute() && glob::is_pattern(&text) {
            true => expand(&text),
            false => Vec::new(),
        };
        named.extend(match found.is_empty() {
            true => vec![file.clone()],
            false => found,
        });
    }
    named
}

fn open(place: &JournalPlace, groups: &[&Group]) -> Result<Journal, JournalError> {
    let mut journal = match (&place.directory, place.files.as_slice(), place.flags) {
        (Some(directory), ..) => Journal::open_directory(directory, 0),
        (None, files @ [_, ..], _) => Journal::open_files(files),
        (None, [], flags) => Journal::open(None, flags.unwrap_or(os::JOURNAL_LOCAL_ONLY)),
    }?;
    for group in groups {
        for term in group.terms() {
            journal.add_match(term.as_bytes())?;
        }
        journal.add_disjunction()?;
    }
    journal.seek_head()?;
    Ok(journal)
}

/// As [`read_journal`], through journalctl.
fn read_child(
    place: &JournalPlace,
    groups: &[&Group],
    wanted: &[String],
    each: &mut dyn FnMut(&str, Timestamp) -> bool,
) -> Result<(), String> {
    let options: Vec<String> = match (&place.directory, place.flags) {
        (Some(directory), _) => vec![format!("--directory={}", directory.display())],
        (None, flags) => {
            let files = place.files.iter();
            let files = files.map(|file| format!("--file={}", file.display()));
            let flags = flags.filter(|_| place.files.is_empty()).unwrap_or(0);
            let parts = [(4, "--system"), (8, "--user")].into_iter();
            let parts = parts.filter(|(bit, _)| flags & bit != 0);
            files
                .chain(parts.map(|(_, option)| option.to_owned()))
                .collect()
        }
    };
    let mut child = Follower::start_once(&options, groups)
        .map_err(|error| format!("neither libsystemd nor journalctl can be used: {error}"))?;
    let mut entry = Entry::default();
    while child.next_or_end(wanted, &mut entry) {
        if !each(&entry.line(), entry.time()) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn patterns_name_files_and_names_themselves() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["b.journal", "a.journal", "other"] {
            fs::write(at(name), "").unwrap();
        }
        let asked = [at("*.journal"), at("*.none"), "rel/*.journal".into()];
        let expected = [
            at("a.journal"),
            at("b.journal"),
            at("*.none"),
            "rel/*.journal".into(),
        ];
        assert_eq!(named(&asked), expected);
    }

    #[test]
    fn a_match_that_is_none_and_a_place_that_is_none_are_told() {
        let nowhere = JournalPlace {
            directory: Some("/nosuch".into()),
            ..JournalPlace::default()
        };
        let mut none = |_: &str, _| panic!("there is no entry");
        let told = read_journal(&nowhere, &["A".to_owned()], &mut none).unwrap_err();
        assert!(told.contains("FIELD=value"), "{told}");
        // Without libsystemd journalctl is asked, which tells nothing.
        if let Err(told) = read_journal(&nowhere, &[], &mut none) {
            assert!(!told.is_empty());
        }
    }
}
