//! Whether the tests of matching would notice: known faults are put into a copy of the source, one at a time, and the
//! tests of `detect` have to fail on each.
//!
//! The faults are those that an engine of this kind gets wrong without anybody seeing it for months. A fault whose text
//! is not found any more is a failure too: then the list is out of date.

use crate::root;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Seconds for the tests of one fault, which may keep them from ever ending.
const LIMIT: &str = "600";

struct Fault {
    what: &'static str,
    file: &'static str,
    sound: &'static str,
    broken: &'static str,
    /// The tests that are to notice.
    tests: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        what: "alternatives are tried from the last to the first",
        file: "pyre/tdfa/closure.rs",
        sound: "others.iter().rev().map",
        broken: "others.iter().map",
        tests: "pyre::",
    },
    Fault {
        what: "the copies of registers are dropped",
        file: "pyre/tdfa/search.rs",
        sound: "&copies[edge.copies.0 as usize..edge.copies.1 as usize]",
        broken: "&copies[edge.copies.1 as usize..edge.copies.1 as usize]",
        tests: "pyre::",
    },
    Fault {
        what: "copies that form a cycle are taken one after the other",
        file: "pyre/tdfa/cache.rs",
        sound: ".for_each(|(_, from)| *from = SPARE);",
        broken: ".for_each(|(_, from)| *from = NONE);",
        tests: "pyre::",
    },
    Fault {
        what: "a run ends one letter late",
        file: "pyre/run.rs",
        sound: "|found| at + found)",
        broken: "|found| (at + found + 1).min(text.len()))",
        tests: "pyre::",
    },
    Fault {
        what: "a run does not look at the registers",
        file: "pyre/tdfa/stay.rs",
        sound: "&& tags == 0 && of(index) == of(next)",
        broken: "",
        tests: "pyre::",
    },
    Fault {
        what: "a word of a comb is taken for that of any class",
        file: "pyre/tdfa/search.rs",
        sound: "const OTHER: u64 = 0xFF << 56;",
        broken: "const OTHER: u64 = 0;",
        tests: "pyre::",
    },
    Fault {
        what: "two teeth of a comb stand in one cell",
        file: "pyre/tdfa/comb.rs",
        sound: "&& row.iter().all(|tooth| !is_used[begin + tooth])",
        broken: "",
        tests: "pyre::tdfa",
    },
    Fault {
        what: "two rows of a comb begin at one cell",
        file: "pyre/tdfa/comb.rs",
        sound: "!is_begin[*begin] &&",
        broken: "",
        tests: "pyre::tdfa",
    },
    Fault {
        what: "a comb takes the room that transitions need",
        file: "pyre/tdfa/comb.rs",
        sound: "if cache.bytes + CELL_BYTES * width > self.bound {",
        broken: "if false {",
        tests: "pyre::linear",
    },
    Fault {
        what: "ways into an old comb are not redirected",
        file: "pyre/tdfa/comb.rs",
        sound: "before.own_row(*row)",
        broken: "(*row)",
        tests: "pyre::",
    },
    Fault {
        what: "where a text stands in a comb is taken for its state",
        file: "pyre/tdfa/standing.rs",
        sound: "is_through.then(|| cache.comb.own_row(row))",
        broken: "is_through.then_some(row)",
        tests: "pyre::",
    },
    Fault {
        what: "a repetition of the backtracker needs what it may take, though it need take nothing",
        file: "pyre/backtrack/needs.rs",
        sound: "} => either(Some(test.clone()), at(*next)),",
        broken: "} => Some(test.clone()),",
        tests: "pyre::backtrack",
    },
    Fault {
        what: "the backtracker gives nothing back where it may have to",
        file: "pyre/backtrack/needs.rs",
        sound: "as_ref().is_none_or(may_come);",
        broken: "as_ref().is_some_and(may_come);",
        tests: "pyre::backtrack",
    },
    Fault {
        what: "the backtracker passes over the beginning of a line",
        file: "pyre/backtrack.rs",
        sound: "Some(before) => start += before,",
        broken: "Some(before) => start += before + 1,",
        tests: "pyre::backtrack",
    },
    Fault {
        what: "a look-ahead before each character of a repetition is forgotten",
        file: "pyre/backtrack/compile.rs",
        sound: "guard: guard.map(|_| run + 1),",
        broken: "guard: None,",
        tests: "pyre::",
    },
    Fault {
        what: "a few costly letters make a long text be given up",
        file: "pyre/pace.rs",
        sound: " && self.lost > MAX_LOST * self.letters",
        broken: "",
        tests: "pyre::pace",
    },
    Fault {
        what: "a loop that took nothing goes on",
        file: "pyre/code.rs",
        sound: "exits.push(self.push(Inst::LoopTest { bit, exit: 0 })?);",
        broken: "let _ = bit;",
        tests: "pyre::",
    },
    Fault {
        what: "a run in the automaton without groups goes through letters that change its state",
        file: "pyre/subsets/fill.rs",
        sound: "let Ok(index) = places.binary_search(&place) else {\n                    return false;",
        broken: "let Ok(index) = places.binary_search(&place) else {\n                    continue;",
        tests: "pyre::",
    },
    Fault {
        what: "a number of seconds is looked for at one of its places",
        file: "date/template.rs",
        sound: "draft.ways.extend(ways);",
        broken: "draft.ways.extend(ways.into_iter().skip(1));",
        tests: "detectors::",
    },
    Fault {
        what: "of several patterns that match at once one is not told",
        file: "pyre/subsets.rs",
        sound: "cache.hits[edge.hits.0 as usize..edge.hits.1 as usize]",
        broken: "cache.hits[edge.hits.0 as usize..(edge.hits.0 as usize + 1).min(edge.hits.1 as usize)]",
        tests: "pyre::",
    },
    Fault {
        what: "what comes behind a prefregex sees the letter before it",
        file: "pyre/product.rs",
        sound: "self.state(next, 0, code.behinds.initial(), trackers)",
        broken: "self.state(next, 0, *register, trackers)",
        tests: "pyre::",
    },
    Fault {
        what: "a content that ends anywhere is taken to end with its line",
        file: "pyre/gate.rs",
        sound: "let fits = ended && takes_something && !takes_feed;",
        broken: "let fits = takes_something && !takes_feed;",
        tests: "pyre::",
    },
    Fault {
        what: "literals that overlap are missed",
        file: "pyre/needles.rs",
        sound: "at = start + 1;",
        broken: "at = start + self.all[first].0.len();",
        tests: "pyre::",
    },
    Fault {
        what: "of a literal only the beginning is compared",
        file: "pyre/needles.rs",
        sound: "if !from.starts_with(self.all[place].0.as_bytes()) {",
        broken: "if from.len() <= place.min(1) {",
        tests: "pyre::",
    },
    Fault {
        what: "lines are kept with dates that stand elsewhere in them",
        file: "detectors/dates.rs",
        sound: "self.steady.lines > 0 && self.steady.longest.is_some()",
        broken: "self.steady.lines > 0",
        tests: "detectors::",
    },
    Fault {
        what: "what was found in a text is believed of another one",
        file: "detector/memo.rs",
        sound: "entry.hash == hash && entry.text == text",
        broken: "place(entry.hash) == place(hash)",
        tests: "detector::",
    },
    Fault {
        what: "lines after a read of ASCII alone are taken for ASCII",
        file: "detectors/dates.rs",
        sound: "self.ahead_is_ascii = is_ascii;",
        broken: "self.ahead_is_ascii |= is_ascii;",
        tests: "detectors::",
    },
    Fault {
        what: "characters before the end of a date are counted as bytes",
        file: "pyre/linear.rs",
        sound: "let are_bytes = || ascii || is_ascii(&text.as_bytes()[..=decided_at]);",
        broken: "let are_bytes = || true;",
        tests: "pyre::linear",
    },
    Fault {
        what: "a run of characters ends before one above ASCII",
        file: "pyre/needles/run.rs",
        sound: "<= width) | u8::from(!letter.is_ascii())",
        broken: "<= width) & u8::from(letter.is_ascii())",
        tests: "pyre::needles",
    },
    Fault {
        what: "letters lead to where they lead from another state",
        file: "pyre/subsets/heads.rs",
        sound: "(entry.row, entry.head) == (row, head)",
        broken: "entry.head == head",
        tests: "pyre::",
    },
    Fault {
        what: "beginnings are remembered though the cache was emptied",
        file: "pyre/subsets/cache.rs",
        sound: "        self.runs.clear();\n        self.heads.forget();",
        broken: "        self.runs.clear();",
        tests: "pyre::",
    },
    Fault {
        what: "needles of one line are taken for those of the next",
        file: "pyre/gate.rs",
        sound: "    pub(crate) fn next_text(&mut self) {\n        self.is_searched = false;",
        broken: "    pub(crate) fn next_text(&mut self) {",
        tests: "pyre::",
    },
    Fault {
        what: "some branches are enough for a choice of literals",
        file: "pyre/literal.rs",
        sound: "let choice: Option<Vec<Vec<String>>> = all.iter().map(best).collect();",
        broken: "let choice: Option<Vec<Vec<String>>> = Some(all.iter().filter_map(best).collect());",
        tests: "pyre::",
    },
    Fault {
        what: "a line that several jails come back to has the dates of the line before",
        file: "detectors/recent.rs",
        sound: "|dates: &KeptDates| dates.first <= line.number;",
        broken: "|dates: &KeptDates| dates.first < line.number;",
        tests: "detectors::",
    },
    Fault {
        what: "a needle of a later line is taken for one of this line",
        file: "pyre/ahead.rs",
        sound: "*at < start + length);",
        broken: "*at < start + length + 30);",
        tests: "pyre::",
    },
    Fault {
        what: "a needle that stands near the beginning of its line is taken for one of the line before",
        file: "pyre/ahead.rs",
        sound: "is_some_and(|(at, _)| *at < start)",
        broken: "is_some_and(|(at, _)| *at < start + 3)",
        tests: "pyre::",
    },
    Fault {
        what: "a line is passed over although it holds a needle",
        file: "detectors.rs",
        sound: "&& place + passed.bytes + length <= until",
        broken: "&& place + passed.bytes <= until",
        tests: "detectors::",
    },
    Fault {
        what: "lines that begin alike are taken to be nothing though it was decided further on",
        file: "detectors/sieve.rs",
        sound: "letters.is_some_and(|after| after <= alike.length)",
        broken: "letters.is_some_and(|after| alike.length + after > 0)",
        tests: "detectors::",
    },
    Fault {
        what: "a line that begins alike is taken to be nothing though it holds a needle",
        file: "detectors/sieve.rs",
        sound: "            && self.cache.is_quiet(part)\n",
        broken: "            && (self.cache.is_quiet(part) || true)\n",
        tests: "detectors::",
    },
    Fault {
        what: "a rule that is always named is not where a line begins as the one before",
        file: "detectors/sieve.rs",
        sound: "            self.cache.name_always(known.selection, &mut self.hits);\n",
        broken: "",
        tests: "detectors::",
    },
    Fault {
        what: "a rule that is to be named always is never named",
        file: "pyre/gate.rs",
        sound: "        cache.name_always(selection, hits);\n",
        broken: "",
        tests: "pyre::",
    },
    Fault {
        what: "the registers of a state are those of the first states",
        file: "pyre/tdfa/cache.rs",
        sound: "&self.registers[start..self.all[id].registers]",
        broken: "&self.registers[..self.all[id].registers - start]",
        tests: "pyre::",
    },
    Fault {
        what: "characters behind one above ASCII are translated from the place of that one",
        file: "pyre/alphabet.rs",
        sound: "at += c.len_utf8();",
        broken: "at += c.len_utf8() - 1;",
        tests: "pyre::",
    },
    Fault {
        what: "needles of different kinds are not in the order of their places",
        file: "pyre/ahead.rs",
        sound: "self.found.sort_unstable_by_key(|(at, _)| *at);",
        broken: "",
        tests: "pyre::",
    },
    Fault {
        what: "a run across two blocks is lost",
        file: "pyre/needles/run.rs",
        sound: "at += BLOCK + 1 - self.length;",
        broken: "at += BLOCK;",
        tests: "pyre::",
    },
    Fault {
        what: "what may stand beside a mark in some branches has to in all",
        file: "pyre/needles/mark.rs",
        sound: "sets.try_fold(ByteSet::default(), |all, set| Some(union(all, set?)))",
        broken: "sets.next().flatten()",
        tests: "pyre::",
    },
    Fault {
        what: "a line is passed over although a needle may stand across the place of its date",
        file: "detectors.rs",
        sound: "same.filter(|(_, same)| !self.passing.may_hold(same.seam))",
        broken: "same",
        tests: "detectors::",
    },
    Fault {
        what: "a date is taken to be that of the line before whatever stands in front of it",
        file: "date/same.rs",
        sound: "line.get(..start).filter(stands).map(|_| start)",
        broken: "{ let _ = stands; Some(start) }",
        tests: "date::",
    },
    Fault {
        what: "a line is passed over although its date is to be told",
        file: "detectors/dates.rs",
        sound: " && !self.concern_all;",
        broken: ";",
        tests: "detectors::",
    },
    Fault {
        what: "a jail that spans lines is not woken for the line behind the one that it was named for",
        file: "detectors/passing.rs",
        sound: "self.is_alert = seeing.any(Matcher::spans_lines);",
        broken: "self.is_alert = seeing.any(Matcher::spans_lines) && false;",
        tests: "detectors::",
    },
    Fault {
        what: "the line feed that is said to follow is not searched",
        file: "pyre/gate.rs",
        sound: "if searched.has_feed { b\"\\n\" } else { b\"\" };",
        broken: "b\"\";",
        tests: "pyre::",
    },
    Fault {
        what: "the tags of a match are read from registers that were used again",
        file: "pyre/tdfa/search.rs",
        sound: "                *standing = None;",
        broken: "",
        tests: "pyre::",
    },
    Fault {
        what: "who follows keeps the date of the second before",
        file: "detectors/dates/leading.rs",
        sound: "if leader != place {",
        broken: "if false {",
        tests: "detectors::",
    },
    Fault {
        what: "who found no date is not asked in the next second",
        file: "detectors/dates/leading.rs",
        sound: "if !self.find_nothing(others, line, clock) {",
        broken: "if false {",
        tests: "detectors::",
    },
    Fault {
        what: "lines of two seconds are taken to begin alike",
        file: "detectors/dates/leading.rs",
        sound: "self.steady.alike = None;",
        broken: "",
        tests: "detectors::",
    },
    Fault {
        what: "dates at two places are taken to be at one",
        file: "detectors/dates/leading.rs",
        sound: "if *cut.get_or_insert_with(|| foreseen.cut.clone()) != foreseen.cut {",
        broken: "if cut.replace(foreseen.cut.clone()).is_some_and(|_| false) {",
        tests: "detectors::",
    },
    Fault {
        what: "nobody is told of a date that became too old",
        file: "detectors/dates/leading.rs",
        sound: "self.concern_all = self.concerns_all(clock);",
        broken: "",
        tests: "detectors::",
    },
    Fault {
        what: "who followed does not know the last date",
        file: "detectors/dates/leading.rs",
        sound: "group.dating.follow(&leading.dating, all, now);",
        broken: "group.dating.repeat(all, now);",
        tests: "detectors::",
    },
    Fault {
        what: "who followed takes times that clocks show twice as before",
        file: "date/detect.rs",
        sound: "self.memo.follow(&leader.memo);",
        broken: "",
        tests: "detectors::",
    },
    Fault {
        what: "the seconds of a minute count backwards",
        file: "date/memo.rs",
        sound: "after - before",
        broken: "before - after",
        tests: "date::",
    },
    Fault {
        what: "what differs behind the seconds is not looked at",
        file: "date/memo.rs",
        sound: "|| !is_same(seconds.end..text.len())",
        broken: "",
        tests: "date::",
    },
    Fault {
        what: "the year of a date holds for its second alone",
        file: "date/fields.rs",
        sound: "let is_sure = minute > last || minute + 59_000_000 <= first;",
        broken: "let is_sure = ((wall - by) * 1_000_000 > first) == ((wall - by) * 1_000_000 > last);",
        tests: "date::",
    },
    Fault {
        what: "what holds for an instant holds for its minute",
        file: "date/memo.rs",
        sound: "if known.holds == Holds::Instant {",
        broken: "if false {",
        tests: "date::",
    },
    Fault {
        what: "who finds the same date in another zone follows",
        file: "date/next.rs",
        sound: "Arc::ptr_eq(&one.regex, &other_one.regex) && self.zone == other.zone",
        broken: "Arc::ptr_eq(&one.regex, &other_one.regex)",
        tests: "detectors::",
    },
    Fault {
        what: "a template that two detectors have is looked for for the last of them",
        file: "detectors/templates.rs",
        sound: "rules[rule].detectors |= bit(detector);",
        broken: "rules[rule].detectors = bit(detector);",
        tests: "detectors::",
    },
    Fault {
        what: "a template that two detectors have is told to the last of them by the number of the first",
        file: "detectors/templates.rs",
        sound: "rules[rule].templates.push((detector, template));",
        broken: "let number = rules[rule].templates.first().map_or(template, |(_, first)| *first);
                rules[rule].templates.push((detector, number));",
        tests: "detectors::",
    },
    Fault {
        what: "a template that the gate does not know is never asked",
        file: "detectors/templates.rs",
        sound: "self.able.extend(&self.open);",
        broken: "",
        tests: "detectors::",
    },
    Fault {
        what: "of the first lines only the first template that was not tried is searched for",
        file: "date/detect.rs",
        sound: "if tries && is_new && !self.templates[index].regex.can_match_once(line) {",
        broken: "if tries && is_new && place > 0 {",
        tests: "",
    },
    Fault {
        what: "of what a group may take or not, nothing is tried first",
        file: "pyre/refer.rs",
        sound: "if *kind == Kind::Lazy { 0 } else { texts.len() }",
        broken: "0",
        tests: "pyre::",
    },
    Fault {
        what: "what refers to a letter in any case is written out as that letter",
        file: "pyre/refer.rs",
        sound: "folds |= ignore_case;",
        broken: "let _ = ignore_case;",
        tests: "pyre::",
    },
    Fault {
        what: "a session takes note of the harmless line that ends it",
        file: "session.rs",
        sound: "if !self.harmless || !self.has_session() {",
        broken: "if !self.harmless || self.has_session() {",
        tests: "session::",
    },
    Fault {
        what: "a number with a zero in front is one",
        file: "address.rs",
        sound: "if digits == 3 || value == 0 {",
        broken: "if digits == 3 {",
        tests: "address::",
    },
    Fault {
        what: "a needle across the place of the date is not seen",
        file: "detectors/passing.rs",
        sound: "known.filter(|holds| *holds || !spans());",
        broken: "known.filter(|holds| *holds || !spans() || true);",
        tests: "detectors::",
    },
    Fault {
        what: "one branch is enough for a literal",
        file: "pyre/literal.rs",
        sound: "all.iter().all(|of| of.literals.iter().any(holds))",
        broken: "all.iter().any(|of| of.literals.iter().any(holds))",
        tests: "pyre::",
    },
    Fault {
        what: "a date is known again by too short a beginning",
        file: "pyre/linear.rs",
        sound: "known.then_some(decided_at + 1)",
        broken: "known.then_some(decided_at.saturating_sub(1))",
        tests: "",
    },
    Fault {
        what: "two searches that stand in one state are taken to have begun in one place",
        file: "pyre/tdfa/standing.rs",
        sound: "standing.cells.iter().all(holds)",
        broken: "standing.cells.iter().all(holds) || true",
        tests: "pyre::",
    },
    Fault {
        what: "the usual way is taken whatever letter comes first",
        file: "pyre/tdfa/standing.rs",
        sound: "if !has(firsts, *first) {",
        broken: "if false {",
        tests: "pyre::",
    },
    Fault {
        what: "the usual way is taken although it led elsewhere",
        file: "pyre/tdfa/standing.rs",
        sound: "cells.iter().all(|(_, value)| *value == 0);",
        broken: "cells.iter().all(|(_, value)| *value == 0) || true;",
        tests: "pyre::",
    },
    Fault {
        what: "what stands behind the usual way is taken for the date",
        file: "date/same.rs",
        sound: "line[end..].starts_with(date).then_some(end)",
        broken: "line[end..].starts_with(&date[..1]).then_some(end)",
        tests: "",
    },
    Fault {
        what: "of two literals the last that stands in a text is found first",
        file: "pyre/needles.rs",
        sound: "let first = places.enumerate().min_by_key(|(_, at)| *at);",
        broken: "let first = places.enumerate().max_by_key(|(_, at)| *at);",
        tests: "pyre::",
    },
    Fault {
        what: "after a date moved, lines are compared with how an earlier one began",
        file: "detectors/dates.rs",
        sound: "self.steady.longest = None;",
        broken: "",
        tests: "detectors::",
    },
    Fault {
        what: "a line that begins like the last one is not asked for other dates",
        file: "detectors/dates.rs",
        sound: "            && self.find_nothing(others, line, clock)",
        broken: "",
        tests: "detectors::",
    },
    Fault {
        what: "jails search the text of other dates than their own",
        file: "detectors/dates.rs",
        sound: "self.texts[group.text].groups |= bit(place);",
        broken: "self.texts[1].groups |= bit(place);",
        tests: "detectors::",
    },
];

/// Puts each fault in whose file's name holds one of `words` (each at all, without any) and runs the tests.
pub(crate) fn run(words: &[&str]) -> ExitCode {
    let is_asked =
        |fault: &&Fault| words.is_empty() || words.iter().any(|word| fault.file.contains(word));
    let faults: Vec<&Fault> = FAULTS.iter().filter(is_asked).collect();
    match noticed(&faults) {
        Ok(0) => {
            println!("{0} faults, {0} noticed", faults.len());
            ExitCode::SUCCESS
        }
        Ok(missed) => {
            println!("{} faults, {missed} not noticed", faults.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("faults: {error}");
            ExitCode::FAILURE
        }
    }
}

fn noticed(faults: &[&Fault]) -> std::io::Result<usize> {
    let (root, place) = (root(), root().join("target/xtask/faults"));
    let tree = place.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    fs::create_dir_all(&tree)?;
    let parts = [
        "Cargo.toml",
        "Cargo.lock",
        "clippy.toml",
        "crates",
        "config",
        "xtask",
        "lab",
        "fuzz",
        "rust-toolchain.toml",
    ];
    for part in parts.iter().filter(|part| root.join(part).exists()) {
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(root.join(part)).arg(&tree);
        if !copy.status()?.success() {
            return Err(std::io::Error::other(format!("{part} cannot be copied")));
        }
    }
    let mut missed = 0;
    for fault in faults {
        let path = tree.join("crates/detect/src").join(fault.file);
        let sound = fs::read_to_string(&path)?;
        let verdict = if sound.matches(fault.sound).count() == 1 {
            fs::write(&path, sound.replacen(fault.sound, fault.broken, 1))?;
            verdict_of(&tree, &place.join("target"), fault)?
        } else {
            Verdict::Outdated
        };
        fs::write(&path, sound)?;
        missed += usize::from(verdict != Verdict::Noticed);
        println!("{verdict:?}: {} ({})", fault.what, fault.file);
    }
    Ok(missed)
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Noticed,
    NotNoticed,
    /// It does not compile, so that no test says anything.
    NotTested,
    /// The text that it changes is not there any more.
    Outdated,
}

fn verdict_of(tree: &Path, target: &Path, fault: &Fault) -> std::io::Result<Verdict> {
    let mut tests = Command::new("timeout");
    tests
        .args([
            "--kill-after=5",
            LIMIT,
            env!("CARGO"),
            "test",
            "--quiet",
            "--package",
            "detect",
            "--lib",
            fault.tests,
        ])
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", "--cap-lints=allow")
        .current_dir(tree);
    let output = tests.output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    Ok(
        match (
            output.status.success(),
            told.contains("test result: FAILED"),
        ) {
            (true, _) => Verdict::NotNoticed,
            (false, true) => Verdict::Noticed,
            (false, false) => Verdict::NotTested,
        },
    )
}
