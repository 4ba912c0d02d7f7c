//! Times for people: in the zone of this machine.

use base::Timestamp;

/// `2026-11-24 10:00:00`, or `never` for a ban without end.
pub(crate) fn until(seconds: Option<i64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), local)
}

/// Seconds since 1970 as a local time.
pub(crate) fn local(seconds: i64) -> String {
    daemon::local(Timestamp::from_secs(seconds), &daemon::zone())
}

/// The time that `--now` names, if it is given; an error says what is wrong with it.
pub(crate) fn asked_now(option: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = option else { return Ok(None) };
    let wrong = || format!("error: '{text}' is no time\nhelp: e.g. --now 2026-11-24T12:00:00");
    parse_now(text).map(Some).ok_or_else(wrong)
}

/// A date, or a date and a time, in the zone of this machine unless it names one.
fn parse_now(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        daemon::zone()
            .to_ambiguous_timestamp(civil)
            .compatible()
            .ok()
    })?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_may_be_a_date_or_an_instant() {
        assert_eq!(
            parse_now("2026-11-24T12:00:00Z").map(Timestamp::as_secs),
            Some(1_795_521_600)
        );
        assert!(parse_now("2026-11-24").is_some());
        assert!(parse_now("2026-11-24T12:00:00").is_some());
        assert_eq!(parse_now("yesterday"), None);
        assert_eq!(asked_now(None), Ok(None));
        let wrong = asked_now(Some("yesterday")).unwrap_err();
        assert!(
            wrong.starts_with("error: 'yesterday' is no time\n"),
            "{wrong}"
        );
    }
}
