//! From the tree to the backtracker's instructions. Counted repetitions stay counts, so this never grows large.

use super::{CharTest, Inst, Whole};
use crate::pyre::ast::{Kind, Node, Pattern};
use crate::pyre::chars::CharSet;
use std::sync::Arc;

/// The instructions of a pattern, and how many counters they use.
pub(super) fn compile(pattern: &Pattern) -> (Vec<Inst>, usize) {
    let mut compiler = Compiler {
        insts: Vec::new(),
        counters: 0,
    };
    compiler.node(&pattern.root);
    compiler.insts.push(Inst::End);
    (compiler.insts, compiler.counters)
}

struct Compiler {
    insts: Vec<Inst>,
    counters: usize,
}

impl Compiler {
    /// Leaves room for an instruction whose targets are not known yet.
    fn later(&mut self) -> usize {
        self.insts.push(Inst::End);
        self.insts.len() - 1
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Empty => {}
            Node::Set(set) => self.insts.push(Inst::Char(CharTest::new(set))),
            Node::Concat(items) => items.iter().for_each(|item| self.node(item)),
            Node::Alternate(items) => self.alternate(items),
            Node::Capture(group, body) => {
                self.insts.push(Inst::Save(2 * group));
                self.node(body);
                self.insts.push(Inst::Save(2 * group + 1));
            }
            Node::Repeat {
                min,
                max,
                kind,
                body,
            } => self.repeat(*min, *max, *kind, body),
            Node::Look {
                ahead,
                negative,
                width,
                body,
            } => {
                let negative = *negative;
                let kind = if *ahead {
                    Whole::Ahead { negative }
                } else {
                    Whole::Behind {
                        negative,
                        width: *width,
                    }
                };
                self.whole(kind, |this| this.node(body));
            }
            Node::Backref { group, ignore_case } => {
                self.insts.push(Inst::Backref {
                    group: *group,
                    ignore_case: *ignore_case,
                });
            }
            Node::Conditional { group, yes, no } => {
                let choice = self.later();
                self.node(yes);
                let skip = self.later();
                self.insts[choice] = Inst::Conditional {
                    group: *group,
                    no: self.insts.len(),
                };
                self.node(no);
                self.insts[skip] = Inst::Jump(self.insts.len());
            }
            Node::Atomic(body) => self.whole(Whole::Atomic, |this| this.node(body)),
            Node::Assert(assertion) => self.insts.push(Inst::Assert(*assertion)),
        }
    }

    fn alternate(&mut self, items: &[Node]) {
        let mut ends = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if index + 1 == items.len() {
                self.node(item);
                break;
            }
            let split = self.later();
            self.node(item);
            ends.push(self.later());
            self.insts[split] = Inst::Split(split + 1, self.insts.len());
        }
        let after = self.insts.len();
        ends.into_iter()
            .for_each(|end| self.insts[end] = Inst::Jump(after));
    }

    fn repeat(&mut self, min: u32, max: Option<u32>, kind: Kind, body: &Node) {
        if kind == Kind::Possessive {
            return self.whole(Whole::Atomic, |this| {
                this.repeat(min, max, Kind::Greedy, body)
            });
        }
        let (max, lazy) = (max.unwrap_or(u32::MAX), kind == Kind::Lazy);
        if let Some((guard, set)) = guarded(body) {
            let run = self.later();
            if let Some(guard) = guard {
                self.node(guard);
            }
            self.insts[run] = Inst::Run {
                test: CharTest::new(set),
                min,
                max,
                lazy,
                guard: guard.map(|_| run + 1),
                next: self.insts.len(),
                gives_back: true,
            };
            return;
        }
        if (min, max) == (0, 1) {
            let choice = self.later();
            self.node(body);
            let (body, exit) = (choice + 1, self.insts.len());
            self.insts[choice] = match lazy {
                true => Inst::Split(exit, body),
                false => Inst::Split(body, exit),
            };
            return;
        }
        let counter = self.counters;
        self.counters += 1;
        self.insts.push(Inst::LoopStart(counter));
        let head = self.later();
        let again = self.insts.len();
        if lazy {
            // Mandatory iterations are counted by the head; only further ones come through here.
            self.insts.push(Inst::LoopAgain {
                counter,
                body: again + 1,
            });
        }
        self.node(body);
        self.insts.push(Inst::Jump(head));
        self.insts[head] = Inst::Loop {
            counter,
            min,
            max,
            lazy,
            exit: self.insts.len(),
        };
    }

    fn whole(&mut self, kind: Whole, body: impl FnOnce(&mut Self)) {
        let start = self.later();
        body(self);
        self.insts.push(Inst::End);
        self.insts[start] = Inst::Whole {
            kind,
            exit: self.insts.len(),
        };
    }
}

/// The set of which `body` takes one character, and what it looks at before, if there is nothing else in it.
fn guarded(body: &Node) -> Option<(Option<&Node>, &Arc<CharSet>)> {
    match body {
        Node::Set(set) => Some((None, set)),
        Node::Concat(items) => match &items[..] {
            // A positive look-around could capture something.
            [guard @ Node::Look { negative: true, .. }, Node::Set(set)] => Some((Some(guard), set)),
            _ => None,
        },
        _ => None,
    }
}
