//! What has to come next, where that is plain to see: most that a backtracker tries is tried in vain for want of one
//! character.

use super::{CharTest, Inst, Whole};
use crate::pyre::chars::CharSet;
use std::sync::Arc;

/// Sets of more ranges are not put together: of thousands of alternatives each would hold what all behind it may begin with.
const MAX_RANGES: usize = 2_000;

/// For each instruction the characters of which one has to come there, if there is to be a match; none where that is not
/// known, or where the text may end. Notes which repetitions never give anything back because of that.
pub(super) fn find(insts: &mut [Inst]) -> Vec<Option<CharTest>> {
    let needs = needs(insts);
    for inst in insts {
        if let Inst::Run {
            test,
            next,
            gives_back,
            ..
        } = inst
        {
            let may_come = |needed: &CharTest| needed.set.meets(&test.set);
            *gives_back = needs[*next].as_ref().is_none_or(may_come);
        }
    }
    needs
}

fn needs(insts: &[Inst]) -> Vec<Option<CharTest>> {
    let mut needs: Vec<Option<CharTest>> = vec![None; insts.len()];
    // Ways lead forward, but for those from the end of a loop back to its head, of which nothing is said.
    for (index, inst) in insts.iter().enumerate().rev() {
        let next = index + 1;
        let at = |inst: usize| needs.get(inst).cloned().flatten().filter(|_| inst > index);
        needs[index] = match inst {
            Inst::Char(test) => Some(test.clone()),
            Inst::Run {
                test, min: 0, next, ..
            } => either(Some(test.clone()), at(*next)),
            Inst::Run { test, .. } => Some(test.clone()),
            Inst::Split(first, second) => either(at(*first), at(*second)),
            Inst::Conditional { no, .. } => either(at(next), at(*no)),
            Inst::Loop { lazy, exit, .. } => either(at(next + usize::from(*lazy)), at(*exit)),
            Inst::Jump(target) => at(*target),
            Inst::LoopAgain { body, .. } => at(*body),
            Inst::Save(_)
            | Inst::LoopStart(_)
            | Inst::Assert(_)
            | Inst::Whole {
                kind: Whole::Atomic,
                ..
            } => at(next),
            // A look-around takes nothing.
            Inst::Whole { exit, .. } => at(*exit),
            Inst::Backref { .. } | Inst::End => None,
        };
    }
    needs
}

fn either(one: Option<CharTest>, other: Option<CharTest>) -> Option<CharTest> {
    let (one, other) = (one?, other?);
    let ranges = [one.set.ranges(), other.set.ranges()].concat();
    (ranges.len() <= MAX_RANGES).then(|| CharTest::new(&Arc::new(CharSet::new(ranges))))
}
