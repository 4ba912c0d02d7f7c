//! An explanation for people: the first cause, and the steps that lead to it.

use crate::check::text::wrapped;
use crate::output::Output;
use crate::table::{Align, Table};
use std::io;
use wire::explain::{Chain, ExplainAnswer, Outcome, Stage, Step, Verdict};

/// Where the text of a step begins.
const INDENT: usize = 23;
/// A long line is shown around the place that counts.
const AROUND: usize = 60;

/// Prints it; jails that the line plainly does not concern are summed up unless they were asked for by name.
pub(super) fn print(answer: &ExplainAnswer, all: bool, output: &mut Output) -> io::Result<()> {
    let width = os::terminal_width();
    let mut screen = Screen { width, output };
    if let Some(line) = &answer.line {
        screen.output.say(&format!("line     {line}"))?;
    }
    if let Some(ip) = &answer.ip {
        screen.output.say(&format!("address  {ip}"))?;
    }
    let daemon = match answer.live {
        true => "has answered",
        false => "none has answered: told from the configuration and the logs alone",
    };
    screen.output.say(&format!("daemon   {daemon}"))?;
    for note in &answer.notes {
        screen.paragraph("note     ", 9, note)?;
    }
    let concerned = |chain: &&Chain| all || answer.jails.len() == 1 || concerns(chain);
    let (mut shown, rest): (Vec<&Chain>, Vec<&Chain>) = answer.jails.iter().partition(concerned);
    // Where none is concerned, the nearest may be what was meant.
    let nearest = rest.iter().max_by_key(|chain| reached(chain));
    if let (true, Some(nearest)) = (shown.is_empty(), nearest) {
        shown.push(nearest);
    }
    for chain in &shown {
        screen.chain(chain)?;
    }
    let rest: Vec<&&Chain> = rest
        .iter()
        .filter(|chain| !shown.iter().any(|other| other.jail == chain.jail))
        .collect();
    screen.others(&rest)
}

/// More than that the line or the address is not this jail's business.
fn concerns(chain: &Chain) -> bool {
    let stage = chain.cause.as_ref().map(|cause| cause.step);
    chain.id.is_some()
        || !matches!(
            stage,
            Some(Stage::Jail | Stage::Source | Stage::Date | Stage::Prefregex | Stage::Failregex)
        )
        || chain
            .steps
            .iter()
            .any(|step| step.step == Stage::Ignoreregex)
}

fn reached(chain: &Chain) -> u64 {
    let reached = chain
        .steps
        .iter()
        .filter_map(|step| step.facts.pattern_reached);
    reached.max().unwrap_or(0)
}

struct Screen<'a> {
    /// Of a terminal; what goes elsewhere is cut nowhere.
    width: Option<usize>,
    output: &'a mut Output,
}

impl Screen<'_> {
    fn chain(&mut self, chain: &Chain) -> io::Result<()> {
        self.output.say("")?;
        self.output.say(&format!("jail {}", chain.jail))?;
        for step in &chain.steps {
            let head = format!("  {:<7}  {:<11} ", mark(step.outcome), name(step.step));
            self.paragraph(&head, INDENT, &step.text)?;
            self.places(step)?;
            for line in &step.facts.lines {
                self.output.say(&format!("{:INDENT$}| {line}", ""))?;
            }
        }
        let headline = match (&chain.cause, chain.result) {
            (Some(cause), Verdict::Banned) => format!("banned, but {}", cause.text),
            (None, Verdict::Banned) => "none: it is banned".to_owned(),
            (Some(cause), _) => format!("{}: {}", name(cause.step), cause.text),
            (None, _) => "none: nothing here keeps it from being banned".to_owned(),
        };
        self.paragraph("  first cause: ", 15, &headline)?;
        match chain.cause.as_ref().and_then(|cause| cause.help.as_ref()) {
            Some(help) => self.paragraph("  what to do:  ", 15, help),
            None => Ok(()),
        }
    }

    /// The nearest expression and the text, each with a mark where they part.
    fn places(&mut self, step: &Step) -> io::Result<()> {
        let facts = &step.facts;
        if let (Some(pattern), Some(reached)) = (&facts.pattern, facts.pattern_reached) {
            self.place("regex", pattern, reached, "this is not found")?;
        }
        if let (Some(text), Some(reached)) = (&facts.searched, facts.reached) {
            let behind = if reached == 0 {
                "from here on"
            } else {
                "behind this"
            };
            self.place("text", text, reached, behind)?;
        }
        Ok(())
    }

    fn place(&mut self, what: &str, text: &str, at: u64, note: &str) -> io::Result<()> {
        let chars: Vec<char> = text.chars().collect();
        let at = (at as usize).min(chars.len());
        let start = at.saturating_sub(AROUND);
        let end = chars.len().min(at + AROUND);
        let mut shown = String::new();
        if start > 0 {
            shown.push('…');
        }
        let mut caret = usize::from(start > 0);
        for (place, c) in chars.iter().enumerate().take(end).skip(start) {
            let mut safe = String::new();
            daemon::escape_into(&mut safe, c.encode_utf8(&mut [0; 4]));
            if place < at {
                caret += safe.chars().count();
            }
            shown.push_str(&safe);
        }
        if end < chars.len() {
            shown.push('…');
        }
        self.output
            .say(&format!("{:INDENT$}{what:<6}{shown}", ""))?;
        self.output
            .say(&format!("{:INDENT$}{:<6}{:caret$}^ {note}", "", "", ""))
    }

    fn others(&mut self, chains: &[&&Chain]) -> io::Result<()> {
        if chains.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&[
            ("OTHER JAILS", Align::Left),
            (
                "FIRST CAUSE (stockade explain --jail JAIL tells more)",
                Align::Left,
            ),
        ]);
        for chain in chains {
            let cause = chain.cause.as_ref();
            table.row(vec![
                chain.jail.clone(),
                cause.map_or_else(String::new, |cause| {
                    format!("{}: {}", name(cause.step), cause.text)
                }),
            ]);
        }
        self.output.say("")?;
        for line in table.lines() {
            self.output
                .say(&crate::check::text::cut(&line, self.width))?;
        }
        Ok(())
    }

    /// A text behind a head; its further lines begin where the first one does.
    fn paragraph(&mut self, head: &str, indent: usize, text: &str) -> io::Result<()> {
        let width = self.width.map(|width| width.max(indent + 20));
        let lines = wrapped(text, indent.saturating_sub(2), width);
        for (at, line) in lines.iter().enumerate() {
            let line = line.trim_start();
            match at {
                0 => self.output.say(&format!("{head:<indent$}{line}"))?,
                _ => self.output.say(&format!("{:indent$}{line}", ""))?,
            }
        }
        Ok(())
    }
}

fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Stop => "STOP",
        Outcome::Doubt => "doubt",
        Outcome::Wait => "waits",
        Outcome::Unknown => "unknown",
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Jail => "jail",
        Stage::Source => "source",
        Stage::Date => "date",
        Stage::Prefregex => "prefregex",
        Stage::Failregex => "failregex",
        Stage::Ignoreregex => "ignoreregex",
        Stage::Whom => "whom",
        Stage::Ignore => "ignore",
        Stage::Count => "count",
        Stage::Ban => "ban",
        Stage::Kernel => "kernel",
    }
}
