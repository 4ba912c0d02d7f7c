//! One database, used by fail2ban and by the daemon in turns; and disks that fill up, refuse, and come back.

use crate::attack::{append, failed_passwords, set};
use crate::daemon::{Daemon, How, SOON};
use crate::fail2ban::{Banned, Fail2ban, Row, make_tree, rows};
use crate::process::must;
use crate::wait::until_true;
use crate::world::{World, read};
use crate::{Done, ensure};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// The jails: bans that end, bans for ever, and bans that grow, to fractions of a second.
const JAILS: [&str; 3] = ["plain", "ever", "grow"];

fn jails(world: &World) -> String {
    let mut text = "[DEFAULT]\nbackend = polling\nbanaction = nftables\nfilter = sshd\nport = 22\nmaxretry = 3\n\
        bantime = 1h\nfindtime = 10m\n"
        .to_owned();
    for name in JAILS {
        let more = match name {
            "ever" => "bantime = -1\n",
            "grow" => {
                "bantime.increment = true\nbantime.factor = 1.00037\nbantime.multipliers = 1 3 9\n"
            }
            _ => "",
        };
        let log = world.file(&format!("{name}.log"));
        text += &format!(
            "[{name}]\nenabled = true\nlogpath = {}\n{more}",
            log.display()
        );
    }
    text
}

fn fail(world: &World, jail: &str, sources: &[&str], times: usize) -> Done {
    let sources: Vec<String> = sources.iter().map(|&source| source.to_owned()).collect();
    let log = world.file(&format!("{jail}.log"));
    append(&log, failed_passwords(&sources, times)?)
}

fn expect(banned: &mut Banned, jail: &str, sources: &[&str]) {
    let sources = sources.iter().map(|&source| source.to_owned());
    banned.entry(jail.to_owned()).or_default().extend(sources);
}

/// fail2ban, the daemon and fail2ban again on one file: every ban stands on with its end, no line is read twice and
/// none is passed over.
pub(crate) fn takeover(program: &Path) -> Done {
    let world = World::new()?;
    let database = world.file("store.sqlite3");
    let tree = make_tree(&world, &jails(&world), &database)?;
    for name in JAILS {
        world.write(&format!("{name}.log"), "")?;
    }

    let fail2ban = Fail2ban::start(&world, JAILS.len())?;
    let mut banned: Banned = JAILS.map(|name| (name.to_owned(), set(&[]))).into();
    // A first ban that is soon over, so that the next one is counted as the second.
    let grown = ["10.77.160.9", "fd77::9"];
    let grows_later = "10.77.160.10";
    fail2ban.ask(&["set", "grow", "bantime", "2"])?;
    fail(&world, "grow", &[&grown[..], &[grows_later]].concat(), 3)?;
    until_true(Duration::from_secs(20), "the short bans to be over", || {
        Ok(grown
            .iter()
            .chain([&grows_later])
            .all(|one| fail2ban.times_said(&format!("[grow] Unban {one}")) == 1))
    })?;
    fail2ban.ask(&["set", "grow", "bantime", "3600"])?;
    fail(&world, "grow", &grown, 3)?;
    expect(&mut banned, "grow", &grown);
    fail(
        &world,
        "plain",
        &["10.77.160.1", "10.77.160.2", "fd77::1"],
        3,
    )?;
    expect(
        &mut banned,
        "plain",
        &["10.77.160.1", "10.77.160.2", "fd77::1"],
    );
    fail(&world, "ever", &["10.77.160.5", "fd77::5"], 3)?;
    expect(&mut banned, "ever", &["10.77.160.5", "fd77::5"]);
    fail2ban.wait_banned(&banned)?;
    // Two failures that are no ban yet: whoever counts them again makes one of the next.
    fail(&world, "plain", &["10.77.160.3"], 2)?;
    until_true(SOON, "the two failures to be found", || {
        Ok(fail2ban.times_said("[plain] Found 10.77.160.3") == 2)
    })?;
    // The observer writes a ban a moment after it is told.
    until_true(SOON, "all bans in the database", || {
        Ok(rows(&database, "1")?.len() == 8)
    })?;
    fail2ban.stop()?;
    let before = rows(&database, "1")?;
    let grown_rows = before
        .iter()
        .filter(|row| row["jail"] == "grow" && has_grown(row));
    ensure(
        grown_rows.count() == 2,
        format!("fail2ban's own bans did not grow: {before:?}"),
    )?;

    // The daemon's turn.
    fail(&world, "plain", &["10.77.160.3"], 1)?;
    fail(&world, "plain", &["10.77.160.4"], 3)?;
    expect(&mut banned, "plain", &["10.77.160.4"]);
    fail(&world, "grow", &[grows_later], 3)?;
    expect(&mut banned, "grow", &[grows_later]);
    let daemon = Daemon::start(&world, program, &["-c", &tree])?;
    for name in JAILS {
        daemon.wait_state(name, "running", SOON)?;
        daemon.wait_banned(name, &banned[name], SOON)?;
        daemon.agree(name)?;
        same_ends(&daemon.json(&["banned", name])?, name, &before)?;
    }
    let row = rows(&database, &format!("ip = '{grows_later}'"))?;
    ensure(
        row.len() == 1 && has_grown(&row[0]),
        format!("the daemon's ban did not grow on fail2ban's: {row:?}"),
    )?;
    let before: Vec<_> = before
        .into_iter()
        .filter(|row| row["ip"] != grows_later)
        .collect();
    ensure(
        rows(&database, "ip NOT IN ('10.77.160.4', '10.77.160.10')")? == before,
        "the daemon changed rows of bans that it took over",
    )?;
    let answer = daemon.ask(&["ban", "plain", "10.77.160.6"])?;
    ensure(answer.status.success(), format!("{answer:?}"))?;
    expect(&mut banned, "plain", &["10.77.160.6"]);
    let answer = daemon.ask(&["unban", "10.77.160.1"])?;
    ensure(answer.status.success(), format!("{answer:?}"))?;
    banned
        .entry("plain".into())
        .or_default()
        .remove("10.77.160.1");
    daemon.wait_banned("plain", &banned["plain"], SOON)?;
    daemon.stop(true)?;
    let after = rows(&database, "1")?;

    // And fail2ban's again.
    fail(&world, "plain", &["10.77.160.3"], 1)?;
    fail(&world, "plain", &["10.77.160.7"], 3)?;
    expect(&mut banned, "plain", &["10.77.160.7"]);
    let fail2ban = Fail2ban::start(&world, JAILS.len())?;
    fail2ban.wait_banned(&banned)?;
    until_true(SOON, "the last ban in the database", || {
        Ok(rows(&database, "ip = '10.77.160.7'")?.len() == 1)
    })?;
    ensure(
        rows(&database, "ip <> '10.77.160.7'")? == after,
        "fail2ban changed rows of bans that it took over",
    )?;
    for (source, times) in [("10.77.160.4", 0), ("10.77.160.7", 3), ("10.77.160.3", 3)] {
        let found = fail2ban.times_said(&format!("[plain] Found {source}"));
        ensure(
            found == times,
            format!("fail2ban found {source} {found} times instead of {times}"),
        )?;
    }
    fail2ban.stop()
}

/// A second ban: an hour, by the factor and the second multiplier.
fn has_grown(row: &Row) -> bool {
    let length = row["bantime"].as_f64();
    row["bancount"] == 2 && length.is_some_and(|length| (length - 10803.996).abs() < 0.001)
}

/// Each ban ends when its row says; those that are over are none.
fn same_ends(answer: &Value, jail: &str, rows: &[Row]) -> Done {
    for row in rows
        .iter()
        .filter(|row| row["jail"] == jail && row["bantime"] != 2)
    {
        let bans = answer["bans"].as_array().into_iter().flatten();
        let ban = bans
            .filter(|ban| ban["ip"] == row["ip"])
            .collect::<Vec<_>>();
        let (time, length) = (row["timeofban"].as_f64(), row["bantime"].as_f64());
        let expected = time.zip(length).map(|(time, length)| time + length);
        let holds = match ban.as_slice() {
            [ban] if length == Some(-1.0) => ban["until"].is_null(),
            [ban] => ban["until"]
                .as_f64()
                .zip(expected)
                .is_some_and(|(until, expected)| (until - expected).abs() < 1.0),
            _ => false,
        };
        ensure(holds, format!("{jail}: {row:?} became {ban:?}"))?;
    }
    Ok(())
}

/// With a store of its own the daemon takes fail2ban's bans and positions over, once.
pub(crate) fn import(program: &Path) -> Done {
    let world = World::new()?;
    let database = world.file("fail2ban.sqlite3");
    let tree = make_tree(&world, &jails(&world), &database)?;
    for name in JAILS {
        world.write(&format!("{name}.log"), "")?;
    }
    let fail2ban = Fail2ban::start(&world, JAILS.len())?;
    let mut banned: Banned = JAILS.map(|name| (name.to_owned(), set(&[]))).into();
    fail(&world, "plain", &["10.77.161.1", "fd77::1"], 3)?;
    expect(&mut banned, "plain", &["10.77.161.1", "fd77::1"]);
    fail(&world, "ever", &["10.77.161.5"], 3)?;
    expect(&mut banned, "ever", &["10.77.161.5"]);
    fail2ban.wait_banned(&banned)?;
    fail(&world, "plain", &["10.77.161.3"], 2)?;
    until_true(SOON, "the two failures to be found", || {
        Ok(fail2ban.times_said("[plain] Found 10.77.161.3") == 2)
    })?;
    until_true(SOON, "all bans in the database", || {
        Ok(rows(&database, "1")?.len() == 3)
    })?;
    fail2ban.stop()?;
    let content = std::fs::read(&database)?;
    fail(&world, "plain", &["10.77.161.3"], 1)?;
    let mut daemon = Daemon::start(&world, program, &["-c", &tree])?;
    let said = "3 bans and 3 positions were taken over from fail2ban's database";
    for _ in 0..2 {
        for name in JAILS {
            daemon.wait_state(name, "running", SOON)?;
            daemon.wait_banned(name, &banned[name], SOON)?;
        }
        daemon.ensure_said(&[said])?;
        ensure(
            world.said("stockade").matches(said).count() == 1,
            "it was taken over twice",
        )?;
        ensure(
            std::fs::read(&database)? == content,
            "fail2ban's database was changed",
        )?;
        daemon.kill();
        // Of a ban that was lifted here nothing comes back from there.
        daemon.restart()?;
        daemon.ask(&["unban", "10.77.161.1"])?;
        banned
            .entry("plain".into())
            .or_default()
            .remove("10.77.161.1");
    }
    daemon.stop(true).map(drop)
}

/// A disk that has no room, and one that cannot be written, cost nothing once they are well again.
pub(crate) fn disk_comes_back(program: &Path) -> Done {
    let world = World::new()?;
    let sh = |script: &str| must(world.server("sh").args(["-ec", script]));
    sh("mkdir -p /run/disk; mount -t tmpfs -o size=256k tmpfs /run/disk")?;
    let how = How {
        extra: &["--db", "/run/disk/store.sqlite3"],
        ..How::default()
    };
    let mut daemon = Daemon::on_a_log(&world, program, "", &how)?;
    let log = world.file("auth.log");
    let sources = ["10.77.162.1", "10.77.162.2", "10.77.162.3", "10.77.162.4"].map(str::to_owned);
    let attack = |n: usize| append(&log, failed_passwords(&sources[n..=n], 5)?);
    let state_is = |daemon: &Daemon<'_>, well: bool| {
        let what = if well {
            "the store is well"
        } else {
            "the store's trouble is told"
        };
        until_true(Duration::from_secs(20), what, || {
            let status = daemon.json(&["status"])?;
            Ok((status["store"]["state"] == "ok") == well && (status["health"] == "ok") == well)
        })
    };
    attack(0)?;
    daemon.wait_banned("sshd", &set(&sources[..1]), SOON)?;

    sh("head -c 1000000 /dev/zero > /run/disk/fill || true")?;
    // SQLite keeps some room of its own inside the file: what fills it is lines, which are long.
    let many: Vec<String> = (1..=200).map(|n| format!("10.77.163.{n}")).collect();
    append(&log, failed_passwords(&many, 5)?)?;
    state_is(&daemon, false)?;
    attack(1)?;
    let all = |n: usize| set(&[&many[..], &sources[..n]].concat());
    daemon.wait_banned("sshd", &all(2), SOON)?;
    sh("rm /run/disk/fill; mount -o remount,size=4m /run/disk")?;
    state_is(&daemon, true)?;
    daemon.kill();

    sh("mount -o remount,ro /run/disk")?;
    daemon.restart()?;
    // What was kept is known, what is new is kept in memory.
    daemon.wait_banned("sshd", &all(2), SOON)?;
    state_is(&daemon, false)?;
    attack(2)?;
    daemon.wait_banned("sshd", &all(3), SOON)?;
    sh("mount -o remount,rw /run/disk")?;
    state_is(&daemon, true)?;
    daemon.kill();
    daemon.restart()?;
    daemon.wait_banned("sshd", &all(3), SOON)?;
    daemon.stop(true).map(drop)
}

/// A shell action is told after a restart what it was told before, and sums over earlier bans come from the store.
pub(crate) fn action_is_told(program: &Path) -> Done {
    let world = World::new()?;
    let notes = world.file("notes");
    let action = format!(
        "[Definition]\nactionban = echo \"<ip> <restored> <ipfailures> <ipjailfailures>\" >> {0}\n\x20           echo \"<matches>\" >> {0}\n",
        notes.display()
    );
    world.write("conf/action.d/note.conf", &action)?;
    let more = "action = stockade[port=22]\n         note\n";
    let mut daemon = Daemon::on_a_log(&world, program, more, &How::default())?;
    let source = "10.77.164.1";
    append(
        &world.file("auth.log"),
        failed_passwords(&[source.to_owned()], 5)?,
    )?;
    let told = |restored: u8| {
        let line = format!("{source} {restored} 5 5");
        until_true(SOON, &line, || {
            let said = read(&notes);
            let mut lines = said.lines().skip_while(|said| *said != line).skip(1);
            Ok(lines
                .next()
                .is_some_and(|said| said.contains("Failed password for root from 10.77.164.1")))
        })
    };
    told(0)?;
    daemon.kill();
    daemon.restart()?;
    told(1)?;
    daemon.stop(true).map(drop)
}
