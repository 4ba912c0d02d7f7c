//! `bantime.increment` and its options, from the texts of the configuration to the engine's rule.
//!
//! A value that cannot be used is cited and left out; where nothing sensible is left without it, the jail's bans do not
//! grow, which is said too. No jail is lost for it.

use base::{Diagnostic, Severity, Span, parse_duration};
use conf::{JailSpec, Value};
use engine::formula::{Formula, Number, factor};
use engine::{Growth, GrowthRule, USUAL_FORMULA};

/// The jail's rule; none if its bans do not grow.
pub(super) fn growth(spec: &JailSpec, diagnostics: &mut Vec<Diagnostic>) -> Option<Growth> {
    let options = &spec.increment;
    if !options.enabled {
        return None;
    }
    let mut faults = Faults { spec, diagnostics };
    // All that is wrong is told, also where the first mistake decides.
    let factor = faults.factor(options.factor.as_ref());
    let longest = faults.time("bantime.maxtime", options.maxtime.as_ref());
    let spread = faults.time("bantime.rndtime", options.rndtime.as_ref());
    let rule = match options
        .multipliers
        .as_ref()
        .filter(|value| !is_blank(value))
    {
        Some(value) => GrowthRule::Multipliers(faults.multipliers(value)?),
        None => GrowthRule::Formula(faults.formula(options.formula.as_ref())?),
    };
    Some(Growth {
        rule,
        factor,
        longest,
        spread,
        over_all_jails: options.overalljails,
    })
}

struct Faults<'a> {
    spec: &'a JailSpec,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Faults<'_> {
    fn multipliers(&mut self, value: &Value) -> Option<Vec<i64>> {
        let words = value.text.split_whitespace();
        let numbers: Option<Vec<i64>> = words.map(|word| word.parse().ok()).collect();
        if numbers.is_none() {
            self.tell(
                value,
                "bantime.multipliers is no list of whole numbers; the bans of this jail do not grow",
                "write numbers with blanks between them, such as 1 5 30 60 300 720 1440 2880",
            );
        }
        numbers
    }

    fn formula(&mut self, value: Option<&Value>) -> Option<Formula> {
        let text = value.filter(|value| !is_blank(value));
        let parsed = Formula::parse(text.map_or(USUAL_FORMULA, |value| value.text.trim()));
        if let (Err(error), Some(value)) = (&parsed, value) {
            let what = format!("bantime.formula, {error}; the bans of this jail do not grow");
            self.tell(
                value,
                &what,
                "write arithmetic with ban.Time, ban.Count and banFactor, or leave it out: bans then double",
            );
        }
        parsed.ok()
    }

    fn factor(&mut self, value: Option<&Value>) -> Number {
        let Some(value) = value.filter(|value| !is_blank(value)) else {
            return Number::from(1);
        };
        // No factor is a matter of chance: it is reckoned once, here.
        factor(value.text.trim(), 0).unwrap_or_else(|error| {
            let what = format!("bantime.factor, {error}; it is taken as 1");
            self.tell(value, &what, "write a number, such as 1 or 0.5");
            Number::from(1)
        })
    }

    /// A span above zero, or none.
    fn time(&mut self, option: &str, value: Option<&Value>) -> Option<Span> {
        let value = value.filter(|value| !is_blank(value))?;
        match parse_duration(&value.text) {
            Ok(seconds) if seconds >= 0.0 => Some(Span::from_secs_f64(seconds)),
            Ok(_) => {
                let what = format!("{option} is below zero; it is left out");
                self.tell(value, &what, "leave the line out for no bound");
                None
            }
            Err(_) => {
                let what = format!("{option} is no time; it is left out");
                self.tell(value, &what, "write a time such as 5w or 2h 30m");
                None
            }
        }
    }

    fn tell(&mut self, value: &Value, what: &str, help: &str) {
        let diagnostic = Diagnostic::new(Severity::Warning, what)
            .with_jail(&self.spec.name)
            .with_origin(Some(&value.origin))
            .with_help(help);
        self.diagnostics.push(diagnostic);
    }
}

fn is_blank(value: &Value) -> bool {
    value.text.trim().is_empty()
}
