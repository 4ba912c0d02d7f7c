//! fail2ban's time expressions: `10m`, `1d 2h`, `60*60*24`, `-1`.
//!
//! The dialect's rule (behaviour §1.9): unit words become factors, blanks between numbers become `+`, and the
//! result is a Python arithmetic expression. Nothing but numbers is evaluated: no names, no calls.

use std::fmt;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError;

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time expression such as 600, 10m or 1d 12h")
    }
}

impl std::error::Error for DurationError {}

/// Brackets and signs nest at most so deep, so that no input can exhaust the stack.
const MAX_DEPTH: u32 = 64;

/// The value in seconds; always finite.
pub fn parse_duration(text: &str) -> Result<f64, DurationError> {
    parse_seconds(text).map(|seconds| seconds.value)
}

/// Seconds, and whether Python has them as `float`: months, years, fractions and quotients are, all else is `int`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds {
    /// Always finite; whole if it is no float.
    pub value: f64,
    /// It is a `float`.
    pub is_float: bool,
}

/// As Python prints it.
impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_float {
            return write!(f, "{:.0}", self.value);
        }
        let shown = format!("{:?}", self.value);
        match shown.split_once('e') {
            None => f.write_str(&shown),
            Some((digits, power)) => {
                let (sign, power) = match power.strip_prefix('-') {
                    Some(power) => ('-', power),
                    None => ('+', power),
                };
                let digits = digits.strip_suffix(".0").unwrap_or(digits);
                write!(f, "{digits}e{sign}{power:0>2}")
            }
        }
    }
}

/// The same with the type of its number.
pub fn parse_seconds(text: &str) -> Result<Seconds, DurationError> {
    let tokens = tokens(text.trim())?;
    let mut parser = Parser {
        tokens: &tokens,
        depth: 0,
    };
    let seconds = parser.sum()?;
    if parser.tokens.is_empty() && seconds.value.is_finite() {
        Ok(seconds)
    } else {
        Err(DurationError)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Number(Seconds),
    Plus,
    Minus,
    Times,
    Power,
    Divide,
    FloorDivide,
    Modulo,
    Open,
    Close,
}

/// What a unit stands for; months and years are no whole numbers of days to fail2ban, and floats therefore.
fn unit(word: &str) -> Option<Seconds> {
    let value = match word.to_ascii_lowercase().as_str() {
        "s" | "ss" | "se" | "sec" | "second" | "seconds" => 1.0,
        "m" | "mm" | "mi" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hh" | "ho" | "hou" | "hour" | "hours" => 3600.0,
        "d" | "dd" | "da" | "day" | "days" => 86_400.0,
        "w" | "ww" | "we" | "wee" | "week" | "weeks" => 604_800.0,
        "mo" | "mon" | "month" | "months" => 2_629_800.0,
        "y" | "yy" | "ye" | "yea" | "year" | "years" => 31_557_600.0,
        _ => return None,
    };
    let is_float = value > 604_800.0;
    Some(Seconds { value, is_float })
}

fn tokens(text: &str) -> Result<Vec<Token>, DurationError> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    // Whether a number that begins here stands beside another one, which means a sum.
    let mut joins = false;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let end_of = |from: usize, belongs: &dyn Fn(u8) -> bool| {
            from + bytes[from..].iter().take_while(|b| belongs(**b)).count()
        };
        if byte.is_ascii_whitespace() {
            at = end_of(at, &|b| b.is_ascii_whitespace());
            continue;
        }
        if byte.is_ascii_digit() || byte == b'.' {
            at = end_of(at, &|b| b.is_ascii_digit() || b == b'.');
            let word = &text[start..at];
            if joins && byte.is_ascii_digit() {
                out.push(Token::Plus);
            }
            let leading_zero =
                word.starts_with('0') && word.bytes().any(|b| b != b'0') && !word.contains('.');
            if leading_zero || word == "." {
                return Err(DurationError);
            }
            out.push(Token::Number(Seconds {
                value: word.parse().map_err(|_| DurationError)?,
                is_float: word.contains('.'),
            }));
            joins = bytes[at - 1].is_ascii_digit();
            continue;
        }
        if byte.is_ascii_alphabetic() {
            at = end_of(at, &|b| b.is_ascii_alphabetic());
            let follows = start > 0
                && (bytes[start - 1].is_ascii_digit() || bytes[start - 1].is_ascii_whitespace());
            let factor = unit(&text[start..at])
                .filter(|_| follows)
                .ok_or(DurationError)?;
            out.extend([Token::Times, Token::Number(factor)]);
            joins = true;
            continue;
        }
        let double = bytes.get(at + 1) == Some(&byte);
        let token = match byte {
            b'+' => Token::Plus,
            b'-' => Token::Minus,
            b'*' if double => Token::Power,
            b'*' => Token::Times,
            b'/' if double => Token::FloorDivide,
            b'/' => Token::Divide,
            b'%' => Token::Modulo,
            b'(' => Token::Open,
            b')' => Token::Close,
            _ => return Err(DurationError),
        };
        at += if matches!(token, Token::Power | Token::FloorDivide) {
            2
        } else {
            1
        };
        out.push(token);
        joins = false;
    }
    Ok(out)
}

/// Python's precedences: sum, product, sign, power (to the right, and stronger than a sign on its left).
struct Parser<'a> {
    tokens: &'a [Token],
    depth: u32,
}

impl Parser<'_> {
    fn next_if(&mut self, wanted: impl Fn(Token) -> bool) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        wanted(*first).then(|| {
            self.tokens = rest;
            *first
        })
    }

    fn sum(&mut self) -> Result<Seconds, DurationError> {
        let mut left = self.product()?;
        while let Some(operator) = self.next_if(|t| matches!(t, Token::Plus | Token::Minus)) {
            let right = self.product()?;
            left.value = if operator == Token::Plus {
                left.value + right.value
            } else {
                left.value - right.value
            };
            left.is_float |= right.is_float;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Seconds, DurationError> {
        let mut left = self.sign()?;
        let is_product = |t| {
            matches!(
                t,
                Token::Times | Token::Divide | Token::FloorDivide | Token::Modulo
            )
        };
        while let Some(operator) = self.next_if(is_product) {
            let right = self.sign()?;
            if operator != Token::Times && right.value == 0.0 {
                return Err(DurationError);
            }
            let floor = (left.value / right.value).floor();
            left.value = match operator {
                Token::Times => left.value * right.value,
                Token::Divide => left.value / right.value,
                Token::FloorDivide => floor,
                _ => left.value - floor * right.value,
            };
            left.is_float |= right.is_float || operator == Token::Divide;
        }
        Ok(left)
    }

    fn sign(&mut self) -> Result<Seconds, DurationError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(DurationError);
        }
        let seconds = match self.next_if(|t| matches!(t, Token::Plus | Token::Minus)) {
            Some(Token::Minus) => {
                let right = self.sign()?;
                // An integer has no negative zero.
                let value = match right.value == 0.0 && !right.is_float {
                    true => 0.0,
                    false => -right.value,
                };
                Seconds { value, ..right }
            }
            Some(_) => self.sign()?,
            None => self.power()?,
        };
        self.depth -= 1;
        Ok(seconds)
    }

    fn power(&mut self) -> Result<Seconds, DurationError> {
        let base = match self.next_if(|t| matches!(t, Token::Number(_) | Token::Open)) {
            Some(Token::Number(number)) => number,
            Some(_) => {
                let value = self.sum()?;
                self.next_if(|t| t == Token::Close).ok_or(DurationError)?;
                value
            }
            None => return Err(DurationError),
        };
        if self.next_if(|t| t == Token::Power).is_none() {
            return Ok(base);
        }
        let power = self.sign()?;
        Ok(Seconds {
            value: base.value.powf(power.value),
            is_float: base.is_float || power.is_float || power.value < 0.0,
        })
    }
}

/// Seconds as fail2ban shows them: up to three units out of `y w d h m s`, the longer the coarser.
pub fn format_duration(seconds: i64) -> String {
    const DAY: u64 = 86_400;
    const UNITS: [(u64, char); 6] = [
        (365 * DAY, 'y'),
        (7 * DAY, 'w'),
        (DAY, 'd'),
        (3600, 'h'),
        (60, 'm'),
        (1, 's'),
    ];
    let length = seconds.unsigned_abs();
    // What it is rounded to, and the units that may appear. Ten seconds can make a minute and are never shown.
    let (grain, units) = match length {
        0 => return "0".into(),
        _ if length >= 365 * DAY => (DAY, 0..6),
        _ if length >= 7 * DAY => (3600, 1..6),
        _ if length >= DAY => (60, 2..6),
        3595.. => (10, 3..5),
        _ => (1, 3..6),
    };
    let mut rest = round_half_even(length, grain);
    let parts: Vec<String> = UNITS[units]
        .iter()
        .filter_map(|(size, letter)| {
            let count = rest / size;
            rest %= size;
            (count > 0).then(|| format!("{count}{letter}"))
        })
        .take(3)
        .collect();
    let sign = if seconds < 0 { "-" } else { "" };
    format!("{sign}{}", parts.join(" "))
}

/// The same of seconds that may be a floating point number: below an hour fail2ban shows such a one with all its
/// digits.
pub fn format_seconds(seconds: Seconds) -> String {
    let Seconds { value, is_float } = seconds;
    if !is_float || value.abs() >= 3595.0 {
        return format_duration(value.round_ties_even() as i64);
    }
    let length = value.abs();
    let (minutes, rest) = ((length / 60.0).floor(), length % 60.0);
    let parts = [(minutes, 'm'), (rest, 's')];
    let parts = parts.iter().filter(|(count, _)| *count > 0.0);
    let parts: Vec<String> = parts
        .map(|(count, letter)| format!("{count:?}{letter}"))
        .collect();
    match parts.is_empty() {
        true => "0".to_owned(),
        false if value < 0.0 => format!("-{}", parts.join(" ")),
        false => parts.join(" "),
    }
}

fn round_half_even(value: u64, grain: u64) -> u64 {
    let (whole, rest) = (value / grain, value % grain);
    let up = rest * 2 > grain || (rest * 2 == grain && whole % 2 == 1);
    (whole + u64::from(up)).saturating_mul(grain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: f64) {
        assert_eq!(parse_duration(text), Ok(expected), "{text}");
    }

    #[test]
    fn shows_fractions_as_python_has_them() {
        let check = |value, expected: &str| {
            let is_float = true;
            assert_eq!(format_seconds(Seconds { value, is_float }), expected);
        };
        check(0.0, "0");
        check(0.5, "0.5s");
        check(10.0, "10.0s");
        check(75.0, "1.0m 15.0s");
        check(120.0, "2.0m");
        check(1630.97, "27.0m 10.970000000000027s");
        check(3600.0, "1h");
        check(700_000.0, "1w 1d 2h");
    }

    #[test]
    fn reads_units_sums_and_arithmetic() {
        check("600", 600.0);
        check("10m", 600.0);
        check("1d 2h", 93_600.0);
        check("1d12h30m", 131_400.0);
        check("1y6mo", 47_336_400.0);
        check("10 20", 30.0);
        check("1w1", 604_801.0);
        check("10min5", 605.0);
        check("1h-30m", 1800.0);
        check("2.5h", 9000.0);
        check("1h*2", 7200.0);
        check("60*60*24", 86_400.0);
        check("-1", -1.0);
        check("5M", 300.0);
        check("1/2", 0.5);
        check("-7//2", -4.0);
        check("-7%3", 2.0);
        check("-2**2", -4.0);
        check("2**-1", 0.5);
        check("(1 + 2) * 3", 9.0);
    }

    #[test]
    fn shows_numbers_as_python_does() {
        let cases = [
            ("600", "600"),
            ("1d12h30m", "131400"),
            ("1y6mo", "47336400.0"),
            ("2.5h", "9000.0"),
            ("1/2", "0.5"),
            ("4/2", "2.0"),
            ("7//2", "3"),
            ("7.0//2", "3.0"),
            ("2**-1", "0.5"),
            ("2**10", "1024"),
            ("-1", "-1"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("10**16*1.0", "1e+16"),
            ("1.5*10**17", "1.5e+17"),
            ("1/100000", "1e-05"),
        ];
        for (text, expected) in cases {
            let shown = parse_seconds(text).map(|seconds| seconds.to_string());
            assert_eq!(shown, Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_what_python_refuses() {
        for text in [
            "", "foo", "m", "010", "0x10", "1e3", "1,000", "1/0", "(1", "1)", "**", "1 2 +",
            "9**9**9",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError), "{text}");
        }
        assert!(parse_duration(&"(".repeat(100_000)).is_err());
        assert!(parse_duration(&"-".repeat(100_000)).is_err());
    }

    #[test]
    fn shows_up_to_three_units() {
        let shown = |seconds| format_duration(seconds);
        assert_eq!(shown(0), "0");
        assert_eq!(shown(600), "10m");
        assert_eq!(shown(3594), "59m 54s");
        assert_eq!(shown(3595), "1h");
        assert_eq!(shown(3605), "1h");
        assert_eq!(shown(86_399), "24h");
        assert_eq!(shown(90_061), "1d 1h 1m");
        assert_eq!(shown(31_535_999), "52w 1d");
        assert_eq!(shown(33_696_000), "1y 3w 4d");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ 0-9a-z.+*/%()-]{0,20}|.*") {
            prop_assert!(parse_duration(&text).map_or(true, f64::is_finite));
        }

        #[test]
        fn reads_what_it_shows(seconds in 0i64..3595) {
            prop_assert_eq!(parse_duration(&format_duration(seconds)), Ok(seconds as f64));
        }
    }
}
