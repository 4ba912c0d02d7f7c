//! The 17 date formats that are tried when a filter names none.

use super::template::{DateError, Draft, LINE_BEGIN, replace_word, without_bounds};

/// `2005-01-23T21:59:59.981+0100`, also with `/` or `.` and with blanks.
pub(super) const ISO8601: &str =
    r"%ExY(?P<_sep>[-/.])%m(?P=_sep)%d(?:T|  ?)%H:%M:%S(?:[.,]%f)?(?:\s*%z)?";

const EPOCH: &str = "Epoch";
const TAI64N: &str = "TAI64N";

/// In the order in which they are tried.
const BUILT_IN: [&str; 17] = [
    ISO8601,
    // Sun Jan 23 21:59:59.011 2005
    r"(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
    // Sun Jan 23 2005 21:59:59.011
    r"(?:%a )?%b %d %ExY %k:%M:%S(?:\.%f)?",
    // 23/01/2005 21:59:59
    r"%d(?P<_sep>[-/])%m(?P=_sep)(?:%ExY|%Exy) %k:%M:%S",
    // 31/Oct/2006:09:22:55 -0000
    r"%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?",
    // 05/20/2008:01:57:39
    "%m/%d/%ExY:%H:%M:%S",
    // 01-27-2012 16:22:44.252
    r"%m-%d-%ExY %k:%M:%S(?:\.%f)?",
    EPOCH,
    "{^LN-BEG}%H:%M:%S",
    // <09/16/08@05:03:30>
    "^<%m/%d/%Exy@%H:%M:%S>",
    // 130322 11:46:11
    "%Exy%Exm%Exd  ?%H:%M:%S",
    // Apr 27, 2013 2:33:06 PM
    "%b %d, %ExY %I:%M:%S %p",
    // Apr-27-13 02:33:06
    "^%b-%d-%Exy %k:%M:%S",
    // 20050123T215959
    r"%ExY%Exm%Exd(?:-|T|  ?)%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\s*%z)?",
    // PDT Apr 16 21:05:29
    r"(?:%Z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
    // +00:00 Jan 23 21:59:59.011 2005
    r"(?:%z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
    TAI64N,
];

/// A hit at the beginning of the line counts this much.
const ANCHORED_WEIGHT: f64 = 100.0;

fn draft(format: &str, start_year: i32) -> Result<Draft, DateError> {
    match format {
        EPOCH => Ok(Draft::epoch(false, false)),
        TAI64N => Ok(Draft::tai64n(false)),
        format => Draft::calendar(format, start_year),
    }
}

/// The copy that is tried at the beginning of the line first; None if the format stands there anyway.
fn anchored_draft(format: &str, start_year: i32) -> Option<Result<Draft, DateError>> {
    let draft = match format {
        EPOCH => Ok(Draft::epoch(true, false)),
        TAI64N => Ok(Draft::tai64n(true)),
        format if format.starts_with(LINE_BEGIN) || format.starts_with('^') => return None,
        format => Draft::calendar(&format!("{LINE_BEGIN}{format}"), start_year),
    };
    Some(draft.map(|draft| draft.with_weight(ANCHORED_WEIGHT)))
}

/// All templates that stand for no `datepattern` at all: the anchored copies, then the formats.
pub(super) fn all(start_year: i32) -> Result<Vec<Draft>, DateError> {
    let anchored = BUILT_IN
        .iter()
        .filter_map(|format| anchored_draft(format, start_year));
    anchored
        .chain(BUILT_IN.iter().map(|format| draft(format, start_year)))
        .collect()
}

/// Those of [`all`] that match at the beginning of the line only.
pub(super) fn anchored(start_year: i32) -> Result<Vec<Draft>, DateError> {
    Ok(all(start_year)?
        .into_iter()
        .filter(Draft::is_anchored)
        .collect())
}

/// One template per format with the format in place of `{DATE}`.
pub(super) fn inside(pattern: &str, start_year: i32) -> Result<Vec<Draft>, DateError> {
    let with = |format: &str| replace_word(pattern, &["{DATE}"], without_bounds(format));
    BUILT_IN
        .iter()
        .map(|format| match *format {
            // The two special words only keep their meaning where nothing but an anchor is added.
            EPOCH | TAI64N => Draft::of_pattern(&with(format), start_year),
            _ => Draft::calendar(&with(format), start_year),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_one_templates_seventeen_anchored() {
        assert_eq!(all(2026).unwrap().len(), 31);
        assert_eq!(anchored(2026).unwrap().len(), 17);
        assert_eq!(inside("x{DATE}y", 2026).unwrap().len(), 17);
    }
}
