//! Reads what the journal holds, once and from the beginning: for testing filters.
//!
//! Nobody is asked whether the writer of an entry may speak for its service: who tests an expression wants to see what
//! it matches.

use super::child::Follower;
use super::entry::{self, Entry};
use super::expression::{Expression, Group};
use super::feed::{next_of, open_library};
use super::place::JournalSource;
use base::Timestamp;
use os::JournalError;

/// Gives every entry that the lines of a `journalmatch` ask for (every one at all without any) as a line and its time,
/// until `each` says that it has enough.
///
/// # Errors
/// A `journalmatch` that is none, or a journal that cannot be read. Where no journal is kept there are no entries.
pub fn read_journal(
    place: &JournalSource,
    matches: &[String],
    each: &mut dyn FnMut(&str, Timestamp) -> bool,
) -> Result<(), String> {
    let expression = Expression::parse(matches).map_err(|error| error.to_string())?;
    let groups: Vec<&Group> = expression.alternatives.iter().collect();
    let wanted = entry::FIELDS.map(str::to_owned);
    let (mut entry, mut line) = (Entry::default(), String::new());
    let mut journal = match open_library(place, &groups, Timestamp::from_secs(0)) {
        Ok(journal) => journal,
        Err(JournalError::NoLibrary(_)) => return read_child(place, &groups, &wanted, each),
        Err(error) => return Err(error.to_string()),
    };
    while next_of(&mut journal, &wanted, &mut entry).map_err(|error| error.to_string())? {
        entry.write_line(&mut line);
        if !each(&line, entry.time()) {
            break;
        }
    }
    Ok(())
}

/// As [`read_journal`], through journalctl.
fn read_child(
    place: &JournalSource,
    groups: &[&Group],
    wanted: &[String],
    each: &mut dyn FnMut(&str, Timestamp) -> bool,
) -> Result<(), String> {
    let mut child = Follower::start_once(place, groups)
        .map_err(|error| format!("neither libsystemd nor journalctl can be used: {error}"))?;
    let (mut entry, mut line) = (Entry::default(), String::new());
    while child.next_or_end(wanted, &mut entry) {
        entry.write_line(&mut line);
        if !each(&line, entry.time()) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_that_is_none_and_a_place_that_is_none_are_told() {
        let nowhere = JournalSource {
            directory: Some("/nosuch".into()),
            ..JournalSource::default()
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
