//! The functions and constants that a formula knows, by name: Python's own, `math`'s and `random`'s.

use super::FormulaFault as Fault;
use super::arithmetic::binary;
use super::code::{Binary, Comparison};
use super::compare::compare;
use super::integer::Integer;
use super::random::Random;
use super::value::{Number, Value};
use super::{float, math};
use std::ops::RangeInclusive;

/// One function.
#[derive(Debug)]
pub(crate) struct Function {
    /// As it is written, with its module.
    pub(crate) name: &'static str,
    /// How many values it takes.
    pub(crate) arity: RangeInclusive<usize>,
    /// Gets as many values as it takes.
    pub(crate) call: Body,
}

type Body = fn(&[Value], &mut Random) -> Outcome;
pub(crate) type Outcome = Result<Value, Fault>;

const fn function(name: &'static str, least: usize, most: usize, call: Body) -> Function {
    let arity = RangeInclusive::new(least, most);
    Function { name, arity, call }
}

/// A function of `math` that takes one floating point number.
macro_rules! of_float {
    ($name:literal, $function:expr) => {
        function($name, 1, 1, |values, _| {
            math::of_one(first(values)?, $function)
        })
    };
}

const FUNCTIONS: &[Function] = &[
    function("abs", 1, 1, |values, _| abs(first(values)?)),
    function("all", 1, 1, |values, _| {
        Ok(Value::Bool(items(first(values)?)?.iter().all(Value::truth)))
    }),
    function("any", 1, 1, |values, _| {
        Ok(Value::Bool(items(first(values)?)?.iter().any(Value::truth)))
    }),
    function("bool", 0, 1, |values, _| {
        Ok(Value::Bool(values.first().is_some_and(Value::truth)))
    }),
    function("divmod", 2, 2, |values, _| {
        let [left, right] = pair(values)?;
        let quotient = binary(left, Binary::FloorDivide, right)?;
        Ok(Value::Sequence(vec![
            quotient,
            binary(left, Binary::Modulo, right)?,
        ]))
    }),
    function("float", 0, 1, |values, _| match values {
        [value] => float_of(value).map(Value::Float),
        _ => Ok(Value::Float(0.0)),
    }),
    function("int", 0, 1, |values, _| match values {
        [value] => math::to_integer(value, f64::trunc),
        _ => Ok(Value::Int(Integer::from(0i64))),
    }),
    function("len", 1, 1, |values, _| {
        let count = items(first(values)?)?.len() as u64;
        Ok(Value::Int(count.into()))
    }),
    function("max", 1, usize::MAX, |values, _| {
        extreme(values, Comparison::Greater)
    }),
    function("min", 1, usize::MAX, |values, _| {
        extreme(values, Comparison::Less)
    }),
    function("pow", 2, 2, |values, _| {
        let [left, right] = pair(values)?;
        binary(left, Binary::Power, right)
    }),
    function("round", 1, 2, |values, _| round(values)),
    function("sum", 1, 2, |values, _| sum(values)),
    function("math.atan2", 2, 2, |values, _| {
        math::of_two(values, f64::atan2)
    }),
    function("math.ceil", 1, 1, |values, _| {
        math::to_integer(first(values)?, f64::ceil)
    }),
    function("math.copysign", 2, 2, |values, _| {
        math::of_two(values, f64::copysign)
    }),
    function("math.degrees", 1, 1, |values, _| {
        float_of(first(values)?).map(|value| Value::Float(value.to_degrees()))
    }),
    function("math.factorial", 1, 1, |values, _| {
        math::factorial(first(values)?)
    }),
    function("math.floor", 1, 1, |values, _| {
        math::to_integer(first(values)?, f64::floor)
    }),
    function("math.fmod", 2, 2, |values, _| {
        math::of_two(values, |x, y| x % y)
    }),
    function("math.gcd", 0, usize::MAX, |values, _| math::gcd(values)),
    function("math.isfinite", 1, 1, |values, _| {
        float_of(first(values)?).map(|value| Value::Bool(value.is_finite()))
    }),
    function("math.isinf", 1, 1, |values, _| {
        float_of(first(values)?).map(|value| Value::Bool(value.is_infinite()))
    }),
    function("math.isnan", 1, 1, |values, _| {
        float_of(first(values)?).map(|value| Value::Bool(value.is_nan()))
    }),
    function("math.isqrt", 1, 1, |values, _| {
        integer(first(values)?)?.square_root().map(Value::Int)
    }),
    function("math.log", 1, 2, |values, _| math::log(values)),
    function("math.log10", 1, 1, |values, _| {
        math::logarithm(first(values)?, f64::log10).map(Value::Float)
    }),
    function("math.log2", 1, 1, |values, _| {
        math::logarithm(first(values)?, f64::log2).map(Value::Float)
    }),
    function("math.pow", 2, 2, |values, _| math::power(values)),
    function("math.trunc", 1, 1, |values, _| {
        math::to_integer(first(values)?, f64::trunc)
    }),
    of_float!("math.acos", f64::acos),
    of_float!("math.asin", f64::asin),
    of_float!("math.atan", f64::atan),
    of_float!("math.cos", f64::cos),
    of_float!("math.cosh", f64::cosh),
    of_float!("math.exp", f64::exp),
    of_float!("math.expm1", f64::exp_m1),
    of_float!("math.fabs", f64::abs),
    // The machine says minus infinity where Python says that there is no value.
    of_float!("math.log1p", |x| if x == -1.0 {
        f64::NAN
    } else {
        x.ln_1p()
    }),
    of_float!("math.radians", f64::to_radians),
    of_float!("math.sin", f64::sin),
    of_float!("math.sinh", f64::sinh),
    of_float!("math.sqrt", f64::sqrt),
    of_float!("math.tan", f64::tan),
    of_float!("math.tanh", f64::tanh),
    function("random.choice", 1, 1, |values, random| {
        let items = items(first(values)?)?;
        if items.is_empty() {
            return Err(Fault::Value("a choice from nothing"));
        }
        let place = random.below(&Integer::from(items.len() as u64))?.to_i64();
        let item = place.and_then(|place| items.get(place as usize));
        item.cloned().ok_or(Fault::Value("a choice from nothing"))
    }),
    function("random.randint", 2, 2, |values, random| {
        let [from, to] = pair(values)?;
        let (one, to) = (Integer::from(1i64), integer(to)?);
        let chosen = random.range(&integer(from)?, &to.add(&one)?, &one)?;
        Ok(Value::Int(chosen))
    }),
    function("random.random", 0, 0, |_, random| {
        Ok(Value::Float(random.unit()))
    }),
    function("random.randrange", 1, 3, |values, random| {
        let (zero, one) = (Value::Int(0i64.into()), Value::Int(1i64.into()));
        let (from, to, step) = match values {
            [to] => (&zero, to, &one),
            [from, to] => (from, to, &one),
            [from, to, step, ..] => (from, to, step),
            [] => return Err(Fault::Value("nothing to work with")),
        };
        let chosen = random.range(&integer(from)?, &integer(to)?, &integer(step)?)?;
        Ok(Value::Int(chosen))
    }),
    function("random.uniform", 2, 2, |values, random| {
        let [from, to] = pair(values)?;
        random.uniform(from, to)
    }),
];

/// The function of a name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The constant of a name.
pub(crate) fn constant(name: &str) -> Option<f64> {
    Some(match name {
        "math.e" => std::f64::consts::E,
        "math.pi" => std::f64::consts::PI,
        "math.tau" => std::f64::consts::TAU,
        "math.inf" => f64::INFINITY,
        "math.nan" => f64::NAN,
        _ => return None,
    })
}

pub(crate) fn first(values: &[Value]) -> Result<&Value, Fault> {
    values.first().ok_or(Fault::Value("nothing to work with"))
}

pub(crate) fn pair(values: &[Value]) -> Result<&[Value; 2], Fault> {
    let pair = values.try_into().ok();
    pair.ok_or(Fault::Value("nothing to work with"))
}

pub(crate) fn float_of(value: &Value) -> Result<f64, Fault> {
    let number = value.number().ok_or_else(|| wrong(value, "a number"))?;
    number.float()
}

pub(crate) fn integer(value: &Value) -> Result<Integer, Fault> {
    match value.number() {
        Some(Number::Int(value)) => Ok(value),
        _ => Err(wrong(value, "a whole number")),
    }
}

fn items(value: &Value) -> Result<&[Value], Fault> {
    match value {
        Value::Sequence(items) => Ok(items),
        _ => Err(wrong(value, "a sequence")),
    }
}

fn wrong(value: &Value, wanted: &str) -> Fault {
    Fault::Type(format!("it takes {wanted}, not {}", value.kind()))
}

fn abs(value: &Value) -> Outcome {
    match value.number() {
        Some(Number::Int(value)) => Ok(Value::Int(value.abs())),
        Some(Number::Float(value)) => Ok(Value::Float(value.abs())),
        None => Err(wrong(value, "a number")),
    }
}

/// The first value that no other one surpasses.
fn extreme(values: &[Value], by: Comparison) -> Outcome {
    let candidates = match values {
        [single] => items(single)?,
        several => several,
    };
    let Some((first, others)) = candidates.split_first() else {
        return Err(Fault::Value("neither a smallest nor a largest of nothing"));
    };
    let mut best = first;
    for other in others {
        if compare(other, by, best)? {
            best = other;
        }
    }
    Ok(best.clone())
}

/// Adds from left to right, rounding each time.
fn sum(values: &[Value]) -> Outcome {
    let mut sum = values.get(1).cloned().unwrap_or(Value::Int(0i64.into()));
    for item in items(first(values)?)? {
        sum = binary(&sum, Binary::Add, item)?;
    }
    Ok(sum)
}

fn round(values: &[Value]) -> Outcome {
    let value = first(values)?;
    let number = value.number().ok_or_else(|| wrong(value, "a number"))?;
    match (number, values.get(1)) {
        (Number::Int(value), None | Some(Value::None)) => Ok(Value::Int(value)),
        (Number::Float(value), None | Some(Value::None)) => {
            float::round_to_integer(value).map(Value::Int)
        }
        (Number::Int(value), Some(places)) => {
            let places = integer(places)?;
            if !places.is_negative() {
                return Ok(Value::Int(value));
            }
            let places = places.to_i64().map_or(u64::MAX, i64::unsigned_abs);
            let places = u32::try_from(places).unwrap_or(u32::MAX);
            value.round_to_ten(places).map(Value::Int)
        }
        (Number::Float(value), Some(places)) => {
            let places = integer(places)?;
            let far = if places.is_negative() {
                i64::MIN
            } else {
                i64::MAX
            };
            let places = places.to_i64().unwrap_or(far);
            float::round_to_places(value, places).map(Value::Float)
        }
    }
}
