//! The operators of floating point numbers in which Python differs from the machine.

use super::FormulaFault as Fault;
use super::integer::Integer;

/// Floor of the quotient, and a rest with the sign of the divisor.
pub(crate) fn divide_with_rest(left: f64, right: f64) -> Result<(f64, f64), Fault> {
    if right == 0.0 {
        return Err(Fault::DivisionByZero);
    }
    // Exact, with the sign of the dividend.
    let mut rest = left % right;
    let mut quotient = (left - rest) / right;
    if rest == 0.0 {
        rest = 0f64.copysign(right);
    } else if (rest < 0.0) != (right < 0.0) {
        rest += right;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return Ok((0f64.copysign(left / right), rest));
    }
    // The quotient is a whole number but for the rounding.
    let floor = quotient.floor();
    let near = quotient - floor > 0.5;
    Ok((if near { floor + 1.0 } else { floor }, rest))
}

/// `left` to the power of `right`.
pub(crate) fn power(left: f64, right: f64) -> Result<f64, Fault> {
    if left == 0.0 && right < 0.0 {
        return Err(Fault::DivisionByZero);
    }
    let finite = left.is_finite() && right.is_finite();
    if finite && left < 0.0 && right.fract() != 0.0 {
        return Err(Fault::Unsupported(
            "a negative number to a broken power is a complex number, which a formula has not"
                .into(),
        ));
    }
    let result = left.powf(right);
    if finite && result.is_infinite() {
        return Err(Fault::Overflow);
    }
    Ok(result)
}

/// To the nearest whole number, half to even.
pub(crate) fn round_to_integer(value: f64) -> Result<Integer, Fault> {
    Integer::truncate(value.round_ties_even())
}

/// To so many places behind the point, or before it if negative: the decimal number that is nearest to the exact
/// value, half to even.
pub(crate) fn round_to_places(value: f64, places: i64) -> Result<f64, Fault> {
    // No float has a digit further behind the point, and none is half of ten to the 309th.
    if !value.is_finite() || value == 0.0 || places > 323 {
        return Ok(value);
    }
    if places < -308 {
        return Ok(0.0 * value);
    }
    if places >= 0 {
        let text = format!("{value:.*}", places as usize);
        let rounded: f64 = text.parse().map_err(|_| Fault::Overflow)?;
        return finite(rounded);
    }
    let places = places.unsigned_abs() as u32;
    // A broken part matters where it makes more of an exact half. Two more digits say whether there is one.
    let whole = Integer::truncate(value.abs())?;
    let hundred = Integer::from(100i64);
    let sticky = Integer::from(i64::from(value.fract() != 0.0));
    let magnitude = whole.multiply(&hundred)?.add(&sticky)?;
    let rounded = magnitude.round_to_ten(places + 2)?.floor_divide(&hundred)?;
    finite(rounded.to_f64()?.copysign(value))
}

fn finite(value: f64) -> Result<f64, Fault> {
    if value.is_infinite() {
        return Err(Fault::Overflow);
    }
    Ok(value)
}
