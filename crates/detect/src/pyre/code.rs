//! From the tree to instructions: one flat program for each pattern, over an alphabet that all of them share.
//!
//! Everything that looks at the text around a position has become one of three instructions: a question about the
//! characters just before (`Behind`), about the next character (`Peek`, only inside look-aheads), or a look-ahead that
//! runs beside the main thread from here on (`Spawn`). `product` makes an automaton of them.

use super::alphabet::{Alphabet, ByteSet};
use super::ast::{Assertion, Kind, Node};
use super::behind::{self, Behinds};
use super::chars::{Category, CharSet, category};
use crate::hash::QuickMap;
use std::sync::Arc;

/// Programs longer than this are not built: the backtracker, which keeps counted repetitions as counts, takes over.
const MAX_INSTRUCTIONS: usize = 60_000;

/// One step; unless it says otherwise, the next instruction follows.
#[derive(Clone, Debug)]
pub(super) enum Inst {
    /// Consumes a letter of the set with this index.
    Set(usize),
    /// Tries the targets in order.
    Split(Vec<usize>),
    Jump(usize),
    /// Notes the position in a slot.
    Mark(usize),
    /// A group that a conditional asks for has matched.
    Done(u32),
    /// Goes on only if the look-behind of this bit holds (or does not).
    Behind {
        bit: u32,
        negative: bool,
    },
    /// Goes on only if the next letter is in the set (or is not, or there is none).
    Peek {
        set: usize,
        negative: bool,
    },
    /// Goes on only at the end of the text.
    End,
    /// Starts the look-ahead at `start` beside this thread.
    Spawn {
        start: usize,
        negative: bool,
    },
    /// Chooses by whether a group has matched.
    Conditional {
        bit: u32,
        yes: usize,
        no: usize,
    },
    /// Forgets that an iteration of this loop has just begun.
    LoopClear(u32),
    /// An optional iteration of this loop begins.
    LoopEnter(u32),
    /// Leaves the loop if its last iteration consumed nothing.
    LoopTest {
        bit: u32,
        exit: usize,
    },
    /// What follows sees a text that begins here.
    Restart,
    /// The look-ahead holds.
    Accept,
    /// The pattern matches.
    Match,
    /// Nothing matches.
    Fail,
}

/// The program of one pattern; it starts at its first instruction.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) insts: Vec<Inst>,
    pub(super) behinds: Behinds,
}

/// The programs of several patterns.
#[derive(Debug)]
pub(super) struct Compiled<C> {
    pub(super) codes: Vec<C>,
    /// What the instructions call sets by their index.
    pub(super) sets: Vec<ByteSet>,
    pub(super) alphabet: Alphabet,
}

/// Why a pattern has no automaton.
pub(super) type Unsupported = &'static str;

/// What to compile: a tree, and which groups are reported (in slots 2, 3 and on; 0 and 1 are the whole match).
pub(super) struct Source<'a> {
    pub(super) root: &'a Node,
    pub(super) reported: &'a [usize],
    /// Accept more than the pattern does instead of refusing what no automaton can decide.
    pub(super) approximate: bool,
}

/// Patterns of which any may match what comes behind another one: what a gate asks of a rule.
pub(super) struct Joint<'a> {
    /// What comes first; the text of the others begins where it ends. Groups and look-aheads of one part mean nothing
    /// to another.
    pub(super) before: Option<&'a Node>,
    pub(super) roots: &'a [&'a Node],
}

/// Compiles `sources`, in order of priority.
pub(super) fn compile(sources: &[Source<'_>]) -> Result<Compiled<Code>, Unsupported> {
    let mut collected = Sets::default();
    let compile = |source| -> Result<Code, Unsupported> {
        let mut code = Code::default();
        Compiler::new(source, &mut code, &mut collected).pattern()?;
        Ok(code)
    };
    let codes = sources.iter().map(compile).collect::<Result<_, _>>()?;
    collected.finish(codes)
}

/// Compiles what is approximately each of `joints`: it accepts no less. One that has no program costs the others nothing.
pub(super) fn compile_joints(
    joints: &[Joint<'_>],
) -> Result<Compiled<Result<Code, Unsupported>>, Unsupported> {
    let mut collected = Sets::default();
    let compile = |joint| {
        let mut code = Code::default();
        self::joint(joint, &mut code, &mut collected).map(|()| code)
    };
    let codes = joints.iter().map(compile).collect();
    collected.finish(codes)
}

fn joint(joint: &Joint<'_>, code: &mut Code, sets: &mut Sets) -> Result<(), Unsupported> {
    if let Some(before) = joint.before {
        part(before, Inst::Restart, code, sets)?;
    }
    let split = code.insts.len();
    code.insts.push(Inst::Fail);
    let mut starts = Vec::with_capacity(joint.roots.len());
    for root in joint.roots {
        starts.push(code.insts.len());
        part(root, Inst::Match, code, sets)?;
    }
    code.insts[split] = Inst::Split(starts);
    Ok(())
}

/// A search for `root` and what comes then; exactly, if that can be.
fn part(root: &Node, then: Inst, code: &mut Code, sets: &mut Sets) -> Result<(), Unsupported> {
    let start = code.insts.len();
    let mut compile = |approximate| {
        code.insts.truncate(start);
        let source = Source {
            root,
            reported: &[],
            approximate,
        };
        let mut compiler = Compiler::new(&source, code, sets);
        compiler.search()?;
        compiler.push(then.clone()).map(drop)
    };
    compile(false).or_else(|_| compile(true))
}

/// The sets of a program, each once.
#[derive(Default)]
pub(super) struct Sets {
    list: Vec<Arc<CharSet>>,
    index: QuickMap<Arc<CharSet>, usize>,
    /// By address: most sets are shared, and some are long. They are held, so that no other gets their address.
    known: QuickMap<*const CharSet, (Arc<CharSet>, usize)>,
}

impl Sets {
    pub(super) fn add(&mut self, set: &Arc<CharSet>) -> usize {
        let address = Arc::as_ptr(set);
        if let Some(&(_, index)) = self.known.get(&address) {
            return index;
        }
        let index = *self.index.entry(Arc::clone(set)).or_insert_with(|| {
            self.list.push(Arc::clone(set));
            self.list.len() - 1
        });
        self.known.insert(address, (Arc::clone(set), index));
        index
    }

    /// Makes letters of the sets.
    fn finish<C>(self, codes: Vec<C>) -> Result<Compiled<C>, Unsupported> {
        let (alphabet, sets) = Alphabet::new(&self.list)
            .ok_or("the pattern tells too many classes of characters apart")?;
        Ok(Compiled {
            codes,
            sets,
            alphabet,
        })
    }
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Main,
    /// In a look-ahead; `tail` when nothing follows the node there.
    Ahead {
        tail: bool,
        negative: bool,
    },
}

struct Compiler<'a, 'c> {
    source: &'a Source<'a>,
    code: &'c mut Code,
    sets: &'c mut Sets,
    /// Groups that a conditional asks for; their bit is their index here.
    asked: Vec<usize>,
    /// Loops whose body can match nothing: their bits by the address of their body.
    loops: Vec<*const Node>,
}

impl<'a, 'c> Compiler<'a, 'c> {
    fn new(source: &'a Source<'a>, code: &'c mut Code, sets: &'c mut Sets) -> Self {
        let mut asked = Vec::new();
        source.root.walk(&mut |node| {
            if let Node::Conditional { group, .. } = node
                && !asked.contains(group)
            {
                asked.push(*group);
            }
        });
        Self {
            source,
            code,
            sets,
            asked,
            loops: Vec::new(),
        }
    }

    /// The whole pattern.
    fn pattern(&mut self) -> Result<(), Unsupported> {
        self.search_loop()?;
        self.push(Inst::Mark(0))?;
        self.node(self.source.root, Place::Main)?;
        self.push(Inst::Mark(1))?;
        self.push(Inst::Match)?;
        Ok(())
    }

    /// The pattern without its ends.
    fn search(&mut self) -> Result<(), Unsupported> {
        self.search_loop()?;
        self.node(self.source.root, Place::Main)
    }

    /// A search from every position, unless the pattern is anchored.
    fn search_loop(&mut self) -> Result<(), Unsupported> {
        if self.asked.len() > 32 {
            return Err("too many conditional groups");
        }
        if !self.source.root.anchored() {
            let start = self.here();
            let any = self.sets.add(&Arc::new(CharSet::all()));
            self.push(Inst::Split(vec![start + 3, start + 1]))?;
            self.push(Inst::Set(any))?;
            self.push(Inst::Jump(start))?;
        }
        Ok(())
    }

    fn here(&self) -> usize {
        self.code.insts.len()
    }

    fn push(&mut self, inst: Inst) -> Result<usize, Unsupported> {
        if self.here() >= MAX_INSTRUCTIONS {
            return Err("the automaton would be too large");
        }
        self.code.insts.push(inst);
        Ok(self.here() - 1)
    }

    fn set(&mut self, set: &Arc<CharSet>) -> Result<(), Unsupported> {
        let index = self.sets.add(set);
        self.push(Inst::Set(index)).map(drop)
    }

    fn node(&mut self, node: &Node, place: Place) -> Result<(), Unsupported> {
        match node {
            Node::Empty => Ok(()),
            Node::Set(set) => self.set(set),
            Node::Concat(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.node(
                        item,
                        if index + 1 == items.len() {
                            place
                        } else {
                            inner(place)
                        },
                    )?;
                }
                Ok(())
            }
            Node::Alternate(items) => {
                self.split(items.len(), |this, index| this.node(&items[index], place))
            }
            Node::Capture(group, body) => self.capture(*group, body, place),
            Node::Repeat {
                min,
                max,
                kind,
                body,
            } => self.repeat(*min, *max, *kind, body, inner(place)),
            Node::Look {
                ahead: true,
                negative,
                body,
                ..
            } => self.ahead(body, *negative, place),
            Node::Look {
                ahead: false,
                negative,
                body,
                ..
            } => self.behind(body, *negative),
            Node::Backref { .. } => self.inexact("it has a back-reference", |this| {
                let all = Arc::new(CharSet::all());
                let any = Node::Repeat {
                    min: 0,
                    max: None,
                    kind: Kind::Greedy,
                    body: Box::new(Node::Set(all)),
                };
                this.node(&any, inner(place))
            }),
            Node::Conditional { group, yes, no } => self.conditional(*group, yes, no, place),
            Node::Atomic(body) if rigid(body) => self.node(body, place),
            Node::Atomic(body) => {
                self.inexact("it has an atomic group", |this| this.node(body, place))
            }
            Node::Assert(assertion) => self.assertion(*assertion, place),
        }
    }

    /// What only an approximation may do.
    fn inexact(
        &mut self,
        why: Unsupported,
        instead: impl FnOnce(&mut Self) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        if self.source.approximate {
            instead(self)
        } else {
            Err(why)
        }
    }

    /// `count` alternatives in order.
    fn split(
        &mut self,
        count: usize,
        mut emit: impl FnMut(&mut Self, usize) -> Result<(), Unsupported>,
    ) -> Result<(), Unsupported> {
        let split = self.push(Inst::Fail)?;
        let (mut starts, mut ends) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for index in 0..count {
            starts.push(self.here());
            emit(self, index)?;
            if index + 1 < count {
                ends.push(self.push(Inst::Fail)?);
            }
        }
        let after = self.here();
        ends.into_iter()
            .for_each(|end| self.code.insts[end] = Inst::Jump(after));
        self.code.insts[split] = Inst::Split(starts);
        Ok(())
    }

    fn capture(&mut self, group: usize, body: &Node, place: Place) -> Result<(), Unsupported> {
        let slot = self
            .source
            .reported
            .iter()
            .position(|&reported| reported == group);
        let asked = self.asked.iter().position(|&asked| asked == group);
        if let Place::Ahead { negative, .. } = place {
            // What a negative look-ahead captures is forgotten; what a positive one captures, an automaton cannot keep.
            if asked.is_some() || (slot.is_some() && !negative) {
                self.inexact("it captures inside a look-ahead", |_| Ok(()))?;
            }
            return self.node(body, place);
        }
        if let Some(slot) = slot {
            self.push(Inst::Mark(2 * slot + 2))?;
        }
        self.node(body, place)?;
        if let Some(slot) = slot {
            self.push(Inst::Mark(2 * slot + 3))?;
        }
        if let Some(bit) = asked {
            self.push(Inst::Done(bit as u32))?;
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        kind: Kind,
        body: &Node,
        place: Place,
    ) -> Result<(), Unsupported> {
        if kind == Kind::Possessive && max != Some(min) {
            self.inexact("it has a possessive repetition", |_| Ok(()))?;
        } else if kind == Kind::Possessive && !rigid(body) {
            self.inexact("it has a possessive repetition", |_| Ok(()))?;
        }
        for _ in 0..min {
            self.node(body, place)?;
        }
        let optional = max.map(|max| max - min);
        if optional == Some(0) {
            return Ok(());
        }
        let bit = if body.nullable() {
            Some(self.loop_bit(body)?)
        } else {
            None
        };
        if let Some(bit) = bit {
            self.push(Inst::LoopClear(bit))?;
        }
        let lazy = kind == Kind::Lazy;
        let mut exits = Vec::new();
        for _ in 0..optional.unwrap_or(1) {
            let head = self.here();
            if let Some(bit) = bit {
                exits.push(self.push(Inst::LoopTest { bit, exit: 0 })?);
            }
            exits.push(self.push(Inst::Split(vec![self.here() + 1]))?);
            if let Some(bit) = bit {
                self.push(Inst::LoopEnter(bit))?;
            }
            self.node(body, place)?;
            if optional.is_none() {
                self.push(Inst::Jump(head))?;
            }
        }
        let after = self.here();
        for exit in exits {
            match &mut self.code.insts[exit] {
                Inst::LoopTest { exit, .. } => *exit = after,
                Inst::Split(targets) if lazy => targets.insert(0, after),
                Inst::Split(targets) => targets.push(after),
                _ => {}
            }
        }
        Ok(())
    }

    /// The bit of a loop; copies of one loop share it, since it only matters between two consumed characters.
    fn loop_bit(&mut self, body: &Node) -> Result<u32, Unsupported> {
        let index = match self
            .loops
            .iter()
            .position(|&known| std::ptr::eq(known, body))
        {
            Some(index) => index,
            None => {
                self.loops.push(body);
                self.loops.len() - 1
            }
        };
        if index >= 32 {
            Err("too many loops that can match nothing")
        } else {
            Ok(32 + index as u32)
        }
    }

    fn conditional(
        &mut self,
        group: usize,
        yes: &Node,
        no: &Node,
        place: Place,
    ) -> Result<(), Unsupported> {
        let mut inside = false;
        self.source.root.walk(&mut |node| {
            inside |= match node {
                Node::Capture(g, body) if *g == group => {
                    body.any(|node| matches!(node, Node::Conditional { group: asked, .. } if *asked == group))
                }
                Node::Look { body, .. } => body.any(|node| matches!(node, Node::Capture(g, _) if *g == group)),
                _ => false,
            };
        });
        let bit = self
            .asked
            .iter()
            .position(|&asked| asked == group)
            .filter(|_| !inside && place == Place::Main);
        let Some(bit) = bit else {
            return self.inexact(
                "it has a conditional that depends on an open group",
                |this| this.split(2, |this, index| this.node([yes, no][index], place)),
            );
        };
        let choice = self.push(Inst::Fail)?;
        self.node(yes, place)?;
        let skip = self.push(Inst::Fail)?;
        let no_start = self.here();
        self.node(no, place)?;
        self.code.insts[skip] = Inst::Jump(self.here());
        self.code.insts[choice] = Inst::Conditional {
            bit: bit as u32,
            yes: choice + 1,
            no: no_start,
        };
        Ok(())
    }

    fn ahead(&mut self, body: &Node, negative: bool, place: Place) -> Result<(), Unsupported> {
        if self.source.approximate && body.any(|node| !decidable(node)) {
            return Ok(());
        }
        if place == Place::Main {
            let spawn = self.push(Inst::Fail)?;
            let skip = self.push(Inst::Fail)?;
            self.node(
                body,
                Place::Ahead {
                    tail: true,
                    negative,
                },
            )?;
            self.push(Inst::Accept)?;
            self.code.insts[spawn] = Inst::Spawn {
                start: skip + 1,
                negative,
            };
            self.code.insts[skip] = Inst::Jump(self.here());
            return Ok(());
        }
        match body {
            Node::Set(set) => {
                let set = self.sets.add(set);
                self.push(Inst::Peek { set, negative }).map(drop)
            }
            body if !negative && matches!(place, Place::Ahead { tail: true, .. }) => {
                self.node(body, place)
            }
            _ => Err("it has a look-ahead inside a look-ahead"),
        }
    }

    fn behind(&mut self, body: &Node, negative: bool) -> Result<(), Unsupported> {
        let captures = body.any(|node| {
            matches!(node, Node::Capture(group, _)
            if self.source.reported.contains(group) || self.asked.contains(group))
        });
        let sequences = if captures {
            None
        } else {
            behind::sequences(body)
        };
        let Some(sequences) = sequences else {
            return self.inexact("it has a general look-behind", |_| Ok(()));
        };
        let mut bits = Vec::with_capacity(sequences.len());
        for sequence in &sequences {
            let sets = sequence.sets.iter().map(|set| self.sets.add(set)).collect();
            bits.push(
                self.code
                    .behinds
                    .add(sets, sequence.anchored)
                    .ok_or("its look-behinds are too long")?,
            );
        }
        if negative {
            for bit in bits {
                self.push(Inst::Behind { bit, negative })?;
            }
            return Ok(());
        }
        self.split(bits.len(), |this, index| {
            this.push(Inst::Behind {
                bit: bits[index],
                negative,
            })
            .map(drop)
        })
    }

    fn assertion(&mut self, assertion: Assertion, place: Place) -> Result<(), Unsupported> {
        let newline = Arc::new(CharSet::single(u32::from('\n')));
        match assertion {
            Assertion::TextStart => self.after(None, false),
            Assertion::TextEnd => self.push(Inst::End).map(drop),
            Assertion::LineStart => self.split(2, |this, index| {
                this.after((index == 1).then_some(&newline), false)
            }),
            Assertion::LineEnd => self.split(2, |this, index| match index {
                0 => this.next(&newline, false, place),
                _ => this.push(Inst::End).map(drop),
            }),
            Assertion::LastLineEnd => {
                let last = Node::Concat(vec![
                    Node::Set(Arc::clone(&newline)),
                    Node::Assert(Assertion::TextEnd),
                ]);
                self.split(2, |this, index| match index {
                    0 => this.push(Inst::End).map(drop),
                    _ => this.ahead(&last, false, place),
                })
            }
            Assertion::WordBoundary { negative, ascii } => {
                let word = category(Category::Word, ascii);
                self.split(2, |this, index| {
                    let before = index == 0;
                    this.after(Some(&word), !before)?;
                    this.next(&word, before != negative, place)
                })
            }
        }
    }

    /// The character before is (not) in `set`; without a set: there is none.
    fn after(&mut self, set: Option<&Arc<CharSet>>, negative: bool) -> Result<(), Unsupported> {
        let sets: Vec<usize> = set.map(|set| self.sets.add(set)).into_iter().collect();
        let bit = self
            .code
            .behinds
            .add(sets, set.is_none())
            .ok_or("its look-behinds are too long")?;
        self.push(Inst::Behind { bit, negative }).map(drop)
    }

    /// The next character is (not) in `set`.
    fn next(
        &mut self,
        set: &Arc<CharSet>,
        negative: bool,
        place: Place,
    ) -> Result<(), Unsupported> {
        self.ahead(&Node::Set(Arc::clone(set)), negative, place)
    }
}

/// The place of something that is followed by more, or may be repeated.
fn inner(place: Place) -> Place {
    match place {
        Place::Main => Place::Main,
        Place::Ahead { negative, .. } => Place::Ahead {
            tail: false,
            negative,
        },
    }
}

/// Whether a node can match in one way only, so that making it atomic changes nothing.
fn rigid(node: &Node) -> bool {
    match node {
        Node::Empty | Node::Set(_) | Node::Assert(_) | Node::Look { .. } => true,
        Node::Concat(items) => items.iter().all(rigid),
        Node::Capture(_, body) | Node::Atomic(body) => rigid(body),
        Node::Repeat { min, max, body, .. } => *max == Some(*min) && rigid(body),
        Node::Alternate(_) | Node::Backref { .. } | Node::Conditional { .. } => false,
    }
}

/// Whether a look-ahead over this node can be followed exactly.
fn decidable(node: &Node) -> bool {
    match node {
        Node::Backref { .. } | Node::Conditional { .. } | Node::Atomic(_) => false,
        Node::Repeat { kind, .. } => *kind != Kind::Possessive,
        Node::Look {
            ahead: true, body, ..
        } => matches!(**body, Node::Set(_)),
        Node::Look {
            ahead: false, body, ..
        } => behind::sequences(body).is_some(),
        Node::Assert(assertion) => *assertion != Assertion::LastLineEnd,
        _ => true,
    }
}
