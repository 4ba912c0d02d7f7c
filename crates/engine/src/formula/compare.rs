//! Comparisons: exact between whole and floating point numbers.

use super::FormulaFault as Fault;
use super::code::Comparison;
use super::value::{Number, Value};
use std::cmp::Ordering;

/// The answer of one comparison.
pub(crate) fn compare(left: &Value, by: Comparison, right: &Value) -> Result<bool, Fault> {
    Ok(match by {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::In => contains(right, left)?,
        Comparison::NotIn => !contains(right, left)?,
        Comparison::Less => order(left, right)? == Some(Ordering::Less),
        Comparison::Greater => order(left, right)? == Some(Ordering::Greater),
        Comparison::LessOrEqual => order(left, right)?.is_some_and(Ordering::is_le),
        Comparison::GreaterOrEqual => order(left, right)?.is_some_and(Ordering::is_ge),
    })
}

/// Anything may be asked for equality; different kinds are different.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Sequence(left), Value::Sequence(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| equal(a, b))
        }
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => order_of_numbers(&left, &right) == Some(Ordering::Equal),
            _ => false,
        },
    }
}

fn contains(sequence: &Value, value: &Value) -> Result<bool, Fault> {
    let Value::Sequence(items) = sequence else {
        let what = format!("`in` needs a sequence, not {}", sequence.kind());
        return Err(Fault::Type(what));
    };
    if matches!(value, Value::Float(value) if value.is_nan()) {
        // Python looks at whether it is the same object.
        let what = "a formula cannot say whether nan is in a sequence";
        return Err(Fault::Unsupported(what.into()));
    }
    Ok(items.iter().any(|item| equal(item, value)))
}

/// `None` if one of them is no number (`nan`).
fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, Fault> {
    if let (Some(left), Some(right)) = (left.number(), right.number()) {
        return Ok(order_of_numbers(&left, &right));
    }
    let (left, right) = (left.kind(), right.kind());
    let what = format!("{left} and {right} cannot be put in order");
    Err(Fault::Unsupported(what))
}

fn order_of_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => Some(left.cmp(right)),
        (Number::Int(left), Number::Float(right)) => left.compare_to_float(*right),
        (Number::Float(left), Number::Int(right)) => {
            right.compare_to_float(*left).map(Ordering::reverse)
        }
        (Number::Float(left), Number::Float(right)) => left.partial_cmp(right),
    }
}
