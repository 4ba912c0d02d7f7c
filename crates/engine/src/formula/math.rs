//! `math`: the machine's functions with Python's errors.
//!
//! The functions are the C library's, as CPython's are, so the results are the same to the last bit.

use super::FormulaFault as Fault;
use super::functions::{Outcome, first, float_of, integer, pair};
use super::integer::Integer;
use super::value::{Number, Value};

const OUTSIDE: Fault = Fault::Value("the function has no value there");

/// A function of one floating point number.
pub(crate) fn of_one(value: &Value, function: fn(f64) -> f64) -> Outcome {
    let value = float_of(value)?;
    checked(function(value), value.is_nan(), value.is_finite())
}

/// A function of two floating point numbers.
pub(crate) fn of_two(values: &[Value], function: fn(f64, f64) -> f64) -> Outcome {
    let [left, right] = pair(values)?;
    let (left, right) = (float_of(left)?, float_of(right)?);
    let finite = left.is_finite() && right.is_finite();
    checked(
        function(left, right),
        left.is_nan() || right.is_nan(),
        finite,
    )
}

/// Other than `**`, it always answers a floating point number, and zero has no negative powers.
pub(crate) fn power(values: &[Value]) -> Outcome {
    of_two(values, |x, y| {
        if x == 0.0 && y < 0.0 && y.is_finite() {
            f64::NAN
        } else {
            x.powf(y)
        }
    })
}

/// No number out of numbers, and infinity out of finite numbers, are errors.
fn checked(result: f64, from_nan: bool, from_finite: bool) -> Outcome {
    if result.is_nan() && !from_nan {
        return Err(OUTSIDE);
    }
    if result.is_infinite() && from_finite {
        return Err(Fault::Overflow);
    }
    Ok(Value::Float(result))
}

/// A whole number by way of rounding; one stays as it is.
pub(crate) fn to_integer(value: &Value, rounding: fn(f64) -> f64) -> Outcome {
    match value.number() {
        Some(Number::Float(value)) => Integer::truncate(rounding(value)).map(Value::Int),
        Some(Number::Int(value)) => Ok(Value::Int(value)),
        None => Err(Fault::Type(format!(
            "it takes a number, not {}",
            value.kind()
        ))),
    }
}

pub(crate) fn factorial(value: &Value) -> Outcome {
    let value = integer(value)?;
    if value.is_negative() {
        return Err(OUTSIDE);
    }
    // The product is too large long before that.
    let last = value.to_i64().filter(|last| *last <= 4096);
    let mut product = Integer::from(1i64);
    for factor in 2..=last.ok_or(Fault::TooLarge)? {
        product = product.multiply(&factor.into())?;
    }
    Ok(Value::Int(product))
}

pub(crate) fn gcd(values: &[Value]) -> Outcome {
    let mut divisor = Integer::from(0i64);
    for value in values {
        divisor = divisor.gcd(&integer(value)?);
    }
    Ok(Value::Int(divisor))
}

/// The natural logarithm, or that to a base.
pub(crate) fn log(values: &[Value]) -> Outcome {
    let natural = logarithm(first(values)?, f64::ln)?;
    let Some(base) = values.get(1) else {
        return Ok(Value::Float(natural));
    };
    let base = logarithm(base, f64::ln)?;
    if base == 0.0 {
        return Err(Fault::DivisionByZero);
    }
    Ok(Value::Float(natural / base))
}

/// A logarithm, also of whole numbers that are too large for a float.
pub(crate) fn logarithm(value: &Value, function: fn(f64) -> f64) -> Result<f64, Fault> {
    let Some(number) = value.number() else {
        return Err(Fault::Type(format!(
            "it takes a number, not {}",
            value.kind()
        )));
    };
    match &number {
        Number::Float(value) if *value <= 0.0 => Err(OUTSIDE),
        Number::Float(value) => Ok(function(*value)),
        Number::Int(value) if value.is_negative() || value.is_zero() => Err(OUTSIDE),
        Number::Int(value) => match value.to_f64() {
            Ok(value) => Ok(function(value)),
            Err(_) => {
                let (fraction, exponent) = value.fraction_and_exponent()?;
                Ok(function(fraction) + function(2.0) * exponent)
            }
        },
    }
}
