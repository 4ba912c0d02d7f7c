//! The instructions that a formula becomes.
//!
//! They work on a stack of values. Jumps are counted in instructions from the next one and lead forward only, so a
//! piece of code may be moved as it is (`x if c else y` is written in another order than it runs), and a program
//! has no more steps than instructions.

use super::functions::Function;
use super::value::Value;

/// A program.
pub(crate) type Code = Vec<Instruction>;

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    /// The byte of the text that it comes from.
    pub(crate) at: usize,
    pub(crate) step: Step,
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Puts a value on the stack.
    Push(Value),
    /// Puts the value of a name there.
    Load(Variable),
    /// Replaces the topmost value.
    Unary(Unary),
    /// Replaces the two topmost values by one.
    Binary(Binary),
    /// The same; the answer is a truth value.
    Compare(Comparison),
    /// Passes over so many instructions, if it comes to that.
    Jump(When, usize),
    /// Replaces so many values by what a function makes of them.
    Call(&'static Function, usize),
    /// Replaces so many values by a sequence of them.
    Sequence(usize),
    /// Replaces a sequence and an index by the item.
    Index,
}

/// When a jump jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// It takes a value, and that is false.
    False,
    /// The topmost value is false; it takes a true one (`and`).
    FalseElsePop,
    /// The topmost value is true; it takes a false one (`or`).
    TrueElsePop,
    /// A comparison that another one follows: false is the value; if true, the right operand stays for the next.
    Not(Comparison),
}

/// The names that stand for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Time,
    Count,
    Factor,
}

/// Operators before their operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Plus,
    Minus,
    Invert,
    Not,
}

/// Operators between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
}

impl Binary {
    /// As it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
        }
    }
}

/// Operators whose answer is a truth value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    In,
    NotIn,
}
