//! One detector for all filters with the same date patterns, and one expression for all templates that are the same.
//!
//! Most filters leave the patterns to the built-in ones, whose automata take more time to build and more memory to
//! keep than those of the filter itself; and most of those that do not have them among others. A detector never changes,
//! nor does an expression, so who shares it cannot tell. It lives as long as somebody uses it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{DateDetector, DateError, ZoneSpec};
use crate::pyre::{self, Regex};

/// What a detector is made of.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    datepattern: Option<String>,
    zone: ZoneSpec,
    start_year: i32,
}

static KNOWN: Mutex<Vec<(Key, Weak<DateDetector>)>> = Mutex::new(Vec::new());

/// Expressions of templates by their patterns.
static EXPRESSIONS: Mutex<Option<HashMap<String, Weak<Regex>>>> = Mutex::new(None);

/// The expression of a template, or the one that another template has.
pub(super) fn expression(pattern: String) -> Result<Arc<Regex>, pyre::Error> {
    // As below.
    let mut known = EXPRESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(same) = known.get(&pattern).and_then(Weak::upgrade) {
        return Ok(same);
    }
    let expression = Arc::new(Regex::new(&pattern, false)?);
    known.insert(pattern, Arc::downgrade(&expression));
    Ok(expression)
}

/// Forgets those that nobody uses any more.
fn forget_expressions() {
    let mut known = EXPRESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = &mut *known {
        known.retain(|_, expression| expression.strong_count() > 0);
    }
}

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
        forget_expressions();
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

    #[test]
    fn equal_expressions_are_shared_as_long_as_somebody_has_them() {
        let known = |pattern: &str| {
            let known = EXPRESSIONS.lock().unwrap();
            known.as_ref().is_some_and(|all| all.contains_key(pattern))
        };
        // No other test asks for these.
        let pattern = "(shared [0-9]+)";
        let shared = || expression(pattern.to_owned()).unwrap();
        let one = shared();
        assert!(Arc::ptr_eq(&one, &shared()));
        assert!(!Arc::ptr_eq(
            &one,
            &expression("(shared [0-8]+)".to_owned()).unwrap()
        ));
        forget_expressions();
        assert!(known(pattern) && !known("(shared [0-8]+)"));
        drop(one);
        forget_expressions();
        assert!(!known(pattern));
        assert!(expression("(".to_owned()).is_err());
    }
}
