//! The language of `journalmatch`, which is journalctl's.
//!
//! A line holds words `FIELD=value`, quoted as in a shell. Words of one field are alternatives, different fields must
//! all hold, `+` separates alternatives, and so does a new line.

use super::entry::Entry;
use std::fmt;

/// A parsed `journalmatch`. Without any alternative every entry matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) alternatives: Vec<Group>,
}

/// Fields that must all hold, each with one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    terms: Vec<(String, Vec<String>)>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// This word is not of the form `FIELD=value`.
    Word(String),
    /// A quotation mark is not closed.
    Quote,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "journalmatch: '{word}' is not of the form FIELD=value"),
            Self::Quote => f.write_str("journalmatch: a quotation mark is not closed"),
        }
    }
}

impl Expression {
    /// Reads the lines.
    pub(super) fn parse(lines: &[String]) -> Result<Self, Error> {
        let mut alternatives = Vec::new();
        for line in lines {
            let mut group = Group::default();
            for word in words(line)? {
                if word == "+" {
                    alternatives.push(std::mem::take(&mut group));
                    continue;
                }
                match word.split_once('=') {
                    Some((field, value)) if is_field(field) => group.add(field, value),
                    _ => return Err(Error::Word(word)),
                }
            }
            alternatives.push(group);
        }
        alternatives.retain(|group| !group.terms.is_empty());
        Ok(Self { alternatives })
    }

    /// The first alternative that the entry satisfies; `Some` of an empty one if there are none at all.
    pub(super) fn matching(&self, entry: &Entry) -> Option<&Group> {
        const EVERYTHING: &Group = &Group { terms: Vec::new() };
        if self.alternatives.is_empty() {
            return Some(EVERYTHING);
        }
        self.alternatives.iter().find(|group| group.holds(entry))
    }

    /// Every value that any alternative gives for a field.
    pub(super) fn values<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        self.alternatives
            .iter()
            .flat_map(move |group| group.values(field))
    }

    /// Every field that is named.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.alternatives
            .iter()
            .flat_map(|group| &group.terms)
            .map(|(field, _)| field.as_str())
    }
}

impl Group {
    fn add(&mut self, field: &str, value: &str) {
        match self.terms.iter_mut().find(|(known, _)| known == field) {
            Some((_, values)) => values.push(value.to_owned()),
            None => self.terms.push((field.to_owned(), vec![value.to_owned()])),
        }
    }

    fn holds(&self, entry: &Entry) -> bool {
        self.terms.iter().all(|(field, values)| {
            entry
                .values(field)
                .any(|found| values.iter().any(|value| value.as_bytes() == found))
        })
    }

    /// The values that are asked for in a field.
    pub(super) fn values<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        let terms = self.terms.iter().filter(move |(known, _)| known == field);
        terms.flat_map(|(_, values)| values).map(String::as_str)
    }

    /// Each `FIELD=value`, as libsystemd and journalctl take them.
    pub(super) fn terms(&self) -> impl Iterator<Item = String> {
        self.terms
            .iter()
            .flat_map(|(field, values)| values.iter().map(move |value| format!("{field}={value}")))
    }
}

/// Names of fields are ASCII capitals, digits and underscores.
fn is_field(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Splits a line as a shell does: blanks separate, quotation marks and backslashes keep what they cover.
fn words(line: &str) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            // Within single quotation marks a backslash is itself; within double ones it covers only these two.
            (Some('"'), '\\') => {
                let next = chars.next().ok_or(Error::Quote)?;
                let kept = word.get_or_insert_default();
                if !matches!(next, '"' | '\\') {
                    kept.push('\\');
                }
                kept.push(next);
            }
            (None, '\\') => word
                .get_or_insert_default()
                .push(chars.next().ok_or(Error::Quote)?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(Error::Quote);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], matching: &[&[(&str, &str)]], others: &[&[(&str, &str)]]) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let expression = Expression::parse(&lines).unwrap();
        let matches = |fields: &[(&str, &str)]| expression.matching(&Entry::of(fields)).is_some();
        for entry in matching {
            assert!(matches(entry), "{lines:?} should match {entry:?}");
        }
        for entry in others {
            assert!(!matches(entry), "{lines:?} should not match {entry:?}");
        }
    }

    #[test]
    fn words_combine_as_in_journalctl() {
        check(&[], &[&[], &[("A", "1")]], &[]);
        check(
            &["A=1"],
            &[&[("A", "1"), ("B", "2")]],
            &[&[], &[("A", "2")], &[("A", "11")]],
        );
        check(
            &["A=1 A=2"],
            &[&[("A", "1")], &[("A", "2")]],
            &[&[("A", "3")]],
        );
        check(
            &["A=1 B=2"],
            &[&[("A", "1"), ("B", "2")]],
            &[&[("A", "1")], &[("B", "2")]],
        );
        check(
            &["A=1 B=2 A=3"],
            &[&[("A", "3"), ("B", "2")], &[("A", "1"), ("B", "2")]],
            &[&[("A", "3")]],
        );
        check(
            &["A=1 + B=2"],
            &[&[("A", "1")], &[("B", "2")]],
            &[&[("A", "2"), ("B", "1")]],
        );
        check(&["A=1", "B=2"], &[&[("A", "1")], &[("B", "2")]], &[&[]]);
        check(&["+ A=1 +"], &[&[("A", "1")]], &[&[]]);
        check(
            &["A=1"],
            &[&[("A", "2"), ("A", "1")]],
            &[&[("A", "2"), ("A", "3")]],
        );
        check(&["A=x=y"], &[&[("A", "x=y")]], &[&[("A", "x")]]);
    }

    #[test]
    fn quotation_is_that_of_a_shell() {
        check(
            &[r#"A="1 2" B='3"'"#],
            &[&[("A", "1 2"), ("B", "3\"")]],
            &[],
        );
        check(
            &[r#"'A=1 2'  B=3\ 4"#],
            &[&[("A", "1 2"), ("B", "3 4")]],
            &[],
        );
        check(&[r#"A="a\"b\n" "#], &[&[("A", "a\"b\\n")]], &[]);
        check(&["A="], &[&[("A", "")]], &[&[("A", "1")]]);
    }

    #[test]
    fn mistakes_are_named() {
        let parse = |line: &str| Expression::parse(&[line.to_owned()]).unwrap_err();
        assert_eq!(
            parse("A=1 /usr/sbin/sshd"),
            Error::Word("/usr/sbin/sshd".into())
        );
        assert_eq!(parse("sshd"), Error::Word("sshd".into()));
        assert_eq!(parse("a=1"), Error::Word("a=1".into()));
        assert_eq!(parse("=1"), Error::Word("=1".into()));
        assert_eq!(parse("A='1"), Error::Quote);
        assert_eq!(parse("A=1\\"), Error::Quote);
    }
}
