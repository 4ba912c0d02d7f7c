//! From where people are logged in at present, and how many failed to.
//!
//! Two records tell of those who are in: utmp, and the session files of systemd-logind. Systems have either or both. The
//! third, btmp, has those who failed.

use base::{Timestamp, canonical};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::SystemTime;

const UTMP: &str = "/run/utmp";
const BTMP: &str = "/var/log/btmp";
const SESSIONS: &str = "/run/systemd/sessions";

/// A remote log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// The peer.
    pub address: IpAddr,
    /// When it began.
    pub time: Timestamp,
}

/// All present remote log-ins; the same one may come from both records.
pub fn logins() -> Vec<Login> {
    let alive = |pid: i32| Path::new(&format!("/proc/{pid}")).exists();
    let mut logins = utmp(&fs::read(UTMP).unwrap_or_default(), &alive);
    let sessions = fs::read_dir(SESSIONS).into_iter().flatten().flatten();
    logins.extend(sessions.filter_map(|file| session(&fs::read_to_string(file.path()).ok()?)));
    logins
}

/// When either record last changed; `None` if there is none.
pub fn logins_changed() -> Option<SystemTime> {
    let modified = |path: &str| {
        fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    modified(UTMP).max(modified(SESSIONS))
}

/// So much of the end of the record of failures is read.
const MOST: u64 = 1000 * RECORD as u64;

/// How many log-ins over SSH failed from the first time until before the second, as the machine itself recorded them;
/// 1,000 at most. Where it keeps no record these are none.
pub fn failed_logins(from: Timestamp, to: Timestamp) -> usize {
    failures(&end_of(Path::new(BTMP)).unwrap_or_default(), from, to)
}

/// The last whole records of a file.
fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len() / RECORD as u64 * RECORD as u64;
    file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn failures(btmp: &[u8], from: Timestamp, to: Timestamp) -> usize {
    let is_one = |record: &&[u8]| {
        let time = || {
            let seconds = record.get(SECONDS_AT..SECONDS_AT + 4)?.try_into().ok()?;
            Some(Timestamp::from_secs(i32::from_ne_bytes(seconds).into()))
        };
        let over_ssh = record
            .get(LINE_AT..)
            .is_some_and(|line| line.starts_with(b"ssh"));
        over_ssh && time().is_some_and(|time| from <= time && time < to)
    };
    btmp.chunks_exact(RECORD).filter(is_one).count()
}

/// glibc's record on Linux, the same on 32 and 64 bits: 384 bytes.
const RECORD: usize = 384;
const USER_PROCESS: i16 = 7;
const PID_AT: usize = 4;
const LINE_AT: usize = 8;
const SECONDS_AT: usize = 340;
const ADDRESS_AT: usize = 348;

fn utmp(bytes: &[u8], alive: &dyn Fn(i32) -> bool) -> Vec<Login> {
    bytes
        .chunks_exact(RECORD)
        .filter_map(|record| utmp_record(record, alive))
        .collect()
}

fn utmp_record(record: &[u8], alive: &dyn Fn(i32) -> bool) -> Option<Login> {
    let kind = i16::from_ne_bytes(record.get(..2)?.try_into().ok()?);
    let pid = i32::from_ne_bytes(record.get(PID_AT..PID_AT + 4)?.try_into().ok()?);
    let seconds = i32::from_ne_bytes(record.get(SECONDS_AT..SECONDS_AT + 4)?.try_into().ok()?);
    let address: [u8; 16] = record.get(ADDRESS_AT..ADDRESS_AT + 16)?.try_into().ok()?;
    // An IPv4 address fills the first four bytes only.
    let address = match address {
        [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        all => IpAddr::V6(Ipv6Addr::from(all)),
    };
    let present = kind == USER_PROCESS && !address.is_unspecified() && alive(pid);
    present.then(|| Login {
        address: canonical(address),
        time: Timestamp::from_secs(seconds.into()),
    })
}

fn session(text: &str) -> Option<Login> {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    };
    let open = !matches!(field("STATE"), Some("closing"));
    let address = field("REMOTE_HOST")?.parse().ok().filter(|_| open)?;
    let micros = field("REALTIME")?.parse().ok()?;
    Some(Login {
        address: canonical(address),
        time: Timestamp::from_micros(micros),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: i16, pid: i32, seconds: i32, address: &[u8]) -> Vec<u8> {
        let mut record = vec![0; RECORD];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        record[PID_AT..PID_AT + 4].copy_from_slice(&pid.to_ne_bytes());
        record[SECONDS_AT..SECONDS_AT + 4].copy_from_slice(&seconds.to_ne_bytes());
        record[ADDRESS_AT..ADDRESS_AT + address.len()].copy_from_slice(address);
        record
    }

    #[test]
    fn utmp_tells_the_living_remote_sessions() {
        let v6: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let records = [
            record(USER_PROCESS, 10, 100, &[192, 0, 2, 1]),
            record(USER_PROCESS, 11, 101, &v6.octets()),
            record(USER_PROCESS, 12, 102, &[]),
            record(USER_PROCESS, 99, 103, &[192, 0, 2, 9]),
            record(8, 10, 104, &[192, 0, 2, 8]),
            vec![1, 2, 3],
        ];
        let got = utmp(&records.concat(), &|pid| pid != 99);
        let login = |address: &str, time| Login {
            address: address.parse().unwrap(),
            time: Timestamp::from_secs(time),
        };
        assert_eq!(got, [login("192.0.2.1", 100), login("2001:db8::1", 101)]);
    }

    #[test]
    fn btmp_tells_who_failed_over_ssh() {
        let failed = |line: &[u8], seconds: i32| {
            let mut record = record(6, 10, seconds, &[192, 0, 2, 1]);
            record[LINE_AT..LINE_AT + line.len()].copy_from_slice(line);
            record
        };
        let records = [
            failed(b"ssh:notty", 99),
            failed(b"ssh:notty", 100),
            failed(b"ssh:notty", 159),
            failed(b"tty1", 130),
            failed(b"ssh:notty", 160),
            vec![1, 2, 3],
        ];
        let at = Timestamp::from_secs;
        assert_eq!(failures(&records.concat(), at(100), at(160)), 2);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("btmp");
        fs::write(&file, records.concat()).unwrap();
        assert_eq!(failures(&end_of(&file).unwrap(), at(100), at(160)), 2);
    }

    #[test]
    fn session_files_tell_them_too() {
        let file = "# private\nUID=0\nUSER=root\nSTATE=active\nREMOTE=1\nREMOTE_HOST=192.0.2.1\nREALTIME=1700000000123456\n";
        let expected = Login {
            address: "192.0.2.1".parse().unwrap(),
            time: Timestamp::from_micros(1_700_000_000_123_456),
        };
        assert_eq!(session(file), Some(expected));
        assert_eq!(session(&file.replace("active", "closing")), None);
        assert_eq!(session("UID=0\nREALTIME=1\n"), None);
        assert_eq!(session("REMOTE_HOST=name.example\nREALTIME=1\n"), None);
    }
}
