//! Recorded configuration trees and what fail2ban's client makes of them, against the specs that jails are made of. The
//! stream of commands itself is judged by `cargo xtask conform`.
//!
//! The cases lie outside of the repository, in `../shared` next to the workspace; without them the test says so and
//! passes. What fail2ban does and we on purpose do not is told by the rules of `accepted`, never by case ids.

#![expect(clippy::unwrap_used, reason = "a panic of a test is its report")]

#[path = "cases/facts.rs"]
mod facts;
#[path = "cases/glob.rs"]
mod glob;
#[path = "cases/recorded.rs"]
mod recorded;
#[path = "cases/stock.rs"]
mod stock;

use base::Diagnostic;
use conf::{Choice, Manner, Tree, load};
use facts::{Facts, Jail};
use recorded::{Case, ROOT};
use std::collections::BTreeMap;
use std::path::Path;

/// Why a difference is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Accepted {
    /// One fault stops the whole of fail2ban and costs us one jail or one line (behaviour §11, 2).
    FaultIsolated,
    /// A value that cannot be used is replaced, and that is said (behaviour §11, 18).
    Replaced,
    /// References that fail2ban cannot follow (behaviour §11, 3 and 4; `known/` of `[Init]` numbers).
    ReferenceFollowed,
    /// A file that is not UTF-8 is read all the same, and that is said.
    BytesRead,
    /// 1.0.2 does not yet give an argument to the conditional twin (contract 23).
    ConditionalTwin,
}

#[test]
fn master_is_understood_alike() {
    judge("master");
}

#[test]
fn debian_is_understood_alike() {
    judge("debian-1.0.2");
}

fn judge(label: &str) {
    let Some(cases) = recorded::cases(label) else {
        println!("SKIPPED: no configuration cases of {label} beside the workspace");
        return;
    };
    let mut failed = Vec::new();
    let mut excused: BTreeMap<Accepted, u32> = BTreeMap::new();
    for case in &cases {
        let (differences, said) = differences(case);
        for difference in differences {
            match accepted(label, case, &difference, &said) {
                Some(why) => *excused.entry(why).or_default() += 1,
                None => failed.push(format!("{}: {difference}", case.id)),
            }
        }
    }
    println!("{label}: {} cases, excused: {excused:?}", cases.len());
    assert!(
        failed.is_empty(),
        "{} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// One thing that is not alike.
enum Difference {
    /// fail2ban refuses the whole configuration, and we say nothing.
    FaultUnnoticed,
    /// fail2ban refuses the whole configuration, we said what is wrong and kept the rest.
    FaultKeptSmall,
    /// A jail is given by one of both only.
    Missing { jail: String, ours: bool },
    /// A fact about a jail.
    Fact {
        key: String,
        theirs: String,
        ours: String,
    },
}

/// What differs, and what our reader said.
fn differences(case: &Case) -> (Vec<Difference>, Vec<Diagnostic>) {
    let tree = Tree::find(&case.files, Some(Path::new(ROOT)), Manner::Fail2ban);
    let (config, found) = load(&case.files, &tree, Choice::Enabled);
    let of_jails = config.broken.iter().map(|(_, fault)| fault.clone());
    let said: Vec<Diagnostic> = found.into_iter().chain(of_jails).collect();
    if case.refused_whole() {
        let difference = if said.is_empty() {
            Difference::FaultUnnoticed
        } else {
            Difference::FaultKeptSmall
        };
        return (vec![difference], said);
    }
    let theirs = Facts::of_commands(&case.commands);
    let ours = Facts::of_config(&config, &case.paths());
    (compare(&theirs, &ours), said)
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FaultUnnoticed => f.write_str("a fault is not noticed"),
            Self::FaultKeptSmall => f.write_str("a fault costs less"),
            Self::Missing { jail, ours } => {
                let whose = if *ours { "only ours" } else { "only theirs" };
                write!(f, "jail '{jail}' is {whose}")
            }
            Self::Fact { key, theirs, ours } => {
                write!(f, "{key}: theirs {theirs:?}, ours {ours:?}")
            }
        }
    }
}

fn compare(theirs: &Facts, ours: &Facts) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (name, jail) in &theirs.jails {
        match ours.jails.get(name) {
            None => differences.push(Difference::Missing {
                jail: name.clone(),
                ours: false,
            }),
            Some(our) => compare_jail(jail, our, &mut differences),
        }
    }
    let more = ours
        .jails
        .keys()
        .filter(|name| !theirs.jails.contains_key(*name));
    differences.extend(more.map(|name| Difference::Missing {
        jail: name.clone(),
        ours: true,
    }));
    differences
}

fn compare_jail(theirs: &Jail, ours: &Jail, differences: &mut Vec<Difference>) {
    let keys = theirs.keys().chain(ours.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let show = |jail: &Jail| jail.get(key).cloned().unwrap_or_default();
        let (theirs, ours) = (show(theirs), show(ours));
        if theirs != ours {
            differences.push(Difference::Fact {
                key: key.clone(),
                theirs,
                ours,
            });
        }
    }
}

fn accepted(
    label: &str,
    case: &Case,
    difference: &Difference,
    said: &[Diagnostic],
) -> Option<Accepted> {
    let is_said = |part: &str| said.iter().any(|fault| fault.message.contains(part));
    let is_text = |part: &str| case.texts.iter().any(|(_, text)| text.contains(part));
    match difference {
        Difference::FaultKeptSmall => Some(Accepted::FaultIsolated),
        Difference::FaultUnnoticed => is_text("%(known/").then_some(Accepted::ReferenceFollowed),
        _ if is_said("is not UTF-8") => Some(Accepted::BytesRead),
        Difference::Missing { .. } => None,
        Difference::Fact { key, .. } if key.contains("?family=") && label != "master" => {
            Some(Accepted::ConditionalTwin)
        }
        Difference::Fact { key, theirs, ours } => {
            let is_unusable = match key.as_str() {
                "bantime" | "findtime" => {
                    base::parse_duration(theirs).is_err() && is_said(&format!("{key} "))
                }
                "maxretry" => theirs.is_empty() && is_said("maxretry = "),
                "usedns" => is_said("usedns = "),
                "addlogpath" => is_said("neither head nor tail"),
                _ => false,
            };
            let is_below_zero = key == "maxretry" && theirs.starts_with('-') && ours == "0";
            (is_unusable || is_below_zero).then_some(Accepted::Replaced)
        }
    }
}
