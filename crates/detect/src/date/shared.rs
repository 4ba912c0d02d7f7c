//! One detector for all filters with the same date patterns.
//!
//! Most filters leave the patterns to the built-in ones, whose automata take more time to build and more memory to
//! keep than those of the filter itself. A detector never changes, so who shares it cannot tell. It lives as long as
//! somebody uses it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{DateDetector, DateError, ZoneSpec};

/// What a detector is made of.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    datepattern: Option<String>,
    zone: ZoneSpec,
    start_year: i32,
}

static KNOWN: Mutex<Vec<(Key, Weak<DateDetector>)>> = Mutex::new(Vec::new());

impl DateDetector {
    /// As [`new`](Self::new), or the one that somebody already has.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn shared(
        datepattern: Option<&str>,
        zone: ZoneSpec,
        start_year: i32,
    ) -> Result<Arc<Self>, DateError> {
        let key = Key {
            datepattern: datepattern.map(str::to_owned),
            zone,
            start_year,
        };
        // Whoever panicked while holding it left a list that is complete.
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, detector)| detector.strong_count() > 0);
        let same = known.iter().find(|(other, _)| *other == key);
        if let Some(detector) = same.and_then(|(_, detector)| detector.upgrade()) {
            return Ok(detector);
        }
        let detector = Arc::new(Self::new(datepattern, zone, start_year)?);
        known.push((key, Arc::downgrade(&detector)));
        Ok(detector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_patterns_share_and_nothing_is_kept() {
        // No other test asks for this year.
        let shared = |pattern| DateDetector::shared(pattern, ZoneSpec::Local, 1901).unwrap();
        let (one, same) = (shared(Some("%Y-%m")), shared(Some("%Y-%m")));
        let other = shared(Some("%Y-%d"));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
        let gone = Arc::downgrade(&other);
        drop(other);
        assert!(gone.upgrade().is_none());
        assert!(DateDetector::shared(Some("%("), ZoneSpec::Local, 1901).is_err());
    }
}
