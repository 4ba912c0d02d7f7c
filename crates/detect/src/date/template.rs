//! One date template: an expression that finds a date, and how its groups become a time.

use std::fmt;
use std::sync::Arc;

use crate::pyre::Regex;

use super::bounds::{Left, bound, name_groups};
use super::directive::{Expanded, Field, expand};
use super::shared::expression;
use super::{epoch, tai64};

/// What asks for the beginning of the line in front of a pattern.
pub(super) const LINE_BEGIN: &str = "{^LN-BEG}";
/// What asks for no boundaries in front of a pattern.
const UNBOUND: &str = "{UNB}";

/// Groups whose text is asked for by number: what is cut out, and the number of a `{EPOCH}` pattern.
const NEEDED_GROUPS: usize = 2;

/// Why a `datepattern` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateError {
    /// The pattern that is at fault, as written.
    pub pattern: String,
    /// What is wrong with it.
    pub message: String,
    /// Where in the regular expression made of it, in characters, if that is known.
    pub offset: Option<usize>,
}

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "date pattern `{}`: {}", self.pattern, self.message)
    }
}

impl std::error::Error for DateError {}

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    /// How fail2ban names it; two templates of one name are an error.
    pub(super) name: String,
    pub(super) regex: Arc<Regex>,
    /// Expressions of which one matches wherever it does, if they tell of a line sooner that it has no such date.
    pub(super) ways: Vec<Arc<Regex>>,
    /// It can match at one end of the line only.
    pub(super) anchored: bool,
    /// How much a hit counts when templates compete.
    pub(super) weight: f64,
    pub(super) kind: Kind,
    /// What the user wrote, or the built-in format; empty for the special words.
    pub(super) source: String,
}

/// How the groups of a template become a time.
#[derive(Debug)]
pub(super) enum Kind {
    /// Fields of a calendar date, in the order of their groups.
    Calendar(Vec<(Field, usize)>),
    /// A number of seconds; the long form tells its unit by its length.
    Epoch {
        long: bool,
        group: usize,
        /// The match counts from this group on: what stands before it is context.
        begins_at: usize,
    },
    /// A TAI64N label.
    Tai64n,
}

/// What a template is made of before it is compiled; two with equal names never meet in one detector.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    regex: String,
    ways: Vec<String>,
    anchored: bool,
    weight: f64,
    shape: Shape,
    /// What the user wrote.
    source: String,
}

#[derive(Debug)]
enum Shape {
    Calendar,
    Epoch {
        long: bool,
        group: usize,
        begins_at: usize,
    },
    Tai64n,
}

impl Draft {
    /// A template for one line of `datepattern`, whatever kind it turns out to be.
    pub(super) fn of_pattern(pattern: &str, start_year: i32) -> Result<Self, DateError> {
        let key = word_key(pattern);
        if key.contains("EPOCH") {
            if has_word(pattern, &["{EPOCH}", "{LEPOCH}"]) {
                return Ok(Self::epoch_inside(pattern, key.contains("LEPOCH")));
            }
            if let Some((anchored, word)) = split_anchor(&key)
                && matches!(word, "EPOCH" | "LEPOCH")
            {
                return Ok(Self::epoch(anchored, word == "LEPOCH"));
            }
        }
        match split_anchor(&key) {
            Some((anchored, "TAI64N")) => Ok(Self::tai64n(anchored)),
            Some((_, "ISO8601")) => {
                // Documented by fail2ban and not supported there: the word means the format it names.
                let at = pattern.len() - "ISO8601".len();
                let named = format!("{}{}", &pattern[..at], super::defaults::ISO8601);
                Self::calendar(&named, start_year)
            }
            _ => Self::calendar(pattern, start_year),
        }
    }

    /// A calendar template.
    pub(super) fn calendar(pattern: &str, start_year: i32) -> Result<Self, DateError> {
        let fail = |message| DateError {
            pattern: pattern.to_owned(),
            message,
            offset: None,
        };
        let (left, right, rest) = split_bounds(pattern);
        let Expanded { regex, name } = expand(rest, start_year).map_err(fail)?;
        let shape = Shape::Calendar;
        Ok(Self::assemble(name, &regex, left, right, shape, pattern))
    }

    pub(super) fn epoch(anchored: bool, long: bool) -> Self {
        let name = if long { "LongEpoch" } else { "Epoch" };
        let number = if long { epoch::LONG } else { epoch::PLAIN };
        if anchored {
            let shape = Shape::Epoch {
                long,
                group: 1,
                begins_at: 0,
            };
            return Self::assemble(
                name.to_owned(),
                &format!("({number})"),
                Left::Line,
                true,
                shape,
                name,
            );
        }
        // At the beginning of the line, perhaps in brackets, or as the audit system writes it. The places are part of
        // the expression, not looked back at, so that an automaton can follow; the match counts from the number on.
        let places = [r"\baudit\(", r"^\[?"];
        let behind = |place: &str| {
            let shape = Shape::Epoch {
                long,
                group: 1,
                begins_at: 1,
            };
            let regex = format!("{place}({number})");
            Self::assemble(name.to_owned(), &regex, Left::Free, true, shape, name)
        };
        // In the middle of a line only one of them can stand, and that holds a text which few lines do.
        let ways = places.map(|place| behind(place).regex);
        let mut draft = behind(&format!("(?:{})", places.join("|")));
        draft.ways.extend(ways);
        draft
    }

    /// A pattern of the user's own around a number.
    fn epoch_inside(pattern: &str, long: bool) -> Self {
        let number = format!("({})", if long { epoch::LONG } else { epoch::PLAIN });
        let regex = format!(
            "({})",
            replace_word(pattern, &["{EPOCH}", "{LEPOCH}"], &number)
        );
        let shape = Shape::Epoch {
            long,
            group: 2,
            begins_at: 0,
        };
        Self::assemble(pattern.to_owned(), &regex, Left::Word, true, shape, pattern)
    }

    pub(super) fn tai64n(anchored: bool) -> Self {
        let left = if anchored { Left::Line } else { Left::Free };
        Self::assemble(
            "TAI64N".to_owned(),
            tai64::LABEL,
            left,
            true,
            Shape::Tai64n,
            "TAI64N",
        )
    }

    fn assemble(
        mut name: String,
        regex: &str,
        left: Left,
        right: bool,
        shape: Shape,
        source: &str,
    ) -> Self {
        let bounded = bound(regex, left, right);
        if bounded.line_begin_added && !name.starts_with(LINE_BEGIN) {
            name.insert_str(0, LINE_BEGIN);
        }
        Self {
            name,
            regex: bounded.regex,
            ways: Vec::new(),
            anchored: bounded.anchored,
            weight: 1.0,
            shape,
            source: source.to_owned(),
        }
    }

    pub(super) fn with_weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// The expression, before groups without a name get one.
    pub(super) fn into_regex(self) -> String {
        self.regex
    }

    pub(super) fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// Compiles the expression.
    pub(super) fn compile(self) -> Result<Template, DateError> {
        let fail = |message: String, offset| DateError {
            pattern: self.source.clone(),
            message,
            offset,
        };
        let regex = expression(name_groups(&self.regex, NEEDED_GROUPS))
            // The place must be one in the expression without our names.
            .map_err(|named| Regex::new(&self.regex, false).err().unwrap_or(named))
            .map_err(|error| fail(error.message.clone(), Some(error.offset)))?;
        let groups = regex.group_names().len();
        let kind = match self.shape {
            Shape::Calendar => Kind::Calendar(
                regex
                    .group_names()
                    .iter()
                    .enumerate()
                    .filter_map(|(index, name)| Some((Field::of_group(name.as_deref()?)?, index)))
                    .collect(),
            ),
            Shape::Epoch {
                long,
                group,
                begins_at,
            } => {
                if group >= groups {
                    return Err(fail("the number has no group of its own".to_owned(), None));
                }
                Kind::Epoch {
                    long,
                    group,
                    begins_at,
                }
            }
            Shape::Tai64n => Kind::Tai64n,
        };
        if groups < 2 {
            return Err(fail(
                "it has no group 1, which is what is cut out of the line".to_owned(),
                None,
            ));
        }
        let ways = self.ways.into_iter().map(expression);
        Ok(Template {
            ways: ways
                .collect::<Result<_, _>>()
                .map_err(|error| fail(error.message, None))?,
            name: self.name,
            regex,
            anchored: self.anchored,
            weight: self.weight,
            source: match kind {
                Kind::Calendar(_) => self.source,
                Kind::Epoch { .. } | Kind::Tai64n => String::new(),
            },
            kind,
        })
    }
}

/// The text that words are looked up by: upper case, unless the pattern has directives.
pub(super) fn word_key(pattern: &str) -> String {
    if pattern.contains('%') {
        pattern.to_owned()
    } else {
        pattern.to_ascii_uppercase()
    }
}

/// `^WORD`, `{^LN-BEG}WORD` or the word alone: whether it is anchored, and the word.
fn split_anchor(key: &str) -> Option<(bool, &str)> {
    let anchored = key
        .strip_prefix(LINE_BEGIN)
        .or_else(|| key.strip_prefix('^'));
    Some(anchored.map_or((false, key), |word| (true, word))).filter(|(_, word)| !word.is_empty())
}

fn split_bounds(pattern: &str) -> (Left, bool, &str) {
    if let Some(rest) = pattern.strip_prefix(UNBOUND) {
        (Left::Free, false, rest)
    } else if let Some(rest) = pattern.strip_prefix(LINE_BEGIN) {
        (Left::Line, true, rest)
    } else {
        (Left::Word, true, pattern)
    }
}

/// A pattern without the words in front that ask for boundaries.
pub(super) fn without_bounds(pattern: &str) -> &str {
    let pattern = pattern.strip_prefix(UNBOUND).unwrap_or(pattern);
    pattern.strip_prefix(LINE_BEGIN).unwrap_or(pattern)
}

/// Whether one of the words stands in the pattern, whatever its case and not behind a backslash.
fn has_word(pattern: &str, words: &[&str]) -> bool {
    find_word(pattern, words, 0).is_some()
}

fn find_word(pattern: &str, words: &[&str], from: usize) -> Option<(usize, usize)> {
    (from..pattern.len()).find_map(|at| {
        let fits = |word: &&&str| {
            pattern
                .as_bytes()
                .get(at..at + word.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()))
        };
        let word = words.iter().find(fits)?;
        (at == 0 || pattern.as_bytes()[at - 1] != b'\\').then_some((at, word.len()))
    })
}

/// Puts `text` in place of each of the words.
pub(super) fn replace_word(pattern: &str, words: &[&str], text: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    while let Some((at, length)) = find_word(pattern, words, from) {
        out.push_str(&pattern[from..at]);
        out.push_str(text);
        from = at + length;
    }
    out + &pattern[from..]
}
