//! TAI64N labels, as multilog and its kin write them: `@` and 24 hexadecimal digits.

use base::Timestamp;

/// A label in lower case.
pub(super) const LABEL: &str = "@[0-9a-f]{24}";

/// The seconds of a label. Leap seconds stay uncorrected and nanoseconds are dropped, as in fail2ban.
pub(super) fn time(label: &str) -> Option<Timestamp> {
    // The first digit holds the 2^62 that every label of our age begins with.
    let seconds = label.get(2..17)?;
    i64::from_str_radix(seconds, 16)
        .ok()
        .map(Timestamp::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_follow_the_first_digit() {
        for (label, expected) in [
            (
                "@400000004353d2a012345678",
                Some(Timestamp::from_secs(1_129_566_880)),
            ),
            ("@4fffffffffffffff00000000", Some(Timestamp::MAX)),
            ("@4", None),
        ] {
            assert_eq!(time(label), expected, "{label}");
        }
    }
}
