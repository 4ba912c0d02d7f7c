//! The last texts that matched, with what was found in them, for lines that say the same once more.
//!
//! Programs repeat themselves: sshd writes a line for every password that a connection tries, and they differ in nothing
//! but their date. What expressions find depends on the text alone, so that it need not be searched again; what it means
//! depends on the lines before, and is asked every time.
//!
//! Each text has one place, by its hash, and the next one with that place takes it. Where few lines are repeated, the
//! memory is left alone for a while: it costs a hash of every line.

use std::hash::BuildHasher;

use crate::captures::Captures;
use crate::hash::QuickHash;

/// Texts that are remembered: the lines of so many connections may come one through the other.
const PLACES: usize = 64;
/// Longer texts, in bytes, are not remembered.
const MAX_TEXT: usize = 512;
/// After so many lines it is seen whether they are repeated.
const TRIAL: u32 = 1_024;
/// The memory is of use where at least one line in so many is.
const USEFUL: u32 = 10;
/// Lines without it after it was found useless.
const PAUSE: u32 = 16 * TRIAL;

#[derive(Debug, Default)]
pub(super) struct Memo {
    /// None until the first text matches.
    entries: Vec<Entry>,
    /// The hash of the text that was looked for last, if it is to be kept should it match.
    missed: Option<u64>,
    hash: QuickHash,
    asked: u32,
    repeated: u32,
    pause: u32,
}

#[derive(Debug, Default)]
struct Entry {
    hash: u64,
    text: String,
    rule: usize,
    captures: Captures,
}

impl Memo {
    /// The failregex that matches `text` first and all that a match captures, if that is known.
    pub(super) fn find(&mut self, text: &str) -> Option<(usize, &Captures)> {
        self.missed = None;
        // A place that holds nothing yet would know the empty text.
        if self.is_paused() || !(1..=MAX_TEXT).contains(&text.len()) {
            return None;
        }
        let hash = self.hash.hash_one(text);
        let entry = self.entries.get(place(hash));
        let known = entry.filter(|entry| entry.hash == hash && entry.text == text);
        match known {
            Some(known) => {
                self.repeated += 1;
                Some((known.rule, &known.captures))
            }
            None => {
                self.missed = Some(hash);
                None
            }
        }
    }

    /// Keeps what was found in `text`, which was looked for last and is not known.
    pub(super) fn keep(&mut self, text: &str, rule: usize, captures: &Captures) {
        let Some(hash) = self.missed.take() else {
            return;
        };
        if self.entries.is_empty() {
            self.entries.resize_with(PLACES, Entry::default);
        }
        let entry = &mut self.entries[place(hash)];
        (entry.hash, entry.rule) = (hash, rule);
        entry.text.clear();
        entry.text.push_str(text);
        entry.captures.copy_of(captures);
    }

    /// Begins a line; whether it is not to be looked for.
    fn is_paused(&mut self) -> bool {
        if self.asked == TRIAL {
            if self.repeated * USEFUL < TRIAL {
                self.pause = PAUSE;
            }
            (self.asked, self.repeated) = (0, 0);
        }
        if self.pause > 0 {
            self.pause -= 1;
            return true;
        }
        self.asked += 1;
        false
    }
}

fn place(hash: u64) -> usize {
    hash as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captures::Name;

    fn captured(user: &str) -> Captures {
        let mut captures = Captures::default();
        captures.set(Name::USER, user);
        captures
    }

    /// The failregex and the user that are known of a text.
    fn known(memo: &mut Memo, text: &str) -> Option<(usize, String)> {
        let (rule, captures) = memo.find(text)?;
        Some((rule, captures.get(Name::USER).unwrap().to_owned()))
    }

    #[test]
    fn knows_of_a_text_what_was_kept_of_it_or_nothing() {
        let mut memo = Memo::default();
        let mut met = 0;
        for round in 0..8 {
            for n in 0..2 * PLACES {
                let text = format!("sshd[{n}]: Failed password for u{n}\n");
                match known(&mut memo, &text) {
                    Some(found) => {
                        assert_eq!(found, (n, format!("u{n}")));
                        met += 1;
                    }
                    None => memo.keep(&text, n, &captured(&format!("u{n}"))),
                }
            }
            assert!(round == 0 || met > 0, "some have a place of their own");
        }
        assert!(memo.entries.len() == PLACES, "others take theirs");
    }

    #[test]
    fn keeps_only_what_was_looked_for_and_is_not_too_long() {
        let mut memo = Memo::default();
        memo.keep("never looked for", 1, &captured("a"));
        let mut keep = |text: &str| {
            assert_eq!(known(&mut memo, text), None);
            memo.keep(text, 1, &captured("a"));
            known(&mut memo, text).is_some()
        };
        assert!(!keep("") && !keep(&"x".repeat(MAX_TEXT + 1)));
        assert!(keep(&"x".repeat(MAX_TEXT)) && keep("y"));
        memo.find("no match");
        memo.find("");
        memo.keep("", 1, &captured("a"));
        assert!(
            memo.entries
                .iter()
                .all(|entry| entry.rule == 0 || !entry.text.is_empty())
        );
    }

    #[test]
    fn rests_where_lines_are_not_repeated() {
        for (every, rests) in [(9, false), (11, true)] {
            let mut memo = Memo::default();
            memo.find("known\n");
            memo.keep("known\n", 0, &captured("a"));
            for n in 1..TRIAL {
                let is_known = n % every == 0;
                let found = memo.find(if is_known { "known\n" } else { "new\n" });
                assert_eq!(found.is_some(), is_known);
            }
            let asked = |memo: &mut Memo| memo.find("known\n").is_some();
            for _ in 0..PAUSE {
                assert_eq!(asked(&mut memo), !rests, "one in {every}");
            }
            assert!(asked(&mut memo));
        }
    }
}
