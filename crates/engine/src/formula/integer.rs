//! Whole numbers of up to 4096 bits, with Python's manners.
//!
//! The arithmetic is `num-bigint`'s; here are the bound, the roundings of Python and the ways to floating point.
//! Everything that may grow asks about the size before it computes: `2**10**9` is an error at once.

use super::FormulaFault as Fault;
use num_bigint::{BigInt, Sign};
use num_integer::Integer as _;
use num_traits::{FromPrimitive, Pow, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::fmt;

/// The largest size in bits.
pub(crate) const BITS: u64 = 4096;

/// A whole number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer(BigInt);

impl From<i64> for Integer {
    fn from(value: i64) -> Self {
        Self(value.into())
    }
}

impl From<u64> for Integer {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Integer {
    /// If it fits.
    pub fn to_i64(&self) -> Option<i64> {
        self.0.to_i64()
    }

    /// Below zero.
    pub fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    fn bounded(value: BigInt) -> Result<Self, Fault> {
        if value.bits() > BITS {
            return Err(Fault::TooLarge);
        }
        Ok(Self(value))
    }

    /// Digits of a base from 2 to 16.
    pub(crate) fn parse(digits: &str, base: u32) -> Result<Self, Fault> {
        let value = BigInt::parse_bytes(digits.as_bytes(), base);
        Self::bounded(value.ok_or(Fault::Value("these are no digits"))?)
    }

    pub(crate) fn add(&self, other: &Self) -> Result<Self, Fault> {
        Self::bounded(&self.0 + &other.0)
    }

    pub(crate) fn subtract(&self, other: &Self) -> Result<Self, Fault> {
        Self::bounded(&self.0 - &other.0)
    }

    pub(crate) fn multiply(&self, other: &Self) -> Result<Self, Fault> {
        Self::bounded(&self.0 * &other.0)
    }

    /// Rounds towards minus infinity.
    pub(crate) fn floor_divide(&self, other: &Self) -> Result<Self, Fault> {
        self.divide_with_rest(other).map(|(quotient, _)| quotient)
    }

    /// The rest has the sign of the divisor.
    pub(crate) fn modulo(&self, other: &Self) -> Result<Self, Fault> {
        self.divide_with_rest(other).map(|(_, rest)| rest)
    }

    fn divide_with_rest(&self, other: &Self) -> Result<(Self, Self), Fault> {
        if other.is_zero() {
            return Err(Fault::DivisionByZero);
        }
        let (quotient, rest) = self.0.div_mod_floor(&other.0);
        Ok((Self(quotient), Self(rest)))
    }

    /// To a power of at least zero.
    pub(crate) fn power(&self, exponent: &Self) -> Result<Self, Fault> {
        let magnitude = self.0.magnitude();
        if magnitude.bits() <= 1 {
            // 0, 1 and -1 stay small however often they are multiplied.
            let odd = exponent.0.is_odd();
            return Ok(match self.0.sign() {
                _ if exponent.is_zero() => Self::from(1i64),
                Sign::Minus if !odd => Self::from(1i64),
                _ => self.clone(),
            });
        }
        let exponent = exponent.0.to_u64().ok_or(Fault::TooLarge)?;
        if (magnitude.bits() - 1).saturating_mul(exponent) >= BITS {
            return Err(Fault::TooLarge);
        }
        Self::bounded(Pow::pow(&self.0, exponent))
    }

    pub(crate) fn shift_left(&self, by: &Self) -> Result<Self, Fault> {
        if by.is_negative() {
            return Err(Fault::Value("a shift by less than zero"));
        }
        if self.is_zero() {
            return Ok(self.clone());
        }
        let by = by.0.to_u64().filter(|by| *by <= BITS);
        Self::bounded(&self.0 << by.ok_or(Fault::TooLarge)?)
    }

    pub(crate) fn shift_right(&self, by: &Self) -> Result<Self, Fault> {
        if by.is_negative() {
            return Err(Fault::Value("a shift by less than zero"));
        }
        let by = by.0.to_u64().map_or(BITS + 1, |by| by.min(BITS + 1));
        Ok(Self(&self.0 >> by))
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(&self.0 & &other.0)
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self(&self.0 | &other.0)
    }

    pub(crate) fn xor(&self, other: &Self) -> Self {
        Self(&self.0 ^ &other.0)
    }

    pub(crate) fn invert(&self) -> Result<Self, Fault> {
        Self::bounded(!&self.0)
    }

    pub(crate) fn negate(&self) -> Self {
        Self(-&self.0)
    }

    pub(crate) fn abs(&self) -> Self {
        Self(self.0.abs())
    }

    /// The largest whole number whose square is not larger.
    pub(crate) fn square_root(&self) -> Result<Self, Fault> {
        if self.is_negative() {
            return Err(Fault::Value("the square root of a negative number"));
        }
        Ok(Self(self.0.sqrt()))
    }

    pub(crate) fn gcd(&self, other: &Self) -> Self {
        Self(self.0.gcd(&other.0))
    }

    /// Bits of the magnitude.
    pub(crate) fn bits(&self) -> u64 {
        self.0.bits()
    }

    /// From 64-bit digits, the lowest first.
    pub(crate) fn from_digits(digits: &[u64]) -> Self {
        let bytes: Vec<u8> = digits
            .iter()
            .flat_map(|digit| digit.to_le_bytes())
            .collect();
        Self(BigInt::from_bytes_le(Sign::Plus, &bytes))
    }

    /// To the nearest multiple of ten to the power of `places`, half to even.
    pub(crate) fn round_to_ten(&self, places: u32) -> Result<Self, Fault> {
        // Ten to this power is beyond twice every number that there is.
        if u64::from(places) > BITS {
            return Ok(Self::from(0i64));
        }
        let unit = Pow::pow(&BigInt::from(10), places);
        let (quotient, rest) = self.0.div_mod_floor(&unit);
        let up = match (&rest * 2u32).cmp(&unit) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => quotient.is_odd(),
        };
        Self::bounded((quotient + u32::from(up)) * unit)
    }

    /// Without the fraction.
    pub(crate) fn truncate(value: f64) -> Result<Self, Fault> {
        if value.is_nan() {
            return Err(Fault::Value("no whole number can be made of nan"));
        }
        BigInt::from_f64(value).map(Self).ok_or(Fault::Overflow)
    }

    /// Compares exactly, without rounding either; `None` with what is no number.
    pub(crate) fn compare_to_float(&self, other: f64) -> Option<Ordering> {
        if other.is_nan() {
            return None;
        }
        let Ok(floor) = Self::truncate(other.floor()) else {
            return Some(if other > 0.0 {
                Ordering::Less
            } else {
                Ordering::Greater
            });
        };
        let beyond = other > other.floor();
        Some(match self.cmp(&floor) {
            Ordering::Equal if beyond => Ordering::Less,
            order => order,
        })
    }

    /// Rounded once, half to even.
    pub(crate) fn to_f64(&self) -> Result<f64, Fault> {
        self.divide(&Self::from(1i64))
    }

    /// The true quotient, rounded once, half to even.
    pub(crate) fn divide(&self, other: &Self) -> Result<f64, Fault> {
        if other.is_zero() {
            return Err(Fault::DivisionByZero);
        }
        let negative = self.is_negative() != other.is_negative();
        let (a, b) = (self.0.magnitude(), other.0.magnitude());
        // So many bits that the quotient has 65 or 66 of them: more than a float holds, and one more.
        let shift = 65 + b.bits() as i64 - a.bits() as i64;
        let (numerator, denominator) = if shift >= 0 {
            (a << shift as u64, b.clone())
        } else {
            (a.clone(), b << shift.unsigned_abs())
        };
        let (quotient, rest) = numerator.div_rem(&denominator);
        let quotient = quotient.to_u128().unwrap_or(u128::MAX);
        // A rest makes the last bit odd: it only matters whether there is one.
        let magnitude = scaled(quotient | u128::from(!rest.is_zero()), -shift);
        if magnitude.is_infinite() {
            return Err(Fault::Overflow);
        }
        Ok(if negative { -magnitude } else { magnitude })
    }

    /// A float in [0.5, 1) and the power of two to multiply it with; of a number above zero.
    pub(crate) fn fraction_and_exponent(&self) -> Result<(f64, f64), Fault> {
        let bits = self.bits();
        let one = Self(BigInt::from(1) << bits);
        let fraction = self.divide(&one)?;
        Ok(if fraction < 1.0 {
            (fraction, bits as f64)
        } else {
            (fraction / 2.0, (bits + 1) as f64)
        })
    }
}

/// `mantissa` times two to the power of `exponent`, rounded once, half to even, also where it becomes subnormal.
fn scaled(mantissa: u128, exponent: i64) -> f64 {
    let bits = i64::from(u128::BITS - mantissa.leading_zeros());
    if mantissa == 0 || bits + exponent < -1074 {
        return 0.0;
    }
    if bits + exponent > 1024 {
        return f64::INFINITY;
    }
    // The last bit that a float can have is worth 2^-1074.
    let kept = (bits + exponent + 1074).min(53);
    let dropped = bits - kept;
    let (mut rounded, mut exponent) = (mantissa, exponent);
    if dropped > 0 {
        let half = 1u128 << (dropped - 1);
        let rest = mantissa & ((half << 1) - 1);
        rounded = if dropped < 128 {
            mantissa >> dropped
        } else {
            0
        };
        if rest > half || (rest == half && rounded & 1 == 1) {
            rounded += 1;
        }
        exponent += dropped;
    }
    // Both factors and their product are exact, or infinite: 2^-1074 is no product of normal numbers otherwise.
    let (first, second) = (exponent / 2, exponent - exponent / 2);
    rounded as f64 * 2f64.powi(first as i32) * 2f64.powi(second as i32)
}
