//! What can be said of a compiled filter before it meets a line: how each expression is searched, and which of them an
//! attacker may turn against others.
//!
//! Nothing here changes how a line is judged. A risk is told from the expression alone; whether an attacker's text
//! really comes to stand where it would do harm, only the service that writes the log decides.

use crate::pyre::{Engine, FreeText, Regex, Shape};
use crate::rule::{Pattern, Rule, RulePart};
use std::fmt;

/// Whom the examples ban.
const INNOCENT: &str = "192.0.2.9";
/// Groups that say whom a line is about.
const ADDRESSES: [&str; 4] = ["fid", "ip4", "ip6", "dns"];

/// One expression of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// Which one.
    pub part: RulePart,
    /// How it is searched for.
    pub search: Search,
    /// What it holds beyond plain sets, repetitions and alternatives.
    pub constructs: Vec<&'static str>,
    /// How an attacker might use it.
    pub risks: Vec<Risk>,
}

/// How an expression is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// One automaton, in time linear in the line.
    Linear,
    /// The same; its look-arounds and conditionals have become states of the automaton.
    LinearProduct,
    /// By trying, under a budget of steps, and why.
    Backtracking(&'static str),
}

/// What an attacker might do with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Risk {
    /// It may begin anywhere in the line.
    Unanchored {
        /// A text that it takes for the whole line.
        example: String,
    },
    /// Free text stands before the place that counts.
    FreeText {
        /// The piece, as one would write it.
        piece: String,
        /// The named group around it, in lower case.
        group: Option<String>,
        /// It takes as much as it can, also of what stands behind the address.
        greedy: bool,
        /// It moves the beginning of `<F-CONTENT>` instead of an address.
        content: bool,
        /// A text that moves that place: for a greedy piece behind it, else within the piece.
        example: String,
    },
    /// A longer host name may begin with what is read as the address.
    OpenEnd,
    /// It refers back to a group.
    Backreference,
}

impl Risk {
    /// A word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unanchored { .. } => "unanchored",
            Self::FreeText { .. } => "free-text",
            Self::OpenEnd => "open-end",
            Self::Backreference => "back-reference",
        }
    }

    /// What an attacker could write.
    pub fn example(&self) -> Option<String> {
        match self {
            Self::Unanchored { example } | Self::FreeText { example, .. } => Some(example.clone()),
            Self::OpenEnd => Some(format!("{INNOCENT}.example.net")),
            Self::Backreference => None,
        }
    }
}

/// One sentence for people, without a full stop.
impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanchored { example } => write!(
                f,
                "not bound to the beginning (^): whoever gets \"{example}\" into any line of the log, in a name or a \
                 request, has {INNOCENT} banned"
            ),
            Self::FreeText {
                piece,
                group,
                greedy,
                content,
                example,
            } => {
                write!(f, "{piece}")?;
                if let Some(group) = group {
                    write!(f, " in <F-{}>", group.to_ascii_uppercase())?;
                }
                match (content, greedy) {
                    (true, _) => write!(
                        f,
                        " stands before <F-CONTENT>: \"{example}\" in the line makes the content begin there"
                    ),
                    (false, true) => write!(
                        f,
                        " takes as much as it can, and nothing fixes the address from the end: \"{example}\" behind \
                         the address has {INNOCENT} banned"
                    ),
                    (false, false) => write!(
                        f,
                        " takes any text before the address, and nothing fixes the address from the end: \
                         \"{example}\" in it has {INNOCENT} banned"
                    ),
                }
            }
            Self::OpenEnd => write!(
                f,
                "nothing ends the address: where the log holds host names, \"{INNOCENT}.example.net\" is read as \
                 {INNOCENT}"
            ),
            Self::Backreference => f.write_str(
                "a back-reference: a line made long on purpose can use up the budget of steps, and is not counted then",
            ),
        }
    }
}

impl Rule {
    /// Every expression in the order of the filter: prefregex, failregexes, ignoreregexes.
    pub fn review(&self) -> Vec<Reviewed> {
        let mut all = Vec::new();
        if let Some(prefix) = &self.prefix {
            let targets = ["content", "fid", "ip4", "ip6", "dns"];
            all.push(reviewed(RulePart::Prefregex, &prefix.regex, &targets));
        }
        let fail = self.fail.iter().enumerate();
        all.extend(fail.map(|(index, Pattern { regex, .. })| {
            reviewed(RulePart::Failregex(index), regex, &ADDRESSES)
        }));
        let ignore = self.ignore.iter().enumerate();
        all.extend(ignore.map(|(index, regex)| reviewed(RulePart::Ignoreregex(index), regex, &[])));
        all
    }

    /// The names of the filter's own date patterns that are searched by trying, because they hold a back-reference.
    pub fn backtracking_dates(&self) -> Vec<String> {
        let names = self.dates.backtracking().into_iter();
        names.map(str::to_owned).collect()
    }
}

fn reviewed(part: RulePart, regex: &Regex, targets: &[&str]) -> Reviewed {
    let shape = regex.shape(targets);
    let search = match regex.engine() {
        Engine::Linear if shape.constructs.is_empty() => Search::Linear,
        Engine::Linear => Search::LinearProduct,
        Engine::Backtracking(why) => Search::Backtracking(why),
    };
    Reviewed {
        part,
        search,
        risks: risks(&shape),
        constructs: shape.constructs,
    }
}

fn risks(shape: &Shape) -> Vec<Risk> {
    let mut risks = Vec::new();
    let first = shape.targets.first();
    if let Some(target) = first.filter(|_| !shape.anchored) {
        // Of a prefregex it is what comes in front of the content that matters, and there it ends.
        let end = if target.name == "content" {
            ""
        } else {
            INNOCENT
        };
        risks.push(Risk::Unanchored {
            example: format!("{}{end}", target.lead),
        });
    }
    let free = shape
        .targets
        .iter()
        .find_map(|target| Some((target, target.free.as_ref()?)));
    if let Some((target, free)) = free {
        let FreeText {
            piece,
            group,
            greedy,
            joint,
        } = free.clone();
        let content = target.name == "content";
        let end = if content { "" } else { INNOCENT };
        risks.push(Risk::FreeText {
            piece,
            group,
            greedy,
            content,
            example: format!("{}{joint}{end}", if greedy { "" } else { "x" }),
        });
    }
    if shape
        .targets
        .iter()
        .any(|target| target.name == "ip4" && target.open_end)
    {
        risks.push(Risk::OpenEnd);
    }
    if shape.constructs.contains(&"back-reference") {
        risks.push(Risk::Backreference);
    }
    risks
}

#[cfg(test)]
mod tests;
