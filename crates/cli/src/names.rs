//! Which program is meant: the one binary answers to four names.
//!
//! The name is that of the file that was started (`fail2ban-regex`, a link to us), or the first word
//! (`stockade fail2ban-regex …`), so that nothing has to be installed under a foreign name.

use std::ffi::OsString;
use std::path::Path;

/// The programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Stockade,
    Fail2banClient,
    Fail2banServer,
    Fail2banRegex,
}

fn known(word: &str) -> Option<Name> {
    match word {
        "fail2ban-client" => Some(Name::Fail2banClient),
        "fail2ban-server" => Some(Name::Fail2banServer),
        "fail2ban-regex" => Some(Name::Fail2banRegex),
        _ => None,
    }
}

/// The program that was called, and its words with its own name in front.
pub(crate) fn called(words: impl Iterator<Item = OsString>) -> (Name, Vec<OsString>) {
    let mut words: Vec<OsString> = words.collect();
    let own = words
        .first()
        .and_then(|word| Path::new(word).file_name()?.to_str());
    if let Some(name) = own.and_then(known) {
        return (name, words);
    }
    let first = words.get(1).and_then(|word| word.to_str());
    match first.and_then(known) {
        Some(name) => {
            words.remove(0);
            (name, words)
        }
        None => (Name::Stockade, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], name: Name, left: &[&str]) {
        let given = words.iter().map(OsString::from);
        let left: Vec<OsString> = left.iter().map(OsString::from).collect();
        assert_eq!(called(given), (name, left));
    }

    #[test]
    fn the_name_is_that_of_the_file_or_the_first_word() {
        check(
            &["stockade", "status"],
            Name::Stockade,
            &["stockade", "status"],
        );
        check(
            &["/usr/bin/fail2ban-regex", "a", "b"],
            Name::Fail2banRegex,
            &["/usr/bin/fail2ban-regex", "a", "b"],
        );
        check(
            &["./stockade", "fail2ban-client", "-d"],
            Name::Fail2banClient,
            &["fail2ban-client", "-d"],
        );
        check(
            &["fail2ban-server", "fail2ban-regex"],
            Name::Fail2banServer,
            &["fail2ban-server", "fail2ban-regex"],
        );
        check(&[], Name::Stockade, &[]);
    }
}
