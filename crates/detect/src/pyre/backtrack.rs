//! Placeholder.
use super::Outcome;
use super::ast::Pattern;
#[derive(Debug)]
pub(super) struct Backtracker;
#[derive(Debug, Default)]
pub(super) struct Cache;
impl Backtracker {
    pub(super) fn new(_pattern: &Pattern) -> Self {
        Self
    }
    pub(super) fn search(
        &self,
        _cache: &mut Cache,
        _text: &str,
        _slots: Option<&mut Vec<Option<usize>>>,
    ) -> Outcome {
        Outcome::OverBudget
    }
}
