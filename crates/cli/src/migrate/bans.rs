//! Who is banned, as fail2ban's client and ours tell it, and who of them is missing later.

use base::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// The ids that are banned in each jail, with the end of the ban where it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bans(BTreeMap<String, BTreeMap<String, Option<String>>>);

impl Bans {
    /// Reads what `fail2ban-client banned` prints: `[{'sshd': ['192.0.2.1']}, {'other': []}]`.
    pub(super) fn of_client(text: &str) -> Option<Self> {
        let text = text.trim();
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        let mut bans = Self::default();
        let mut jail: Option<String> = None;
        let mut rest = inside;
        while let Some(at) = rest.find(['\'', '"']) {
            let (word, after) = quoted(rest.get(at..)?)?;
            rest = after.trim_start();
            match rest.strip_prefix(':') {
                Some(list) => {
                    bans.0.entry(word.clone()).or_default();
                    jail = Some(word);
                    rest = list;
                }
                None => {
                    bans.0.entry(jail.clone()?).or_default().insert(word, None);
                }
            }
        }
        Some(bans)
    }

    /// Reads what `stockade banned --json` prints.
    pub(super) fn of_json(text: &str) -> Option<Self> {
        let answer: Value = serde_json::from_str(text.trim()).ok()?;
        let mut bans = Self::default();
        for ban in answer["bans"].as_array()? {
            let (jail, ip) = (ban["jail"].as_str()?, ban["ip"].as_str()?);
            let until = ban["until"].as_i64().map(crate::time::local);
            let jail = bans.0.entry(jail.to_owned()).or_default();
            jail.insert(ip.to_owned(), until);
        }
        Some(bans)
    }

    /// Takes in what `fail2ban-client get JAIL banip --with-time` prints: `ID \tBEGIN + SECONDS = END`.
    pub(super) fn learn_ends(&mut self, jail: &str, text: &str) {
        let Some(ids) = self.0.get_mut(jail) else {
            return;
        };
        for line in text.lines() {
            let Some((id, times)) = line.split_once('\t') else {
                continue;
            };
            if let (Some(end), Some((_, time))) = (ids.get_mut(id.trim()), times.rsplit_once('=')) {
                *end = Some(time.trim().to_owned());
            }
        }
    }

    /// One more, with its end.
    pub(super) fn add(&mut self, jail: &str, id: &str, until: Option<Timestamp>) {
        let until = until.map(|until| crate::time::local(until.as_secs()));
        let jail = self.0.entry(jail.to_owned()).or_default();
        jail.insert(id.to_owned(), until);
    }

    /// Whether this one is banned there.
    pub(super) fn holds(&self, jail: &str, id: &str) -> bool {
        self.0.get(jail).is_some_and(|ids| ids.contains_key(id))
    }

    /// The jails that hold somebody.
    pub(super) fn jails(&self) -> Vec<String> {
        let held = self.0.iter().filter(|(_, ids)| !ids.is_empty());
        held.map(|(jail, _)| jail.clone()).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// How many are banned in a jail.
    pub(super) fn count_of(&self, jail: &str) -> usize {
        self.0.get(jail).map_or(0, BTreeMap::len)
    }

    /// Whoever is banned here and not in `later`, as `JAIL ID`, unless the ban had its end by `now`.
    pub(super) fn missing_in(&self, later: &Self, now: &str) -> Vec<String> {
        let mut missing = Vec::new();
        for (jail, ids) in &self.0 {
            let there = later.0.get(jail);
            for (id, end) in ids {
                let is_there = there.is_some_and(|ids| ids.contains_key(id));
                let is_over = end.as_deref().is_some_and(|end| end <= now);
                if !is_there && !is_over {
                    missing.push(format!("{jail} {id}"));
                }
            }
        }
        missing
    }
}

/// The text of a quoted word, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next()?;
    let mut word = String::new();
    let mut is_escaped = false;
    for (at, c) in chars {
        match (is_escaped, c) {
            (false, '\\') => is_escaped = true,
            (false, c) if c == quote => return Some((word, text.get(at + 1..)?)),
            _ => {
                word.push(c);
                is_escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(before: &str, after: &str, now: &str) -> Vec<String> {
        let mut before = Bans::of_client(before).unwrap();
        let times = "192.0.2.1 \t2026-11-30 01:00:26 + 600 = 2026-11-30 01:10:26\n\
            192.0.2.2 \t2026-11-30 01:00:26 + -1 = 9999-12-31 23:59:59\n";
        before.learn_ends("sshd", times);
        before.missing_in(&Bans::of_client(after).unwrap(), now)
    }

    #[test]
    fn who_is_missing_is_who_should_still_be_there() {
        let before = "[{'sshd': ['192.0.2.1', '192.0.2.2', '2001:db8::1']}, {'empty': []}]";
        let now = "2026-11-30 01:05:00";
        assert!(missing(before, before, now).is_empty());
        let after = "[{'sshd': ['2001:db8::1', '192.0.2.2']}]";
        assert_eq!(missing(before, after, now), ["sshd 192.0.2.1"]);
        assert!(missing(before, after, "2026-11-30 01:10:26").is_empty());
        let elsewhere = "[{'other': ['192.0.2.1', '192.0.2.2', '2001:db8::1']}]";
        assert_eq!(missing(before, elsewhere, now).len(), 3);
        assert_eq!(missing(before, "[]", "2027-01-01 00:00:00").len(), 2);
    }

    #[test]
    fn what_the_client_prints_is_read() {
        let text = "[{\"it's\": ['a\\'b', \"c'd\", 'x: [1]']}, {'none': []}]\n";
        let bans = Bans::of_client(text).unwrap();
        assert_eq!((bans.count(), bans.count_of("it's")), (3, 3));
        assert_eq!(bans.jails(), ["it's"]);
        assert_eq!(Bans::of_client("[]").unwrap().count(), 0);
        assert!(Bans::of_client("Sorry but the command is invalid").is_none());
        assert!(Bans::of_client("['a']").is_none());
    }

    #[test]
    fn our_own_answer_is_read() {
        let text = r#"{"v":1,"bans":[{"jail":"sshd","ip":"192.0.2.1","until":null},{"jail":"sshd","ip":"2001:db8::/64","until":5}]}"#;
        let bans = Bans::of_json(text).unwrap();
        assert_eq!((bans.count(), bans.jails().len()), (2, 1));
        assert!(Bans::of_json("{}").is_none());
    }
}
