//! What the store remembers of earlier bans, for the tags that ask for it (`<ipmatches>`, `<ipfailures>` and their like).

use super::values::{History, Past};
use std::sync::{Mutex, PoisonError};

/// The store's history, for the threads of all actions. One question at a time: each is a look into an index.
pub(crate) struct Remembered(Mutex<store::History>);

impl Remembered {
    pub(crate) fn new(history: store::History) -> Self {
        Self(Mutex::new(history))
    }
}

impl History for Remembered {
    fn past(&self, id: &str, jail: Option<&str>) -> Option<Past> {
        // Whoever panicked there has left a connection that can be used.
        let mut history = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let merged = history.merged(&id.into(), jail)?;
        Some(Past {
            failures: merged.failures,
            matches: merged.matches,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;
    use store::{Ban, Store, Write};

    #[test]
    fn earlier_bans_are_told_by_jail_and_all_together() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut store = Store::open(&path, "x", Timestamp::from_secs(0), 3).store;
        let ban = |jail: &str, time, lines: &[&str]| {
            Write::Ban(Ban {
                jail: jail.into(),
                id: "192.0.2.1".into(),
                time: Timestamp::from_secs(time),
                length: None,
                count: 1,
                failures: 2,
                users: vec![],
                matches: lines.iter().map(|&line| line.to_owned()).collect(),
                captures: vec![],
            })
        };
        let writes = [
            ban("a", 1, &["1", "2"]),
            ban("b", 2, &["3"]),
            ban("a", 3, &["4"]),
        ];
        store.write(&writes).unwrap();
        let remembered = Remembered::new(store::History::new(store.place(), 3));
        let told = |id, jail| {
            let past = remembered.past(id, jail)?;
            Some((past.failures, past.matches.concat()))
        };
        assert_eq!(told("192.0.2.1", None), Some((6, "234".to_owned())));
        assert_eq!(told("192.0.2.1", Some("a")), Some((4, "124".to_owned())));
        assert_eq!(told("192.0.2.1", Some("c")), None);
        assert_eq!(told("192.0.2.2", None), None);
        assert_eq!(told("mallory", None), None);
    }
}
