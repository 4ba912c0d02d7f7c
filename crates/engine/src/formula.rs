//! `bantime.formula` and `bantime.factor`: one arithmetic expression, written as Python writes it.
//!
//! Admins have such expressions in their configuration, so the meaning must be Python's to the last bit: whole
//! numbers of any size, floor division, true division that rounds once, half to even, precedence, and what is an
//! error. All of that is held against CPython itself by a test. But it is arithmetic and nothing else: the names
//! are a closed list, there is no attribute beyond them, no text, no assignment, no way to anything outside.
//!
//! It knows the names of a ban (`ban.Time`, `ban.Count`, `banFactor`); numbers, `True`, `False`, `None`; the operators
//! `+ - * / // % ** << >> & | ^ ~`, comparisons also chained, `in`, `and or not`, `x if c else y`; tuples and lists as
//! what functions take or an index picks from; `abs all any bool divmod float int len max min pow round sum`; of `math`
//! the constants and what a table in `functions` lists; `random.choice randint random randrange uniform`. It does not
//! know text in quotes, complex numbers, `is`, `lambda`, comprehensions, keyword arguments, slices, `pow` of three
//! numbers, methods, other functions, and arithmetic of sequences: an error that says so.
//!
//! Where versions of Python differ, the newer ones count (`random.randint` takes whole numbers only), but `sum` adds
//! floats from left to right, without the correction of 3.12.
//!
//! A formula is parsed once into instructions for a stack machine whose jumps lead forward only. So each
//! instruction runs at most once and an evaluation ends; whole numbers are bounded too ([`Integer`]). Chance comes
//! in as a number: the same inputs give the same result.
//!
//! What it never does: decide what to do about an error, or compare the result with the jail's plain ban time or
//! longest one.

mod arithmetic;
mod code;
mod compare;
mod error;
mod evaluate;
mod float;
mod functions;
mod fuzz;
mod integer;
mod lex;
mod literal;
mod math;
mod parse;
mod random;
#[cfg(test)]
mod tests;
mod value;

pub use error::{FormulaError, FormulaFault};
pub use fuzz::fuzz_formula;
pub use integer::Integer;
pub use value::Number;

use code::Code;
use parse::Names;

/// The longest expression, in bytes.
pub const LONGEST: usize = 4096;
/// How deep brackets, signs, powers and conditions may nest.
pub const DEEPEST: usize = 64;

/// A parsed `bantime.formula`. Equal if the text is.
#[derive(Clone, Debug)]
pub struct Formula {
    text: Box<str>,
    code: Code,
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Formula {}

/// What the names of a formula stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// `ban.Time`: the jail's ban time in seconds.
    pub ban_time: Number,
    /// `ban.Count`: how many bans there were before this one.
    pub ban_count: u32,
    /// `banFactor`: the value of `bantime.factor`.
    pub ban_factor: Number,
    /// Where `random` begins in this evaluation: any number, a new one each time.
    pub random: u64,
}

impl Formula {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is too long, nested too deep, no expression, or asks for more than arithmetic.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        let code = parse::parse(text, Names::OfBan)?;
        let text = text.into();
        Ok(Self { text, code })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it comes to. It takes microseconds, some milliseconds for a text that is made to be slow, and ends always.
    ///
    /// # Errors
    /// Where Python would raise one (division by zero, overflow, a value or a type that an operator does not
    /// take), where the result is no number, a complex one, or a whole number beyond the bound.
    pub fn evaluate(&self, inputs: &Inputs) -> Result<Number, FormulaError> {
        evaluate::evaluate(&self.text, &self.code, inputs)
    }
}

/// Reads and evaluates a `bantime.factor`, an expression without names of a ban, such as `24*60` or `math.e`.
///
/// # Errors
/// As [`Formula::parse`] and [`Formula::evaluate`].
pub fn factor(text: &str, random: u64) -> Result<Number, FormulaError> {
    let code = parse::parse(text, Names::None)?;
    let nothing = Number::from(0);
    let inputs = Inputs {
        ban_time: nothing.clone(),
        ban_count: 0,
        ban_factor: nothing,
        random,
    };
    evaluate::evaluate(text, &code, &inputs)
}
