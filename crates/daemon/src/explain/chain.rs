//! A jail's steps put together, and what follows from them.

use base::format_duration;
use std::fs;
use wire::explain::{Cause, Chain, Facts, Outcome, Stage, Step, Verdict};

/// More than that may be written between an answer and a look at the file.
const BEHIND: u64 = 1 << 20;

pub(crate) fn step(step: Stage, outcome: Outcome, text: impl Into<String>) -> Step {
    Step {
        step,
        outcome,
        text: text.into(),
        help: None,
        facts: Facts::default(),
    }
}

/// Finds the first cause: what stops for certain comes before what only looks wrong, and that before what merely waits.
pub(crate) fn conclude(chain: &mut Chain) {
    let first = |outcome: Outcome, from: Option<Stage>| {
        let mut steps = chain.steps.iter();
        let found = steps
            .find(|step| step.outcome == outcome && from.is_none_or(|from| step.step >= from))?;
        Some(Cause {
            step: found.step,
            text: found.text.clone(),
            help: found.help.clone(),
        })
    };
    let (result, cause) = if is_banned(&chain.steps) {
        // What came before the ban is past; only what makes it ineffective is in the way.
        let kernel = Some(Stage::Kernel);
        let wrong = first(Outcome::Stop, kernel).or_else(|| first(Outcome::Doubt, kernel));
        (Verdict::Banned, wrong)
    } else if let Some(cause) = first(Outcome::Stop, None) {
        (Verdict::Stopped, Some(cause))
    } else if let Some(cause) = first(Outcome::Doubt, None) {
        (Verdict::Doubtful, Some(cause))
    } else if let Some(cause) = first(Outcome::Wait, None) {
        (Verdict::Counts, Some(cause))
    } else {
        (Verdict::Free, None)
    };
    chain.result = result;
    chain.cause = cause;
}

fn is_banned(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.facts.banned.is_some())
}

/// How much of a log there is beyond what the daemon has read; it looks at none for an explanation, as it waits for
/// nobody.
fn measure(step: &mut Step) {
    let (Some(path), Some(position)) = (&step.facts.file, step.facts.position) else {
        return;
    };
    let Ok(metadata) = fs::metadata(path) else {
        return;
    };
    let behind = metadata.len().saturating_sub(position);
    let age = metadata
        .modified()
        .ok()
        .and_then(|time| time.elapsed().ok());
    let age = age.map_or_else(String::new, |age| {
        format!(
            ", last written {} ago",
            format_duration(age.as_secs().max(1) as i64)
        )
    });
    step.text = format!("{} ({} bytes there{age})", step.text, metadata.len());
    if behind > BEHIND && step.outcome == Outcome::Ok {
        step.outcome = Outcome::Doubt;
        step.text.push_str(", and the rest is not read yet");
    }
}

/// Puts what a daemon knows in the place of what was only supposed.
pub fn join(chain: &mut Chain, live: Chain) {
    let counted = live.steps.iter().find_map(|step| step.facts.count);
    if counted.is_some_and(|count| count > 0) {
        for step in &mut chain.steps {
            if step.step == Stage::Date && step.outcome == Outcome::Stop {
                step.outcome = Outcome::Doubt;
                step.text
                    .push_str("; yet the daemon counts failures of it: a line that is read while it is new counts as of then");
            }
        }
    }
    let is_known = |stage: Stage| live.steps.iter().any(|step| step.step == stage);
    chain.steps.retain(|step| match step.step {
        // That the line stands in a log is known here only, and that a log is followed there only.
        Stage::Source => step.facts.file.is_some() || !is_known(Stage::Source),
        // What would ban it is told here only.
        Stage::Ban => !is_banned(&live.steps),
        Stage::Kernel => false,
        stage => !is_known(stage),
    });
    chain.id = chain.id.take().or(live.id);
    let mut known = live.steps;
    known.iter_mut().for_each(measure);
    chain.steps.extend(known);
    chain.steps.sort_by_key(|step| step.step);
    conclude(chain);
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Doubt, Ok, Stop, Unknown, Wait};

    fn chain(steps: &[(Stage, Outcome)]) -> Chain {
        let steps = steps
            .iter()
            .map(|(stage, outcome)| step(*stage, *outcome, "x"));
        let mut chain = Chain {
            steps: steps.collect(),
            ..Chain::default()
        };
        conclude(&mut chain);
        chain
    }

    #[test]
    fn a_certain_cause_comes_before_a_suspicion_and_that_before_patience() {
        let check = |steps: &[(Stage, Outcome)], result, cause| {
            let chain = chain(steps);
            let first = chain.cause.map(|cause| cause.step);
            assert_eq!((chain.result, first), (result, cause), "{steps:?}");
        };
        check(
            &[(Stage::Jail, Ok), (Stage::Kernel, Unknown)],
            Verdict::Free,
            None,
        );
        check(
            &[
                (Stage::Date, Doubt),
                (Stage::Ignore, Stop),
                (Stage::Count, Wait),
            ],
            Verdict::Stopped,
            Some(Stage::Ignore),
        );
        check(
            &[(Stage::Date, Doubt), (Stage::Count, Wait)],
            Verdict::Doubtful,
            Some(Stage::Date),
        );
        check(&[(Stage::Count, Wait)], Verdict::Counts, Some(Stage::Count));
    }

    #[test]
    fn what_a_daemon_knows_takes_the_place_of_what_was_supposed() {
        let mut told = chain(&[
            (Stage::Date, Stop),
            (Stage::Count, Wait),
            (Stage::Kernel, Unknown),
        ]);
        let mut counted = step(Stage::Count, Ok, "live");
        counted.facts.count = Some(2);
        let live = Chain {
            steps: vec![step(Stage::Source, Ok, "live"), counted],
            ..Chain::default()
        };
        join(&mut told, live);
        let all: Vec<(Stage, Outcome)> = told
            .steps
            .iter()
            .map(|step| (step.step, step.outcome))
            .collect();
        assert_eq!(
            all,
            [
                (Stage::Source, Ok),
                (Stage::Date, Doubt),
                (Stage::Count, Ok)
            ]
        );
        assert_eq!(told.result, Verdict::Doubtful);
    }
}
