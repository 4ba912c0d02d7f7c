//! Zones as logs write them: an abbreviation, an offset, or both.
//!
//! Every abbreviation is a fixed offset: `CET` never becomes `CEST` in summer. An abbreviation and an offset add up,
//! so `EST-0500` is ten hours behind. Named zones (`Europe/Paris`) are not among them: the zone of the machine is
//! the only one with rules, and it comes from the caller.

use super::digits::decimal;

/// The zone of dates that carry none of their own (`logtimezone`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ZoneSpec {
    /// The zone of the machine, with its summer time.
    #[default]
    Local,
    /// Minutes east of UTC.
    Fixed(i32),
}

impl ZoneSpec {
    /// Reads the value of `logtimezone`; an empty text is UTC, as in fail2ban.
    ///
    /// # Errors
    /// A text that is no zone, or an abbreviation that is not known.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        offset_minutes(text).map(Self::Fixed)
    }
}

/// Why a text is no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneError {
    /// Neither an abbreviation in capitals nor an offset like `+0100`.
    Malformed,
    /// It has the form of an abbreviation, but no one knows it.
    UnknownAbbreviation,
}

impl std::fmt::Display for ZoneError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a time zone: write an abbreviation (UTC, CET), an offset (+0100, -08:00) or both (UTC+0530)",
            Self::UnknownAbbreviation => "unknown time zone abbreviation: write the offset instead, for example UTC+0100",
        })
    }
}

impl std::error::Error for ZoneError {}

/// Minutes east of UTC that `text` stands for.
pub(super) fn offset_minutes(text: &str) -> Result<i32, ZoneError> {
    // Python's `$` also stands before a last line feed.
    let text = text.strip_suffix('\n').unwrap_or(text);
    let split = text
        .find(|c: char| !c.is_ascii_uppercase())
        .unwrap_or(text.len());
    let (abbreviation, offset) = text.split_at(split);
    if !matches!(abbreviation.len(), 0 | 1 | 3..=5) {
        return Err(ZoneError::Malformed);
    }
    let offset = if offset.is_empty() {
        0
    } else {
        signed_offset(offset).ok_or(ZoneError::Malformed)?
    };
    Ok(abbreviation_minutes(abbreviation).ok_or(ZoneError::UnknownAbbreviation)? + offset)
}

/// `+hh`, `+hhmm` or `+hh:mm`, the first digit 0 or 1; minutes beyond 59 count as they are.
fn signed_offset(text: &str) -> Option<i32> {
    let mut chars = text.chars();
    let sign = match chars.next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let tens = chars
        .next()
        .filter(|c| matches!(c, '0' | '1'))
        .and_then(decimal)?;
    let hours = tens * 10 + chars.next().and_then(decimal)?;
    let mut rest = chars.clone();
    if rest.next() == Some(':') {
        chars = rest;
    } else if chars.as_str().is_empty() {
        return Some(sign * hours * 60);
    }
    let minutes = chars.next().and_then(decimal)? * 10 + chars.next().and_then(decimal)?;
    chars
        .next()
        .is_none()
        .then_some(sign * (hours * 60 + minutes))
}

fn abbreviation_minutes(name: &str) -> Option<i32> {
    if name.is_empty() {
        return Some(0);
    }
    ABBREVIATIONS
        .iter()
        .find(|(_, names)| names.split(' ').any(|known| known == name))
        .map(|(minutes, _)| *minutes)
}

/// Minutes east of UTC and the abbreviations that mean them.
#[rustfmt::skip]
const ABBREVIATIONS: &[(i32, &str)] = &[
    (-720, "Y"),
    (-660, "NUT SST X"),
    (-600, "CKT HAST HST TAHT TKT W"),
    (-570, "MART MIT"),
    (-540, "AKST GAMT GIT HADT HNY V"),
    (-480, "AKDT CIST HAY HNP PST U"),
    (-420, "HAP HNR MST PDT T"),
    (-360, "CST EAST GALT HAR HNC MDT S"),
    (-300, "CDT COT EASST ECT EST HAC HNE PET R"),
    (-270, "HLV VET"),
    (-240, "AST BOT CLT COST EDT FKT GYT HAE HNA PYT Q"),
    (-210, "HNT NST"),
    (-180, "ADT ART BRT CLST FKST GFT HAA P PMST PYST SRT UYT WGT"),
    (-150, "HAT NDT"),
    (-120, "BRST FNT O PMDT UYST WGST"),
    (-60, "AZOT CVT EGT N"),
    (0, "EGST GMT UTC WET Z"),
    (60, "A CET DFT WAT WEDT WEST"),
    (120, "B CAT CEDT CEST EET SAST WAST"),
    (180, "C EAT EEDT EEST IDT MSK"),
    (210, "IRST"),
    (240, "AMT AZT D GET GST KUYT MSD MUT RET SAMT SCT"),
    (270, "AFT IRDT"),
    (300, "AMST AQTT AZST E HMT MAWT MVT PKT TFT TJT TMT UZT YEKT"),
    (330, "SLT"),
    (345, "NPT"),
    (360, "ALMT BIOT BTT F IOT KGT NOVT OMST YEKST"),
    (390, "CCT MMT"),
    (420, "CXT DAVT G HOVT ICT KRAT NOVST OMSST THA WIB"),
    (480, "ACT AWST BDT BNT CAST H HKT IRKT KRAST MYT PHT SGT ULAT WITA WST"),
    (540, "AWDT I IRKST JST KST PWT TLT WDT WIT YAKT"),
    (570, "ACST"),
    (600, "AEST K PGT VLAT YAKST YAPT"),
    (630, "ACDT LHST"),
    (660, "AEDT L LHDT MAGT NCT PONT SBT VLAST VUT"),
    (690, "NFT"),
    (720, "ANAST ANAT FJT GILT M MAGST MHT NZST PETST PETT TVT WFT"),
    (780, "FJST NZDT"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<i32, ZoneError>) {
        assert_eq!(offset_minutes(text), expected, "{text:?}");
    }

    #[test]
    fn offsets_and_abbreviations_add_up() {
        for (text, minutes) in [
            ("", 0),
            ("Z", 0),
            ("UTC", 0),
            ("UTC+0530", 330),
            ("CET", 60),
            ("-08:00", -480),
            ("GMT-0100", -60),
            ("EST-0500", -600),
            ("-08", -480),
            ("NPT", 345),
            ("NST", -210),
            ("UTC-1330", -810),
            ("+1999", 1239),
            ("UTC\n", 0),
        ] {
            check(text, Ok(minutes));
        }
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for text in [
            "Europe/Paris",
            "UTC+2",
            "UTC+25",
            "local",
            "+01:0",
            "+010",
            "+01:",
            "utc",
            "AB",
            "ABCDEF",
            "+",
            " UTC",
            "+01000",
        ] {
            check(text, Err(ZoneError::Malformed));
        }
        for text in ["XYZ", "J", "ABCD+0100"] {
            check(text, Err(ZoneError::UnknownAbbreviation));
        }
    }

    #[test]
    fn every_abbreviation_has_one_meaning() {
        let mut names: Vec<&str> = ABBREVIATIONS
            .iter()
            .flat_map(|(_, names)| names.split(' '))
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| matches!(name.len(), 1..=5)));
    }
}
