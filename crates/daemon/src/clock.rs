//! The one place that reads the clock, and the zone that the machine shows it in.

use base::Timestamp;
use jiff::tz::TimeZone;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where Unix keeps the rules of its zone.
const ZONE: &str = "/etc/localtime";

/// The wall clock now. A clock before 1970 reads as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The zone of this machine, as it was when it was first asked for: that of `TZ`, else that of `/etc/localtime`.
pub fn zone() -> TimeZone {
    static KNOWN: OnceLock<TimeZone> = OnceLock::new();
    KNOWN.get_or_init(read_zone).clone()
}

fn read_zone() -> TimeZone {
    let known = match std::env::var_os("TZ") {
        None => rules(Path::new(ZONE)),
        Some(_) => None,
    };
    known.unwrap_or_else(TimeZone::system)
}

/// The zone whose rules a file holds. The library would look for its name among all zones of the system, which takes most
/// of a millisecond at the start of every command; nobody asks for the name.
fn rules(file: &Path) -> Option<TimeZone> {
    TimeZone::tzif("", &fs::read(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    /// Both are the same every second hour of thirty years.
    fn check(zone: &TimeZone, known: &TimeZone) {
        for seconds in (1_000_000_000..2_000_000_000).step_by(7_200) {
            let at = Timestamp::from_second(seconds).unwrap();
            assert_eq!(zone.to_offset(at), known.to_offset(at), "{seconds}");
        }
    }

    #[test]
    fn the_zone_is_what_the_library_finds() {
        check(&zone(), &TimeZone::system());
        let directory = Path::new("/usr/share/zoneinfo");
        for name in ["Europe/Berlin", "America/St_Johns"] {
            let zone = rules(&directory.join(name)).unwrap();
            check(&zone, &TimeZone::get(name).unwrap());
        }
        assert!(rules(Path::new("/etc/passwd")).is_none(), "no rules");
        assert!(rules(Path::new("/nowhere")).is_none());
    }
}
