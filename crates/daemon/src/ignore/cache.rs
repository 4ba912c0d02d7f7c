//! What `ignorecommand` answered a moment ago (`ignorecache`).

use crate::actions::Template;
use base::{Diagnostic, Severity, Span, Timestamp, parse_duration};
use conf::{JailSpec, parse_call};
use std::collections::{HashMap, VecDeque};

const MOST: usize = 100;
const AGE: Span = Span::from_secs(300);

/// The rules of a jail's cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheRules {
    /// Failures for which this is the same get the same answer.
    key: Template,
    /// So many answers are kept.
    most: usize,
    /// For so long.
    age: Span,
}

impl CacheRules {
    /// Reads the option; nothing without it, if it is empty, or if it has a mistake, which is told.
    pub(crate) fn read(spec: &JailSpec, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let value = spec.ignorecache.as_ref()?;
        if value.text.trim().is_empty() {
            return None;
        }
        Self::parse(&value.text)
            .map_err(|what| {
                let message = format!("ignorecache {what}; every failure is asked about");
                diagnostics.push(
                    Diagnostic::new(Severity::Warning, message)
                        .with_jail(&spec.name)
                        .with_origin(Some(&value.origin))
                        .with_help("write key=\"<ip>\", max-count=100, max-time=5m"),
                );
            })
            .ok()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let call = parse_call(&format!("cache[{text}]"));
        let (_, options) = call.map_err(|_| "is no list of KEY=VALUE")?;
        let (mut key, mut most, mut age) = (None, MOST, AGE);
        for (name, value) in &options {
            match name.as_str() {
                "key" => key = Some(Template::new(value)),
                "max-count" => {
                    let count = value.parse();
                    most = count.map_err(|_| format!("has a max-count that is none: {value}"))?;
                }
                "max-time" => {
                    let seconds = parse_duration(value)
                        .map_err(|_| format!("has a max-time that is none: {value}"))?;
                    age = Span::from_secs_f64(seconds);
                }
                other => return Err(format!("does not know '{other}'")),
            }
        }
        Ok(Self {
            key: key.ok_or("has no key")?,
            most,
            age,
        })
    }

    /// The key of a failure with these values.
    pub(crate) fn key(&self, value: &mut dyn FnMut(&str) -> Option<String>) -> String {
        let script = self.key.fill(value);
        let mut key = script.text;
        for value in script.values {
            key.push('\0');
            key.push_str(&value);
        }
        key
    }
}

/// The answers of one jail.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    answers: HashMap<String, (Timestamp, bool)>,
    /// The keys, oldest answer first.
    order: VecDeque<String>,
}

impl Cache {
    /// Whether the failures of this key are ignored, if that is known.
    pub(crate) fn find(&self, rules: &CacheRules, now: Timestamp, key: &str) -> Option<bool> {
        let (since, ignored) = self.answers.get(key)?;
        (now >= *since && now.since(*since) <= rules.age).then_some(*ignored)
    }

    /// Keeps an answer, in place of the oldest one if there is no room.
    pub(crate) fn keep(&mut self, rules: &CacheRules, now: Timestamp, key: String, ignored: bool) {
        if self.answers.insert(key.clone(), (now, ignored)).is_some() {
            self.order.retain(|known| *known != key);
        }
        self.order.push_back(key);
        while self.order.len() > rules.most {
            if let Some(oldest) = self.order.pop_front() {
                self.answers.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(usize, i64), &str>) {
        let rules = CacheRules::parse(text);
        let read = rules.map(|rules| (rules.most, rules.age.as_secs()));
        assert_eq!(read, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn reads_fail2bans_option() {
        check("key=\"<ip>\", max-count=7, max-time=10m", Ok((7, 600)));
        check("key=\"<ip>\"", Ok((100, 300)));
        check("max-count=7", Err("has no key"));
        check(
            "key=\"<ip>\", max-count=x",
            Err("has a max-count that is none: x"),
        );
        check("key=\"<ip>\", size=1", Err("does not know 'size'"));
        check("<ip>", Err("is no list of KEY=VALUE"));
    }

    #[test]
    fn answers_are_kept_for_a_while_and_the_oldest_go_first() {
        let rules = CacheRules::parse("key=\"<ip>/<F-USER>\", max-count=2, max-time=10").unwrap();
        let key = |ip: &str, user: &str| {
            rules.key(&mut |tag| match tag {
                "ip" => Some(ip.to_owned()),
                "F-USER" => Some(user.to_owned()),
                _ => None,
            })
        };
        assert_ne!(key("a", "$x"), key("a", "$y"));
        let at = Timestamp::from_secs;
        let mut cache = Cache::default();
        cache.keep(&rules, at(0), key("a", "x"), true);
        cache.keep(&rules, at(1), key("b", "x"), false);
        assert_eq!(cache.find(&rules, at(10), &key("a", "x")), Some(true));
        assert_eq!(cache.find(&rules, at(11), &key("a", "x")), None);
        assert_eq!(cache.find(&rules, at(11), &key("b", "x")), Some(false));
        cache.keep(&rules, at(2), key("a", "x"), false);
        cache.keep(&rules, at(3), key("c", "x"), true);
        assert_eq!(cache.find(&rules, at(3), &key("b", "x")), None);
        assert_eq!(cache.find(&rules, at(3), &key("a", "x")), Some(false));
    }
}
