//! The expressions of a jail with the places where they stand.

use base::Origin;
use conf::FilterSpec;
use detect::{Risk, Rule, RulePart, Search};

/// One expression.
#[derive(Clone, Debug)]
pub struct CheckedRegex {
    /// `prefregex`, `failregex` or `ignoreregex`.
    pub option: &'static str,
    /// Its place in the list, from 1.
    pub number: usize,
    /// Where it stands, and its text there.
    pub origin: Option<Origin>,
    /// How it is searched for.
    pub search: Search,
    /// What it holds beyond plain sets, repetitions and alternatives.
    pub constructs: Vec<&'static str>,
    /// How an attacker might use it.
    pub risks: Vec<Risk>,
}

pub(super) fn of(rule: &Rule, filter: &FilterSpec) -> Vec<CheckedRegex> {
    let reviewed = rule.review().into_iter();
    let checked = reviewed.filter_map(|one| {
        let (option, number, value) = match one.part {
            RulePart::Prefregex => ("prefregex", 0, filter.prefregex.as_ref()),
            RulePart::Failregex(n) => ("failregex", n, filter.failregex.get(n)),
            RulePart::Ignoreregex(n) => ("ignoreregex", n, filter.ignoreregex.get(n)),
            RulePart::Datepattern | RulePart::Logtimezone => return None,
        };
        Some(CheckedRegex {
            option,
            number: number + 1,
            origin: value.map(|value| value.origin.clone()),
            search: one.search,
            constructs: one.constructs,
            risks: one.risks,
        })
    });
    checked.collect()
}
