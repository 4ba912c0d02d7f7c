//! Entrance for fuzzing: bytes in, nothing out, a panic where something is wrong. What no user of the crate needs.

use super::{Formula, Inputs, Number, factor};

/// Parses and evaluates a text, as a formula and as a factor.
///
/// # Panics
/// When an error lies outside of the text or says nothing, or when the same inputs give another result.
pub fn fuzz_formula(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let inputs = Inputs {
        ban_time: Number::from(600),
        ban_count: data.len() as u32 % 30,
        ban_factor: Number::from(1.5),
        random: data.len() as u64,
    };
    let evaluate = || Formula::parse(&text).and_then(|formula| formula.evaluate(&inputs));
    let results = [evaluate(), factor(&text, 0)];
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!((1..=text.chars().count() + 1).contains(&error.column));
        assert!(!error.fault.to_string().is_empty());
    }
    // Of what is no number the text is compared, as nan is not equal to itself.
    let [first, _] = results;
    assert_eq!(format!("{first:?}"), format!("{:?}", evaluate()));
}
