//! `stockade conform-eval KIND`: what this very program answers to conformance cases.
//!
//! One JSON object a line comes in, one goes out, in the same order; who judges the answers is `cargo xtask conform`.
//! A task holds no expectation, so nothing here can know one. The code that answers is the one that guards.

mod action;
mod ban;
mod config;
mod date;
mod pattern;
mod rule;

use crate::args;
use crate::output::Output;
use serde_json::{Value, json};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What answers one task.
type Answer<'a> = dyn FnMut(&Value) -> Result<Value, String> + 'a;

/// Reads tasks until the input ends.
pub(crate) fn run(options: &args::ConformEval, output: &mut Output) -> io::Result<ExitCode> {
    let trees = Trees {
        dir: options.trees.clone().unwrap_or_default(),
    };
    let mut rules = rule::Rules::new(&trees);
    let mut answer: Box<Answer<'_>> = match options.kind.as_str() {
        "action" => Box::new(action::answer),
        "ban" => Box::new(ban::answer),
        "config" => Box::new(config::answer),
        "pattern" => Box::new(pattern::answer),
        "date" => Box::new(|task| date::answer(task, &trees)),
        "rule" => Box::new(move |task| rules.answer(task)),
        kind => {
            output.complain(&format!("error: unknown kind of cases '{kind}'"));
            return Ok(ExitCode::from(2));
        }
    };
    for line in io::stdin().lock().lines() {
        let answered = serde_json::from_str(&line?)
            .map_err(|error| error.to_string())
            .and_then(|task| answer(&task));
        let answered = answered.unwrap_or_else(|error| json!({ "error": error }));
        output.data(&answered.to_string())?;
        output.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the configuration trees lie that the cases name.
struct Trees {
    dir: PathBuf,
}

impl Trees {
    /// The filter that a task means: `{tree, filter, options}`.
    fn filter(&self, task: &Value) -> Result<conf::FilterSpec, String> {
        let dir = self.dir.join(text(task, "tree")?);
        let tree = conf::Tree::find(
            &daemon::DiskFiles,
            Some(Path::new(&dir)),
            conf::Manner::Fail2ban,
        );
        let call = call(text(task, "filter")?, &task["options"])?;
        let (spec, _) = conf::load_filter(&daemon::DiskFiles, &tree, &call, "auto");
        spec.map_err(|fault| fault.to_string())
    }
}

/// A filter with options as a jail writes it.
fn call(filter: &str, options: &Value) -> Result<String, String> {
    let mut call = filter.to_owned();
    for (key, value) in options.as_object().into_iter().flatten() {
        let value = value.as_str().ok_or("an option that is no text")?;
        let quote = if value.contains('"') { '\'' } else { '"' };
        call.push_str(&format!("[{key}={quote}{value}{quote}]"));
    }
    Ok(call)
}

fn text<'a>(task: &'a Value, key: &str) -> Result<&'a str, String> {
    task[key].as_str().ok_or(format!("no text '{key}'"))
}

/// The present and the zone that a task is answered in.
fn surroundings(task: &Value) -> Result<(base::Timestamp, jiff::tz::TimeZone), String> {
    let zone = text(task, "tz")?;
    let zone = jiff::tz::TimeZone::get(zone)
        .or_else(|_| jiff::tz::TimeZone::posix(zone))
        .map_err(|error| error.to_string())?;
    let now = task["now"].as_f64().ok_or("no number 'now'")?;
    Ok((
        base::Timestamp::from_micros((now * 1e6).round() as i64),
        zone,
    ))
}

/// The year in which the program that is compared with was started.
fn start_year(task: &Value) -> Result<i32, String> {
    let year = task["start_year"]
        .as_i64()
        .ok_or("no number 'start_year'")?;
    i32::try_from(year).map_err(|error| error.to_string())
}

fn seconds(time: base::Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}
