//! The stack machine.

use super::FormulaFault as Fault;
use super::code::{Code, Step, Variable, When};
use super::random::Random;
use super::value::{Number, Value};
use super::{FormulaError, Inputs, arithmetic, compare};

/// What a program comes to.
pub(crate) fn evaluate(text: &str, code: &Code, inputs: &Inputs) -> Result<Number, FormulaError> {
    let mut machine = Machine {
        inputs,
        random: Random::new(inputs.random),
        stack: Vec::new(),
    };
    let mut next = 0;
    while let Some(instruction) = code.get(next) {
        let step = machine.step(&instruction.step);
        next += 1 + step.map_err(|fault| fault.at(text, instruction.at))?;
    }
    let result = machine.pop().and_then(|value| {
        value.number().ok_or_else(|| {
            let kind = value.kind();
            Fault::Type(format!("the result is {kind}, not a number"))
        })
    });
    result.map_err(|fault| fault.at(text, 0))
}

struct Machine<'i> {
    inputs: &'i Inputs,
    random: Random,
    stack: Vec<Value>,
}

impl Machine<'_> {
    /// Carries out one step and tells how many to pass over.
    fn step(&mut self, step: &Step) -> Result<usize, Fault> {
        let value = match step {
            Step::Push(value) => value.clone(),
            Step::Load(Variable::Time) => self.inputs.ban_time.clone().into(),
            Step::Load(Variable::Count) => Number::from(i64::from(self.inputs.ban_count)).into(),
            Step::Load(Variable::Factor) => self.inputs.ban_factor.clone().into(),
            Step::Unary(operator) => arithmetic::unary(*operator, &self.pop()?)?,
            Step::Binary(operator) => {
                let (left, right) = self.pop_two()?;
                arithmetic::binary(&left, *operator, &right)?
            }
            Step::Compare(by) => {
                let (left, right) = self.pop_two()?;
                Value::Bool(compare::compare(&left, *by, &right)?)
            }
            Step::Call(function, count) => {
                let values = self.pop_many(*count)?;
                (function.call)(&values, &mut self.random)?
            }
            Step::Sequence(count) => Value::Sequence(self.pop_many(*count)?),
            Step::Index => {
                let (sequence, index) = self.pop_two()?;
                item(sequence, &index)?
            }
            Step::Jump(when, length) => {
                return Ok(if self.jumps(*when)? { *length } else { 0 });
            }
        };
        self.stack.push(value);
        Ok(0)
    }

    fn jumps(&mut self, when: When) -> Result<bool, Fault> {
        match when {
            When::Always => Ok(true),
            When::False => Ok(!self.pop()?.truth()),
            When::FalseElsePop | When::TrueElsePop => {
                let value = self.pop()?;
                let jumps = value.truth() == (when == When::TrueElsePop);
                if jumps {
                    self.stack.push(value);
                }
                Ok(jumps)
            }
            When::Not(by) => {
                let (left, right) = self.pop_two()?;
                let holds = compare::compare(&left, by, &right)?;
                self.stack
                    .push(if holds { right } else { Value::Bool(false) });
                Ok(!holds)
            }
        }
    }

    /// What the parser wrote never takes more than is there.
    fn pop(&mut self) -> Result<Value, Fault> {
        self.stack.pop().ok_or(Fault::Value("nothing to work with"))
    }

    fn pop_two(&mut self) -> Result<(Value, Value), Fault> {
        let right = self.pop()?;
        Ok((self.pop()?, right))
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, Fault> {
        let start = self.stack.len().checked_sub(count);
        let start = start.ok_or(Fault::Value("nothing to work with"))?;
        Ok(self.stack.split_off(start))
    }
}

/// An item of a sequence, counted from 0 or, if negative, from the end.
fn item(sequence: Value, index: &Value) -> Result<Value, Fault> {
    let Value::Sequence(mut items) = sequence else {
        let what = format!(
            "an index needs a sequence before it, not {}",
            sequence.kind()
        );
        return Err(Fault::Type(what));
    };
    let Some(Number::Int(index)) = index.number() else {
        let what = format!("an index is a whole number, not {}", index.kind());
        return Err(Fault::Type(what));
    };
    let place = index.to_i64().and_then(|index| {
        let from = if index < 0 { items.len() as i64 } else { 0 };
        usize::try_from(from.checked_add(index)?).ok()
    });
    match place {
        Some(place) if place < items.len() => Ok(items.swap_remove(place)),
        _ => Err(Fault::Value("the sequence has no item of this index")),
    }
}
