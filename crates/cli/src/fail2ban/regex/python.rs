//! Numbers and long texts as Python and the original's page show them; literals of texts are `conf::literal`.

/// `repr` of a number with a fraction, from microseconds.
pub(super) fn float(micros: i64) -> String {
    let number = micros as f64 / 1e6;
    if number.fract() == 0.0 {
        format!("{number:.1}")
    } else {
        format!("{number}")
    }
}

/// A text cut to what fits into a line of the head.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= 53 {
        return text.to_owned();
    }
    let kept: String = text.chars().take(50).collect();
    kept + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_fraction() {
        for (micros, expected) in [
            (1_795_341_600_000_000, "1795341600.0"),
            (1_795_412_484_123_000, "1795412484.123"),
            (1_500_000, "1.5"),
            (0, "0.0"),
        ] {
            assert_eq!(float(micros), expected);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(short(&"x".repeat(53)), "x".repeat(53));
        assert_eq!(short(&"é".repeat(54)), "é".repeat(50) + "...");
    }
}
