//! What is wrong with the lines of a jail, for its admin: each cause once a day, since logs repeat themselves.

use super::SAME_COMPLAINT;
use base::{Span, Timestamp};
use detect::LineVerdict;
use engine::JailId;
use std::collections::HashMap;

/// When what was told last.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    told: HashMap<(JailId, &'static str), Timestamp>,
}

impl Complaints {
    /// Why a line is not counted, or not at its own time; nothing if that is as it should be, or was told of late.
    pub(super) fn about(
        &mut self,
        jail: JailId,
        (verdict, skew): (LineVerdict, Option<Span>),
        findtime: Span,
        now: Timestamp,
    ) -> Option<String> {
        let cause = match (verdict, skew) {
            (LineVerdict::TooOld, _) => "old",
            (LineVerdict::Undated, _) => "undated",
            (LineVerdict::OverBudget, _) => "budget",
            (_, Some(_)) => "skew",
            _ => return None,
        };
        let known = self.told.get(&(jail, cause));
        if known.is_some_and(|told| now.since(*told) < SAME_COMPLAINT) {
            return None;
        }
        self.told.insert((jail, cause), now);
        Some(match (verdict, skew) {
            (LineVerdict::TooOld, _) => {
                format!(
                    "Ignoring all log entries older than {}s",
                    findtime.as_secs()
                )
            }
            (LineVerdict::Undated, _) => {
                "Found a match but no valid date/time found; the line is not counted. Check datepattern".into()
            }
            (LineVerdict::OverBudget, _) => {
                "a regex gave up on a line that needs too many steps; such lines are not counted".into()
            }
            (_, skew) => {
                let skew = skew.unwrap_or(Span::ZERO);
                let side = if skew > Span::ZERO { "after" } else { "before" };
                format!(
                    "Detected a log entry {}s {side} the current time in operation mode; now is taken instead. \
                     Is it the time zone? Set logtimezone",
                    skew.as_secs().abs()
                )
            }
        })
    }
}
