//! The machine that a pickle is a program for: a stack, marks on it, a memo, and what was made so far.
//!
//! Values lie in one arena and are named by their place in it, as a list may be remembered before it is filled and may be
//! in several others. What is in the arena never holds more than the pickle has bytes; `build` makes values of it.

use super::fault::{DecodeError, Fault};
use super::number;
use super::opcode::{Argument, opcode, unsigned};
use super::reply;
use super::text::{self, Unfit};
use super::value::Value;
use std::collections::HashMap;

/// A place in the arena.
pub(super) type Id = usize;

/// What lies in the arena.
#[derive(Debug)]
pub(super) enum Node {
    /// A value that holds no others.
    Leaf(Value),
    /// A list.
    List(Vec<Id>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A dictionary: keys and values by turns.
    Dict(Vec<Id>),
    /// A set.
    Set(Vec<Id>),
    /// A class: its module and its name, which are texts.
    Class(Id, Id),
    /// What a call gives: the class and the tuple of the arguments.
    Called(Id, Id),
}

/// What a pickle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Data only: what clients send.
    Request,
    /// Exceptions, too, and the few calls that plain data comes with: what servers answer.
    Reply,
}

impl Manner {
    fn unfit(self) -> Unfit {
        match self {
            Self::Request => Unfit::Refuse,
            Self::Reply => Unfit::Replace,
        }
    }
}

/// The state.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) nodes: Vec<Node>,
    manner: Manner,
    stack: Vec<Id>,
    /// How many values lay on the stack when each mark was set.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

/// Runs a pickle up to its `STOP`; what is behind that is ignored, as Python does. Gives the arena and the result.
pub(super) fn run(data: &[u8], manner: Manner) -> Result<(Machine, Id), DecodeError> {
    let mut machine = Machine {
        nodes: Vec::new(),
        manner,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let mut rest = data;
    loop {
        let at = data.len() - rest.len();
        let fail = |fault| DecodeError { at, fault };
        let instruction = Instruction::read(&mut rest).map_err(fail)?;
        if instruction.code == b'.' {
            let result = machine.pop("STOP").map_err(fail)?;
            return Ok((machine, result));
        }
        machine.step(&instruction, rest.len()).map_err(fail)?;
    }
}

/// An instruction and its argument, without the length or the line feed that bounds it.
struct Instruction<'a> {
    code: u8,
    name: &'static str,
    argument: &'a [u8],
    /// The second line, where there are two.
    second: &'a [u8],
}

impl<'a> Instruction<'a> {
    fn read(rest: &mut &'a [u8]) -> Result<Self, Fault> {
        let code = *rest.split_off_first().ok_or(Fault::Truncated)?;
        let (name, kind) = opcode(code).ok_or(Fault::Unknown(code))?;
        let argument = match kind {
            Argument::None => &[],
            Argument::Fixed(length) => take(rest, length.into())?,
            Argument::Counted(width) => {
                let length = unsigned(take(rest, width.into())?);
                take(rest, length)?
            }
            Argument::Line | Argument::TwoLines => line(rest)?,
        };
        let second = match kind {
            Argument::TwoLines => line(rest)?,
            _ => &[],
        };
        Ok(Self {
            code,
            name,
            argument,
            second,
        })
    }
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Fault> {
    let length = usize::try_from(length).map_err(|_| Fault::Truncated)?;
    rest.split_off(..length).ok_or(Fault::Truncated)
}

fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or(Fault::Truncated)?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    Ok(line)
}

impl Machine {
    /// Does one instruction, behind which so many bytes are left.
    fn step(&mut self, instruction: &Instruction<'_>, left: usize) -> Result<(), Fault> {
        let &Instruction {
            code,
            name,
            argument,
            second,
        } = instruction;
        let unfit = self.manner.unfit();
        match code {
            b'N' => self.leaf(Value::None),
            0x88 => self.leaf(Value::Bool(true)),
            0x89 => self.leaf(Value::Bool(false)),
            b'I' => self.leaf(match argument {
                b"00" => Value::Bool(false),
                b"01" => Value::Bool(true),
                digits => number::from_digits(digits, name)?,
            }),
            b'L' => {
                let digits = argument.strip_suffix(b"L").unwrap_or(argument);
                self.leaf(number::from_digits(digits, name)?);
            }
            b'J' => self.leaf(number::from_bytes(argument)?),
            b'K' | b'M' => self.leaf(Value::Int(unsigned(argument) as i64)),
            0x8a | 0x8b => self.leaf(number::from_bytes(argument)?),
            b'F' => self.leaf(Value::Float(float(argument).ok_or(Fault::Argument(name))?)),
            b'G' => {
                let bytes = argument.try_into().map_err(|_| Fault::Argument(name))?;
                self.leaf(Value::Float(f64::from_be_bytes(bytes)));
            }
            b'S' => self.leaf(Value::Str(text::string(argument, unfit)?)),
            b'V' => self.leaf(Value::Str(text::unicode(argument, unfit)?)),
            b'T' | b'U' | b'X' | 0x8c | 0x8d => {
                self.leaf(Value::Str(text::utf8(argument, unfit)?));
            }
            b'B' | b'C' | 0x8e => self.leaf(Value::Bytes(argument.to_vec())),

            b']' => self.push(Node::List(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            0x8f => self.push(Node::Set(Vec::new())),
            b'l' => {
                let items = self.above_mark(name)?;
                self.push(Node::List(items));
            }
            b't' => {
                let items = self.above_mark(name)?;
                self.push(Node::Tuple(items));
            }
            b'd' => {
                let pairs = self.above_mark(name)?;
                if !pairs.len().is_multiple_of(2) {
                    return Err(Fault::Stack(name));
                }
                self.push(Node::Dict(pairs));
            }
            0x85..=0x87 => {
                let items = self.take(usize::from(code - 0x84), name)?;
                self.push(Node::Tuple(items));
            }
            b'a' => {
                let items = self.take(1, name)?;
                self.extend_list(items, name)?;
            }
            b'e' => {
                let items = self.above_mark(name)?;
                self.extend_list(items, name)?;
            }
            b's' => {
                let pair = self.take(2, name)?;
                self.extend_dict(pair, name)?;
            }
            b'u' => {
                let pairs = self.above_mark(name)?;
                self.extend_dict(pairs, name)?;
            }
            0x90 => {
                let items = self.above_mark(name)?;
                match self.top(name)? {
                    Node::Set(set) => set.extend(items),
                    _ => return Err(Fault::Stack(name)),
                }
            }

            b'(' => self.marks.push(self.stack.len()),
            b'0' if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            b'0' => drop(self.pop(name)?),
            b'1' => drop(self.above_mark(name)?),
            b'2' => {
                let id = self.peek(name)?;
                self.stack.push(id);
            }

            b'p' => self.remember(decimal_key(argument, name)?, name)?,
            b'q' | b'r' => self.remember(unsigned(argument), name)?,
            0x94 => self.remember(self.memo.len() as u64, name)?,
            b'g' => self.recall(decimal_key(argument, name)?)?,
            b'h' | b'j' => self.recall(unsigned(argument))?,

            0x80 => match argument {
                [0..=5] => {}
                _ => {
                    return Err(Fault::Version(
                        argument.first().copied().unwrap_or_default(),
                    ));
                }
            },
            0x95 => {
                if unsigned(argument) > left as u64 {
                    return Err(Fault::Truncated);
                }
            }
            _ if self.manner == Manner::Reply => {
                reply::object(self, code, name, argument, second)?;
            }
            _ => return Err(Fault::Refused(name)),
        }
        Ok(())
    }

    /// Puts a new value on the stack.
    pub(super) fn push(&mut self, node: Node) {
        let id = self.keep(node);
        self.stack.push(id);
    }

    fn leaf(&mut self, value: Value) {
        self.push(Node::Leaf(value));
    }

    /// Keeps a new value without putting it on the stack.
    pub(super) fn keep(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Takes the topmost value that lies above the last mark.
    pub(super) fn pop(&mut self, name: &'static str) -> Result<Id, Fault> {
        let id = self.peek(name)?;
        self.stack.pop();
        Ok(id)
    }

    fn peek(&self, name: &'static str) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or_default();
        match self.stack.get(floor..) {
            Some([.., id]) => Ok(*id),
            _ => Err(Fault::Stack(name)),
        }
    }

    pub(super) fn top(&mut self, name: &'static str) -> Result<&mut Node, Fault> {
        let id = self.peek(name)?;
        Ok(&mut self.nodes[id])
    }

    /// Takes so many values from above the last mark.
    fn take(&mut self, count: usize, name: &'static str) -> Result<Vec<Id>, Fault> {
        let floor = self.marks.last().copied().unwrap_or_default();
        match self.stack.len().checked_sub(count) {
            Some(from) if from >= floor => Ok(self.stack.split_off(from)),
            _ => Err(Fault::Stack(name)),
        }
    }

    /// Takes the last mark and all that lies above it.
    fn above_mark(&mut self, name: &'static str) -> Result<Vec<Id>, Fault> {
        let mark = self.marks.pop().ok_or(Fault::Stack(name))?;
        Ok(self.stack.split_off(mark))
    }

    fn extend_list(&mut self, items: Vec<Id>, name: &'static str) -> Result<(), Fault> {
        match self.top(name)? {
            Node::List(list) => list.extend(items),
            _ => return Err(Fault::Stack(name)),
        }
        Ok(())
    }

    fn extend_dict(&mut self, pairs: Vec<Id>, name: &'static str) -> Result<(), Fault> {
        match self.top(name)? {
            Node::Dict(dict) if pairs.len().is_multiple_of(2) => dict.extend(pairs),
            _ => return Err(Fault::Stack(name)),
        }
        Ok(())
    }

    fn remember(&mut self, key: u64, name: &'static str) -> Result<(), Fault> {
        let id = self.peek(name)?;
        self.memo.insert(key, id);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<(), Fault> {
        let id = self.memo.get(&key).ok_or(Fault::Memo(key))?;
        self.stack.push(*id);
        Ok(())
    }
}

fn decimal_key(text: &[u8], name: &'static str) -> Result<u64, Fault> {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or(Fault::Argument(name))
}

fn float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
