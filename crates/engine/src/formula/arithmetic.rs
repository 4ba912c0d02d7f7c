//! The operators between numbers, and what happens where whole and floating point numbers meet.

use super::FormulaFault as Fault;
use super::code::{Binary, Unary};
use super::float;
use super::integer::Integer;
use super::value::{Number, Value};

/// An operator before its operand.
pub(crate) fn unary(operator: Unary, value: &Value) -> Result<Value, Fault> {
    if operator == Unary::Not {
        return Ok(Value::Bool(!value.truth()));
    }
    let number = value.number();
    match (operator, number) {
        (Unary::Plus, Some(number)) => Ok(number.into()),
        (Unary::Minus, Some(Number::Int(value))) => Ok(Value::Int(value.negate())),
        (Unary::Minus, Some(Number::Float(value))) => Ok(Value::Float(-value)),
        (Unary::Invert, Some(Number::Int(value))) => value.invert().map(Value::Int),
        _ => Err(Fault::Type(format!(
            "this operator does not take {}",
            value.kind()
        ))),
    }
}

/// An operator between two values.
pub(crate) fn binary(left: &Value, operator: Binary, right: &Value) -> Result<Value, Fault> {
    if let (Value::Bool(left), Value::Bool(right)) = (left, right) {
        // Truth values stay truth values under these three.
        match operator {
            Binary::And => return Ok(Value::Bool(left & right)),
            Binary::Or => return Ok(Value::Bool(left | right)),
            Binary::Xor => return Ok(Value::Bool(left ^ right)),
            _ => {}
        }
    }
    match (left.number(), right.number()) {
        (Some(Number::Int(left)), Some(Number::Int(right))) => of_integers(&left, operator, &right),
        (Some(left), Some(right)) if takes_floats(operator) => {
            of_floats(left.float()?, operator, right.float()?).map(Value::Float)
        }
        _ => Err(mismatch(left, operator, right)),
    }
}

fn mismatch(left: &Value, operator: Binary, right: &Value) -> Fault {
    let symbol = operator.symbol();
    let (left, right) = (left.kind(), right.kind());
    let what = format!("`{symbol}` does not take {left} and {right}");
    match operator {
        // Python joins and repeats sequences by these two.
        Binary::Add | Binary::Multiply => Fault::Unsupported(what),
        _ => Fault::Type(what),
    }
}

fn takes_floats(operator: Binary) -> bool {
    match operator {
        Binary::Add
        | Binary::Subtract
        | Binary::Multiply
        | Binary::Divide
        | Binary::FloorDivide
        | Binary::Modulo
        | Binary::Power => true,
        Binary::ShiftLeft | Binary::ShiftRight | Binary::And | Binary::Or | Binary::Xor => false,
    }
}

fn of_integers(left: &Integer, operator: Binary, right: &Integer) -> Result<Value, Fault> {
    let whole = match operator {
        Binary::Divide => return left.divide(right).map(Value::Float),
        Binary::Power if right.is_negative() => {
            return float::power(left.to_f64()?, right.to_f64()?).map(Value::Float);
        }
        Binary::Power => left.power(right),
        Binary::Add => left.add(right),
        Binary::Subtract => left.subtract(right),
        Binary::Multiply => left.multiply(right),
        Binary::FloorDivide => left.floor_divide(right),
        Binary::Modulo => left.modulo(right),
        Binary::ShiftLeft => left.shift_left(right),
        Binary::ShiftRight => left.shift_right(right),
        Binary::And => Ok(left.and(right)),
        Binary::Or => Ok(left.or(right)),
        Binary::Xor => Ok(left.xor(right)),
    };
    whole.map(Value::Int)
}

fn of_floats(left: f64, operator: Binary, right: f64) -> Result<f64, Fault> {
    match operator {
        Binary::Add => Ok(left + right),
        Binary::Subtract => Ok(left - right),
        Binary::Multiply => Ok(left * right),
        Binary::Divide if right == 0.0 => Err(Fault::DivisionByZero),
        Binary::Divide => Ok(left / right),
        Binary::FloorDivide => float::divide_with_rest(left, right).map(|(quotient, _)| quotient),
        Binary::Modulo => float::divide_with_rest(left, right).map(|(_, rest)| rest),
        _ => float::power(left, right),
    }
}
