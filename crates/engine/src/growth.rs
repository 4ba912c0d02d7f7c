//! How long the next ban of somebody who was banned before lasts (behaviour §4.5).

use crate::formula::{Formula, FormulaError, Inputs, Number};
use base::{Seconds, Span};
use std::fmt;

/// The rule of one jail.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// How the length follows from the number of former bans.
    pub rule: GrowthRule,
    /// What lengths are multiplied by.
    pub factor: Number,
    /// No ban grows beyond this; `None` for no bound.
    pub longest: Option<Span>,
    /// A random part of this is added last, even beyond `longest`, so that nobody can reckon the end.
    pub spread: Option<Span>,
    /// The former bans of all jails count, not only those of this one.
    pub over_all_jails: bool,
}

/// From former bans to a length.
#[derive(Clone, Debug, PartialEq)]
pub enum GrowthRule {
    /// An expression; it never makes a ban shorter.
    Formula(Formula),
    /// Multiples of the jail's ban time, by the number of former bans; the last one for all beyond. Never empty.
    Multipliers(Vec<i64>),
}

/// Why a ban did not grow.
#[derive(Clone, Debug, PartialEq)]
pub enum GrowthError {
    /// The formula cannot be evaluated.
    Formula(FormulaError),
    /// What it gave is no length of a ban, in seconds.
    NoLength(f64),
}

impl fmt::Display for GrowthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Formula(error) => write!(f, "bantime.formula: {error}"),
            Self::NoLength(seconds) => write!(f, "{seconds} seconds are no length of a ban"),
        }
    }
}

/// fail2ban's own formula: twice as long each time, up to the twentieth.
pub const USUAL_FORMULA: &str = "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor";

/// More former bans than this weigh no more.
const MOST: u32 = 20;

/// How many failures one failure of somebody counts for who was banned `bans` times: 2, 3, 5, 9 and so on.
pub(crate) fn weight(bans: u32) -> u32 {
    (1 << bans.min(MOST)) / 2 + 1
}

impl Growth {
    /// The length of the next ban after `bans` former ones, never below zero. `random` is different for each ban.
    ///
    /// # Errors
    /// The formula cannot be evaluated, or gives no length.
    pub(crate) fn length(
        &self,
        bantime: Span,
        bans: u32,
        random: u64,
    ) -> Result<Seconds, GrowthError> {
        let usual = seconds(bantime);
        let mut length = match &self.rule {
            GrowthRule::Formula(formula) => {
                let inputs = Inputs {
                    ban_time: number(usual),
                    ban_count: bans,
                    ban_factor: self.factor.clone(),
                    random,
                };
                let given = formula.evaluate(&inputs).map_err(GrowthError::Formula)?;
                let given = plain(&given);
                if given.value > usual.value {
                    given
                } else {
                    usual
                }
            }
            GrowthRule::Multipliers(multipliers) => {
                let by = multipliers.get(bans as usize).or(multipliers.last());
                let by = by.copied().unwrap_or(1) as f64;
                let factor = plain(&self.factor);
                Seconds {
                    value: usual.value * factor.value * by,
                    is_float: usual.is_float || factor.is_float,
                }
            }
        };
        if let Some(longest) = self.longest.map(seconds)
            && longest.value < length.value
        {
            length = longest;
        }
        if let Some(spread) = self.spread {
            length = Seconds {
                value: length.value + fraction(random) * spread.as_secs_f64(),
                is_float: true,
            };
        }
        if length.value >= 0.0 {
            Ok(length)
        } else {
            Err(GrowthError::NoLength(length.value))
        }
    }
}

/// A time as Python would have it: whole seconds are ints.
fn seconds(span: Span) -> Seconds {
    Seconds {
        value: span.as_secs_f64(),
        is_float: span != Span::from_secs(span.as_secs()),
    }
}

fn number(seconds: Seconds) -> Number {
    match seconds.is_float {
        true => Number::from(seconds.value),
        false => Number::from(seconds.value as i64),
    }
}

fn plain(number: &Number) -> Seconds {
    Seconds {
        value: number.to_f64(),
        is_float: matches!(number, Number::Float(_)),
    }
}

/// From 0 up to, not including, 1.
fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1u64 << 53) as f64
}
