//! Where a jail's lines come from and what is seen in them, as one text: equal texts, equal readers.
//!
//! Where the values stand in the files does not matter, so that a comment added above a jail does not make it begin
//! anew.

use conf::{JailSpec, Value};
use std::fmt::Debug;

/// What the commands of a jail are and do, those of its actions and the one that says who is ignored, as one text.
pub(super) fn acts(spec: &JailSpec) -> String {
    let text = |value: &Option<Value>| value.as_ref().map(|value| value.text.clone());
    let asks = (text(&spec.ignorecommand), text(&spec.ignorecache));
    let actions = spec.actions.iter();
    let parts: Vec<_> = actions
        .map(|action| (&action.name, &action.actname, &action.params))
        .collect();
    format!("{asks:?}{parts:?}")
}

/// The text of a jail.
pub(super) fn text(spec: &JailSpec) -> String {
    let filter = &spec.filter;
    let texts = |values: &[Value]| -> Vec<String> {
        values.iter().map(|value| value.text.clone()).collect()
    };
    let text = |value: &Option<Value>| value.as_ref().map(|value| value.text.clone());
    let logs: Vec<_> = spec
        .logpath
        .iter()
        .map(|log| (&log.pattern, log.tail))
        .collect();
    let parts: [&dyn Debug; 14] = [
        &text(&filter.prefregex),
        &texts(&filter.failregex),
        &texts(&filter.ignoreregex),
        &filter.maxlines,
        &text(&filter.datepattern),
        &text(&filter.logtimezone),
        &filter.usedns,
        &texts(&filter.journalmatch),
        &filter.name,
        &(&spec.backend.name, &spec.backend.options),
        &logs,
        &spec.logencoding.text,
        &spec.trusted_uid,
        &spec.findtime,
    ];
    format!("{parts:?}")
}
