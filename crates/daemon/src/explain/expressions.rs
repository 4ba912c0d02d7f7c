//! The expressions on the line: which one matches, or how far the nearest one gets.

use super::Way;
use super::chain::step;
use crate::plan::usedns;
use base::Timestamp;
use conf::Value;
use detect::{Asked, Clock, CutDate, Detector, Explained, Explanation, Line, LineVerdict, reach};
use std::sync::Arc;
use wire::explain::{Outcome, Stage, Step};

const ASKED: Asked = Asked {
    every_failregex: false,
    captures: false,
};

/// What the jail's detector saw in the line.
pub(super) struct Seen {
    detector: Detector,
    explanation: Explanation,
    verdict: LineVerdict,
    /// The date that a person sees in it, also where the journal has one of its own.
    cut: Option<CutDate>,
}

impl Seen {
    pub(super) fn of(way: &Way<'_>, before: &[&str], line: &str) -> Self {
        // Whether it is too old is a step of its own.
        let mut detector = Detector::timeless(Arc::clone(&way.jail.rule));
        let clock = Clock {
            now: way.now,
            zone: way.zone,
            in_operation: false,
        };
        let mut explanation = Explanation::default();
        let mut verdict = LineVerdict::NoMatch;
        let mut cut = None;
        for text in before.iter().chain([&line]) {
            verdict = detector.explain(&Line::of_file(text), &clock, ASKED, &mut explanation);
            cut.clone_from(&explanation.date);
            let Some(found) = &cut else { continue };
            // The journal gives an entry its time; what people paste has it in front.
            if way.spec.filter.logtype_journal && explanation.matched.is_empty() {
                let rest = text.get(found.bytes.end..).unwrap_or_default().trim_start();
                let entry = Line::of_journal(rest, found.time.unwrap_or(way.now));
                verdict = detector.explain(&entry, &clock, ASKED, &mut explanation);
            }
        }
        Self {
            detector,
            explanation,
            verdict,
            cut,
        }
    }

    pub(super) fn cut(&self) -> Option<&CutDate> {
        self.cut.as_ref()
    }

    pub(super) fn time(&self) -> Option<Timestamp> {
        self.cut.as_ref().and_then(|cut| cut.time)
    }

    /// Whom a failregex that matched says it is about.
    pub(super) fn said(&self) -> Option<&Explained> {
        self.explanation.matches.first()
    }

    /// Prefregex, failregex and ignoreregex.
    pub(super) fn steps(&mut self, way: &Way<'_>, line: &str, is_shown: bool) -> Vec<Step> {
        let filter = &way.spec.filter;
        let mut steps = Vec::new();
        let ignored = self.explanation.ignored_by.first().copied();
        if let (Some(at), true) = (ignored, self.explanation.matched.is_empty()) {
            steps.push(ignored_step(filter.ignoreregex.get(at), at));
            return steps;
        }
        if let Some(prefix) = &filter.prefregex {
            if !self.explanation.prefix_matches {
                let text = self.detector.searched(&self.explanation).to_owned();
                let near = Near::of(way, 0, prefix, &text);
                let mut stop = near.step(
                    Stage::Prefregex,
                    "prefregex does not match",
                    &text,
                    is_shown,
                );
                stop.help = near.help(way, line);
                steps.push(stop);
                return steps;
            }
            let mut ok = step(
                Stage::Prefregex,
                Outcome::Ok,
                format!("it matches{}", place(prefix)),
            );
            place_facts(&mut ok, prefix);
            steps.push(ok);
        }
        let total = filter.failregex.len();
        match self.explanation.matched.first() {
            Some(&at) => {
                let value = filter.failregex.get(at);
                let mut ok = step(
                    Stage::Failregex,
                    Outcome::Ok,
                    format!(
                        "number {} of {total} matches{}",
                        at + 1,
                        value.map_or_else(String::new, place)
                    ),
                );
                ok.facts.number = Some(at as u64 + 1);
                if let Some(value) = value {
                    place_facts(&mut ok, value);
                }
                steps.push(ok);
            }
            None => steps.push(self.nearest(way, line, is_shown)),
        }
        if let Some(at) = ignored {
            steps.push(ignored_step(filter.ignoreregex.get(at), at));
        } else if !self.explanation.matched.is_empty() {
            let text = match filter.ignoreregex.len() {
                0 => "there is none".to_owned(),
                n => format!("none of {n} matches"),
            };
            steps.push(step(Stage::Ignoreregex, Outcome::Ok, text));
            if self.said().is_none() {
                steps.push(self.nobody(way));
            }
        }
        steps
    }

    /// A failregex matches, and nothing comes of it.
    fn nobody(&self, way: &Way<'_>) -> Step {
        let (text, help) = match (self.verdict, way.spec.filter.usedns) {
            (LineVerdict::Failed, conf::UseDns::No) => (
                "it names a host and no address, and usedns = no",
                Some("have the service log addresses, or set usedns = warn"),
            ),
            _ => (
                "it is no failure by itself: it is noted for its session, whose further lines say whom it is about",
                Some(
                    "give the lines of the session before it as well, each with a --line of its own",
                ),
            ),
        };
        let mut stop = step(Stage::Whom, Outcome::Stop, text);
        stop.help = help.map(str::to_owned);
        stop
    }

    fn nearest(&self, way: &Way<'_>, line: &str, is_shown: bool) -> Step {
        let filter = &way.spec.filter;
        let total = filter.failregex.len();
        if total == 0 {
            let mut stop = step(
                Stage::Failregex,
                Outcome::Stop,
                "its filter has no failregex",
            );
            stop.help = Some(
                "name a filter of filter.d that has some, or write failregex under the jail".into(),
            );
            return stop;
        }
        if self.verdict == LineVerdict::OverBudget {
            let text = "a failregex gave up on the line: it takes too many steps";
            return step(Stage::Failregex, Outcome::Stop, text);
        }
        let text = self.detector.searched(&self.explanation).to_owned();
        let all = filter.failregex.iter().enumerate();
        let all = all.map(|(at, value)| Near::of(way, at, value, &text));
        let best = all.max_by_key(|near| (near.letters, near.text, std::cmp::Reverse(near.at)));
        let Some(near) = best else {
            return step(Stage::Failregex, Outcome::Stop, "no failregex matches");
        };
        let none = match total {
            1 => "the failregex does not match".to_owned(),
            n => format!("none of {n} failregexes matches"),
        };
        let mut stop = near.step(Stage::Failregex, &none, &text, is_shown);
        stop.help = near.help(way, line);
        stop
    }
}

/// How near an expression comes.
struct Near<'a> {
    at: usize,
    value: &'a Value,
    letters: usize,
    /// Bytes of the text.
    text: usize,
    /// Characters of the expression.
    pattern: usize,
}

impl<'a> Near<'a> {
    fn of(way: &Way<'_>, at: usize, value: &'a Value, text: &str) -> Self {
        let filter = &way.spec.filter;
        let reached = reach(
            &value.text,
            usedns(filter.usedns),
            filter.maxlines > 1,
            text,
        );
        Self {
            at,
            value,
            letters: reached.letters,
            text: reached.text,
            pattern: reached.pattern,
        }
    }

    fn step(&self, stage: Stage, none: &str, text: &str, is_shown: bool) -> Step {
        let found = match self.letters {
            0 => "no letter of any is found".to_owned(),
            _ => format!("the nearest is number {}{}", self.at + 1, place(self.value)),
        };
        let found = match stage {
            Stage::Prefregex => place(self.value).trim_start().to_owned(),
            _ => found,
        };
        let mut stop = step(stage, Outcome::Stop, format!("{none}; {found}"));
        stop.facts.number = Some(self.at as u64 + 1);
        place_facts(&mut stop, self.value);
        stop.facts.pattern = Some(self.value.text.clone());
        stop.facts.pattern_reached = Some(self.pattern as u64);
        let before = text.get(..self.text).unwrap_or_default();
        stop.facts.reached = Some(before.chars().count() as u64);
        stop.facts.searched = is_shown.then(|| text.trim_end_matches('\n').to_owned());
        stop
    }

    /// Mistakes that are made often.
    fn help(&self, way: &Way<'_>, line: &str) -> Option<String> {
        let text = &self.value.text;
        let first = text.chars().next();
        if let Some(quote) = first.filter(|c| "\"'".contains(*c))
            && text.len() > 1
            && text.ends_with(quote)
        {
            return Some(format!(
                "the expression is written in quotes ({quote}), which the line would have to have as well: leave them out"
            ));
        }
        let filter = &way.spec.filter;
        let whole = reach(
            text,
            usedns(filter.usedns),
            filter.maxlines > 1,
            &format!("{line}\n"),
        );
        if whole.is_whole {
            return Some(
                "it matches the line with its date, but the date is cut out before: leave it out of the expression, \
                 and begin with what stands behind it"
                    .into(),
            );
        }
        let named = match way.spec.filter.name.as_str() {
            "" => "the jail itself".to_owned(),
            name => format!("filter {name}"),
        };
        Some(format!(
            "these are the expressions that the jail uses, those of {named}: correct them, or name the filter that was meant"
        ))
    }
}

fn ignored_step(value: Option<&Value>, at: usize) -> Step {
    let mut stop = step(
        Stage::Ignoreregex,
        Outcome::Stop,
        format!(
            "ignoreregex {} matches{}",
            at + 1,
            value.map_or_else(String::new, place)
        ),
    );
    stop.facts.number = Some(at as u64 + 1);
    if let Some(value) = value {
        stop.facts.pattern = Some(value.text.clone());
        place_facts(&mut stop, value);
    }
    stop.help = Some("a line that it matches is no failure: narrow it down".into());
    stop
}

/// Where an expression stands.
fn place(value: &Value) -> String {
    format!(" ({}:{})", value.origin.file, value.origin.line)
}

fn place_facts(step: &mut Step, value: &Value) {
    step.facts.file = Some(value.origin.file.to_string());
    step.facts.file_line = Some(value.origin.line);
}
