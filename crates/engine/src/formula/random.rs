//! `random`: chance that comes in as a number.
//!
//! The sequence is that of SplitMix64, and what is made of it (a float of 53 bits, a whole number below a bound by
//! drawing again) is what Python's `random.Random` makes of its own generator; a test puts ours under it.

use super::FormulaFault as Fault;
use super::arithmetic::binary;
use super::code::Binary;
use super::integer::Integer;
use super::value::Value;

/// The state of the generator.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but without, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 up to, but without, a bound above zero.
    pub(crate) fn below(&mut self, bound: &Integer) -> Result<Integer, Fault> {
        let bits = bound.bits();
        let digits = bits.div_ceil(64);
        // Each draw is below the bound with a chance of one half at least.
        loop {
            let drawn: Vec<u64> = (0..digits).map(|_| self.draw()).collect();
            let surplus = Integer::from(digits * 64 - bits);
            let drawn = Integer::from_digits(&drawn).shift_right(&surplus)?;
            if drawn < *bound {
                return Ok(drawn);
            }
        }
    }

    /// Between two numbers.
    pub(crate) fn uniform(&mut self, from: &Value, to: &Value) -> Result<Value, Fault> {
        let width = binary(to, Binary::Subtract, from)?;
        let part = binary(&width, Binary::Multiply, &Value::Float(self.unit()))?;
        binary(from, Binary::Add, &part)
    }

    /// One of `from`, `from + step` and so on, before `to`.
    pub(crate) fn range(
        &mut self,
        from: &Integer,
        to: &Integer,
        step: &Integer,
    ) -> Result<Integer, Fault> {
        if step.is_zero() {
            return Err(Fault::Value("a range in steps of zero"));
        }
        // Rounded away from zero: a last step that is cut short counts.
        let count = from.subtract(to)?.floor_divide(step)?.negate();
        if count.is_zero() || count.is_negative() {
            return Err(Fault::Value("a range without a number in it"));
        }
        from.add(&self.below(&count)?.multiply(step)?)
    }
}
