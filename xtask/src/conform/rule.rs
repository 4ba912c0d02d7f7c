//! Filters on lines: whom each line is about, when, with which captures, by which regex.
//!
//! Three kinds of cases come to one question: these lines, in order, to one fresh detector. Lines of which nothing
//! is recorded must give nothing.

use super::cases::{Cases, line_text};
use super::date::alike;
use super::evaluator::Program;
use super::{Difference, START_YEAR, Tally};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the recorded engine keeps among the captures for itself.
const INTERNALS: &[&str] = &["mlfpending", "mlfgained", "mlfforget", "nofail"];

/// The zone and the clock of a recording.
struct Clock {
    tz: &'static str,
    now: i64,
}

const OF_SAMPLES: Clock = Clock {
    tz: "CET-01CEST-02,M3.5.0,M10.5.0",
    now: 1_124_013_600,
};
const OF_FOREIGN: Clock = Clock {
    tz: "UTC",
    now: 1_700_000_000,
};

/// Lines to one detector, and what is said of each.
struct Unit {
    label: String,
    id: String,
    tree: String,
    filter: Value,
    options: Value,
    /// Texts, or `{journal: text}`.
    lines: Vec<Value>,
    /// By the index of the line: a record with `all` and `first`, or with `timeout` where the original had no answer.
    hits: BTreeMap<usize, Value>,
}

/// fail2ban's own annotated samples, in blocks and in streams.
pub(crate) fn judge_samples(
    cases: &Cases,
    program: &Program,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut units = Vec::new();
    for folder in ["cases", "streams"] {
        let folder = cases.within(folder);
        for name in folder.names() {
            units.extend(folder.read(&name)?.iter().map(sample));
        }
    }
    judge(&units, &OF_SAMPLES, program, tally)
}

/// Every filter over every sample log, dates, and changed lines.
pub(crate) fn judge_matrix(
    cases: &Cases,
    program: &Program,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut lines: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    let of_lines = cases.within("lines");
    for name in of_lines.names() {
        for line in of_lines.read(&name)? {
            let file = line["file"].as_str().unwrap_or_default().to_owned();
            let number = line["no"].as_u64().unwrap_or_default();
            lines
                .entry(file)
                .or_default()
                .push((number, line_text(&line)));
        }
    }
    for label in cases.names() {
        let of_label = cases.within(&label);
        let recorded = of_label.read("units.jsonl")?;
        if recorded.is_empty() {
            continue;
        }
        let hits = by_unit(of_label.read("hits.jsonl")?, "file");
        let mut units = Vec::new();
        for unit in &recorded {
            let file = unit["file"].as_str().unwrap_or_default();
            units.push(unit_of(&label, unit, "file", lines.get(file), &hits));
        }
        units.extend(
            of_label
                .read("mutations.jsonl")?
                .iter()
                .map(|line| mutation(&label, line)),
        );
        judge(&units, &OF_SAMPLES, program, tally)?;
        judge_dates(
            &label,
            &of_label.read("dates.jsonl")?,
            &lines,
            program,
            tally,
        )?;
    }
    Ok(())
}

/// Logs from elsewhere.
pub(crate) fn judge_foreign(
    cases: &Cases,
    program: &Program,
    tally: &mut Tally,
) -> Result<(), String> {
    for source in cases.names() {
        let source = cases.within(&source);
        let mut lines: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
        for line in source.read("lines.jsonl")? {
            let unit = line["unit"].as_str().unwrap_or_default().to_owned();
            let number = line["no"].as_u64().unwrap_or_default();
            lines
                .entry(unit)
                .or_default()
                .push((number, line_text(&line)));
        }
        for label in ["master", "debian-1.0.2"] {
            let hits = by_unit(source.read(&format!("results.{label}.jsonl"))?, "unit");
            let mut units = Vec::new();
            for unit in source.read(&format!("units.{label}.jsonl"))? {
                let name = unit["unit"].as_str().unwrap_or_default();
                units.push(unit_of(label, &unit, "unit", lines.get(name), &hits));
            }
            judge(&units, &OF_FOREIGN, program, tally)?;
        }
    }
    Ok(())
}

fn sample(case: &Value) -> Unit {
    let tree = match case["config"].as_str() {
        Some("tests-config") => "tests",
        _ => "master",
    };
    let mut lines = Vec::new();
    let mut hits = BTreeMap::new();
    let wrapped = |text: String, journal: bool| match journal {
        true => json!({ "journal": text }),
        false => text.into(),
    };
    let steps = case["steps"].as_array();
    for (index, step) in steps.into_iter().flatten().enumerate() {
        lines.push(wrapped(line_text(step), step["journal"] == true));
        hits.insert(index, step.clone());
    }
    let expected = case["expect"].as_array().into_iter().flatten();
    let given = case["lines"].as_array().into_iter().flatten();
    for (index, (line, expected)) in given.zip(expected).enumerate() {
        let text = match line.as_str() {
            Some(text) => text.to_owned(),
            None => line_text(line),
        };
        lines.push(wrapped(text, case["journal"] == true));
        hits.insert(index, expected.clone());
    }
    Unit {
        label: "master".into(),
        id: case["id"].to_string(),
        tree: tree.into(),
        filter: case["filter"].clone(),
        options: case["options"].clone(),
        lines,
        hits,
    }
}

/// Recorded results by what they belong to: filter, options and the name of the lines.
type Hits = BTreeMap<String, Vec<Value>>;

fn key(record: &Value, lines: &str) -> String {
    format!("{} {} {}", record["f"], record["o"], record[lines])
}

fn by_unit(records: Vec<Value>, lines: &str) -> Hits {
    let mut hits = Hits::new();
    for record in records {
        hits.entry(key(&record, lines)).or_default().push(record);
    }
    hits
}

fn unit_of(
    label: &str,
    unit: &Value,
    named: &str,
    lines: Option<&Vec<(u64, String)>>,
    hits: &Hits,
) -> Unit {
    let lines = lines.map_or(&[][..], Vec::as_slice);
    let place = |number: &Value| {
        let number = number.as_u64()?;
        lines.iter().position(|(known, _)| *known == number)
    };
    let of_unit = hits.get(&key(unit, named)).into_iter().flatten();
    Unit {
        label: label.into(),
        id: key(unit, named),
        tree: label.into(),
        filter: unit["f"].clone(),
        options: unit["o"].clone(),
        lines: lines.iter().map(|(_, text)| text.as_str().into()).collect(),
        hits: of_unit
            .filter_map(|hit| Some((place(&hit["no"])?, hit.clone())))
            .collect(),
    }
}

fn mutation(label: &str, case: &Value) -> Unit {
    Unit {
        label: label.into(),
        id: format!("{} {} {}", key(case, "base"), case["kind"], case["line"]),
        tree: label.into(),
        filter: case["f"].clone(),
        options: case["o"].clone(),
        lines: vec![line_text(case).into()],
        hits: [(0, case.clone())].into(),
    }
}

fn judge(
    units: &[Unit],
    clock: &Clock,
    program: &Program,
    tally: &mut Tally,
) -> Result<(), String> {
    let tasks: Vec<Value> = units
        .iter()
        .map(|unit| {
            json!({
                "tree": unit.tree, "filter": unit.filter, "options": unit.options,
                "tz": clock.tz, "now": clock.now, "start_year": START_YEAR, "lines": unit.lines,
            })
        })
        .collect();
    let answers = program.answers("rule", &tasks)?;
    for (unit, answer) in units.iter().zip(&answers) {
        let id = format!("{} {}", unit.tree, unit.id);
        tally.case(&unit.label, &id, &differences(unit, answer));
    }
    Ok(())
}

fn differences(unit: &Unit, answer: &Value) -> Vec<Difference> {
    if let Some(error) = answer.get("error") {
        return vec![Difference {
            field: "filter",
            theirs: Value::Null,
            ours: error.clone(),
            about: unit.filter.clone(),
        }];
    }
    let mut differences = Vec::new();
    let nothing = json!([]);
    for (index, line) in unit.lines.iter().enumerate() {
        let recorded = unit.hits.get(&index);
        if recorded.is_some_and(|recorded| recorded["timeout"] == true) {
            continue;
        }
        let theirs_all = recorded.map_or(&nothing, |recorded| &recorded["all"]);
        let theirs_first = match recorded.map(|recorded| &recorded["first"]) {
            Some(first) if first == "same" => theirs_all,
            Some(first) => first,
            None => &nothing,
        };
        let ours = &answer["hits"][index.to_string()];
        for (ours, theirs) in [(&ours["all"], theirs_all), (&ours["first"], theirs_first)] {
            compare(line, ours, theirs, &mut differences);
        }
    }
    differences
}

fn compare(line: &Value, ours: &Value, theirs: &Value, differences: &mut Vec<Difference>) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (our_list, their_list) = (list(ours), list(theirs));
    let mut differ = |field, theirs: Value, ours: Value| {
        if !alike(&theirs, &ours) {
            differences.push(Difference {
                field,
                theirs,
                ours,
                about: line.clone(),
            });
        }
    };
    if our_list.len() != their_list.len() {
        return differ("results", theirs.clone(), ours.clone());
    }
    for (ours, theirs) in our_list.iter().zip(&their_list) {
        let their = |long: &str, short: &str| match theirs.get(long) {
            Some(value) => value.clone(),
            None => theirs[short].clone(),
        };
        let harmless = theirs["nofail"] == true;
        differ("id", their("id", "id"), ours["id"].clone());
        differ("family", their("family", "fam"), ours["family"].clone());
        differ("time", their("time", "t"), ours["time"].clone());
        differ("regex", their("regex", "x"), ours["regex"].clone());
        differ("nofail", harmless.into(), ours["nofail"].clone());
        differ(
            "groups",
            groups(&their("groups", "g")),
            groups(&ours["groups"]),
        );
        if !harmless {
            let count = ours["matches"].as_array().map_or(0, Vec::len);
            differ("attempts", their("attempts", "n"), count.into());
        }
        // The recorder wrote the time of a journal entry in a form of its own.
        let is_text = line.is_string() && !harmless;
        if let Some(matches) = theirs.get("matches").filter(|_| is_text) {
            differ("matches", matches.clone(), ours["matches"].clone());
        }
    }
}

fn groups(groups: &Value) -> Value {
    let groups = groups.as_object().into_iter().flatten();
    let kept = groups.filter(|(name, _)| !INTERNALS.contains(&name.as_str()));
    Value::Object(
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}

/// The date in each line of a file, by the detector of one filter for each datepattern.
fn judge_dates(
    label: &str,
    records: &[Value],
    lines: &BTreeMap<String, Vec<(u64, String)>>,
    program: &Program,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut of_unit: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for record in records {
        of_unit.entry(key(record, "file")).or_default().push(record);
    }
    let units: Vec<&Vec<&Value>> = of_unit.values().collect();
    let texts = |unit: &[&Value]| -> Vec<&str> {
        let file = unit[0]["file"].as_str().unwrap_or_default();
        let lines = lines.get(file).map_or(&[][..], Vec::as_slice);
        let text = |record: &&Value| {
            let number = record["no"].as_u64();
            let line = lines.iter().find(|(known, _)| Some(*known) == number);
            line.map_or("", |(_, text)| text.as_str())
        };
        unit.iter().map(text).collect()
    };
    let tasks: Vec<Value> = units
        .iter()
        .map(|unit| {
            json!({
                "tree": label, "filter": unit[0]["f"], "options": unit[0]["o"], "lines": texts(unit),
                "tz": OF_SAMPLES.tz, "now": OF_SAMPLES.now, "start_year": START_YEAR,
            })
        })
        .collect();
    let answers = program.answers("date", &tasks)?;
    for ((unit, task), answer) in units.iter().zip(&tasks).zip(&answers) {
        let mut differences = Vec::new();
        for (index, record) in unit.iter().enumerate() {
            let ours = &answer["lines"][index];
            let mut differ = |field, theirs: &Value, ours: &Value| {
                if !alike(theirs, ours) {
                    differences.push(Difference {
                        field,
                        theirs: theirs.clone(),
                        ours: ours.clone(),
                        about: json!({ "line": task["lines"][index], "task": task }),
                    });
                }
            };
            let span = &record["span"];
            if !span.is_null() && span[0] == span[1] {
                // Nothing is taken: that stands for "no date", whatever time such a template gives.
                differ("match", &json!(""), &ours["match"]);
                continue;
            }
            differ("time", &record["t"], &ours["time"]);
            differ("span", span, &ours["span"]);
        }
        tally.case(
            label,
            &format!("dates {}", key(unit[0], "file")),
            &differences,
        );
    }
    Ok(())
}
