//! Reads what the journal holds, once and from the beginning: for testing filters.
//!
//! Nobody is asked whether the writer of an entry may speak for its service: who tests an expression wants to see what
//! it matches.

use super::child::Follower;
use super::entry::{self, Entry};
use super::expression::{Expression, Group};
use super::feed::next_of;
use base::Timestamp;
use os::{Journal, JournalError};
use std::path::PathBuf;

/// Which journal is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPlace {
    /// The files in this directory.
    pub directory: Option<PathBuf>,
    /// These files; only without a directory.
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
