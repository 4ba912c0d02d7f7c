//! Killed again and again at random moments, with bans and unbans storming in: nothing that was acknowledged is lost.
//!
//! `STOCKADE_LAB_KILLS` says how often (20 times unless told otherwise), `STOCKADE_LAB_SEED` makes the same choices again.

use crate::attack::{append, failed_passwords};
use crate::daemon::{Daemon, How, SOON};
use crate::process::{must, run};
use crate::wait::until_true;
use crate::world::World;
use crate::{Done, Stop, ensure};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The longest that a storm lasts before the kill.
const LONGEST_MS: u64 = 400;
const CLIENTS: u64 = 2;

/// What the daemon has said of each address.
#[derive(Default)]
struct Books {
    /// In its log: banned.
    told: BTreeSet<String>,
    /// How much of the log has been read: with thousands of bans each start says much.
    read: u64,
    /// In its reply to a client: banned.
    banned: BTreeSet<String>,
    /// Asked to be unbanned, whatever came of it.
    asked_back: BTreeSet<String>,
    /// In its reply to a client: unbanned.
    lifted: BTreeSet<String>,
    /// Every address that failed often enough in the log.
    attackers: BTreeSet<String>,
}

impl Books {
    /// Reads on in the log of a daemon that is dead, so that no line is half written.
    fn read_log(&mut self, log: &Path) -> Done {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut said = Vec::new();
        self.read += file.read_to_end(&mut said)? as u64;
        let said = String::from_utf8_lossy(&said);
        let bans = said
            .lines()
            .filter_map(|line| line.split_once("[sshd] Ban "));
        self.told
            .extend(bans.map(|(_, address)| address.to_owned()));
        Ok(())
    }
}

pub(crate) fn kills(program: &Path) -> Done {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count = number("STOCKADE_LAB_KILLS").unwrap_or(20);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = number("STOCKADE_LAB_SEED").unwrap_or(clock.map_or(1, |now| now.as_millis() as u64));
    storm(program, count, seed).map_err(|stop| match stop {
        Stop::Fail(why) => Stop::Fail(format!(
            "{why} (STOCKADE_LAB_KILLS={count} STOCKADE_LAB_SEED={seed})"
        )),
        skip => skip,
    })
}

fn storm(program: &Path, count: u64, seed: u64) -> Done {
    let world = World::new()?;
    let how = How::default();
    let mut daemon = Daemon::on_a_log(&world, program, "bantime = 1d\n", &how)?;
    let mut random = Random(seed | 1);
    let mut addresses = (0_u32..).map(|n| format!("10.77.{}.{}", n >> 8 & 255, n & 255));
    let books = Mutex::new(Books::default());
    let mut slowest = Duration::ZERO;
    for round in 1..=count {
        let moment = Duration::from_millis(random.below(LONGEST_MS));
        let lists: Vec<Vec<String>> = (0..CLIENTS)
            .map(|_| addresses.by_ref().take(24).collect())
            .collect();
        let attackers: Vec<String> = addresses.by_ref().take(12).collect();
        let over = AtomicBool::new(false);
        let failed = thread::scope(|scope| -> Done<Vec<Stop>> {
            // The clients hold it as long as they have something to order.
            let (busy, storm) = mpsc::channel::<()>();
            let clients: Vec<_> = lists
                .iter()
                .map(|list| {
                    let (world, books, over, busy) = (&world, &books, &over, busy.clone());
                    scope.spawn(move || {
                        let _busy = busy;
                        client(world, program, list, books, over)
                    })
                })
                .collect();
            drop(busy);
            let kill = Instant::now() + moment;
            let mut coming = attackers.iter();
            let mut is_over = false;
            while !is_over && Instant::now() < kill {
                if let Some(one) = coming.next() {
                    append(
                        &world.file("auth.log"),
                        failed_passwords(std::slice::from_ref(one), 5)?,
                    )?;
                    note(&books, |books| books.attackers.insert(one.clone()));
                }
                let next = Instant::now() + Duration::from_millis(random.below(30));
                let calm = storm.recv_timeout(until(next.min(kill)));
                is_over = calm == Err(mpsc::RecvTimeoutError::Disconnected);
            }
            daemon.kill();
            note(&books, |books| books.read_log(&world.file("stockade.log")))?;
            over.store(true, Ordering::Relaxed);
            let ended = clients.into_iter().map(|client| {
                let panicked = || Err(Stop::Fail("a client panicked".into()));
                client.join().unwrap_or_else(|_| panicked())
            });
            Ok(ended.filter_map(Result::err).collect())
        })?;
        if let Some(stop) = failed.into_iter().next() {
            return Err(stop);
        }
        let begun = Instant::now();
        daemon.restart().map_err(|stop| at(round, stop))?;
        slowest = slowest.max(begun.elapsed());
        check(&world, &daemon, &books).map_err(|stop| at(round, stop))?;
    }
    // The storm is over: everybody who is to be banned comes to be, and all books agree.
    until_true(
        SOON * 3,
        "all attackers banned and all books in agreement",
        || {
            let banned = daemon.banned("sshd")?;
            let attackers = note(&books, |books| books.attackers.clone());
            Ok(attackers.is_subset(&banned) && daemon.agree("sshd").is_ok())
        },
    )?;
    let standing = daemon.agree("sshd")?.len();
    println!("        {count} kills, {standing} bans stand, the slowest start took {slowest:.1?}");
    daemon.stop(true).map(drop)
}

/// Bans one address after the other, and lifts every third ban again.
fn client(
    world: &World,
    program: &Path,
    list: &[String],
    books: &Mutex<Books>,
    over: &AtomicBool,
) -> Done {
    let order = |verb: &[&str]| -> Done<bool> {
        let mut command = world.server(program);
        command
            .args(verb)
            .arg("--socket")
            .arg(world.file("control.sock"));
        Ok(run(&mut command)?.status.success())
    };
    for (n, address) in list.iter().enumerate() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        if !order(&["ban", "sshd", address])? {
            continue;
        }
        note(books, |books| books.banned.insert(address.clone()));
        if n % 3 == 2 {
            note(books, |books| books.asked_back.insert(address.clone()));
            if order(&["unban", address])? {
                note(books, |books| books.lifted.insert(address.clone()));
            }
        }
    }
    Ok(())
}

/// What was promised before the kill holds after it.
fn check(world: &World, daemon: &Daemon<'_>, books: &Mutex<Books>) -> Done {
    let banned = daemon.banned("sshd")?;
    note(books, |books| -> Done {
        let mut promised: BTreeSet<&String> = books.told.union(&books.banned).collect();
        promised.retain(|address| !books.asked_back.contains(*address));
        let mut lost = promised
            .iter()
            .filter(|address| !banned.contains(**address));
        if let Some(one) = lost.next() {
            let more = lost.count();
            return Err(Stop::Fail(format!(
                "acknowledged and lost: {one} and {more} more"
            )));
        }
        let back: Vec<_> = books.lifted.intersection(&banned).take(3).collect();
        ensure(back.is_empty(), format!("lifted and back again: {back:?}…"))
    })?;
    let said = must(
        Command::new("sqlite3")
            .args(["-readonly", "-cmd", ".timeout 5000"])
            .arg(world.file("store.sqlite3"))
            .arg("PRAGMA integrity_check"),
    )?;
    ensure(said.trim() == "ok", format!("the store is damaged: {said}"))?;
    let aside = std::fs::read_dir(&world.dir)?
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().contains("set-aside"));
    ensure(!aside, "the store was set aside")
}

fn until(moment: Instant) -> Duration {
    moment.saturating_duration_since(Instant::now())
}

fn note<T>(books: &Mutex<Books>, change: impl FnOnce(&mut Books) -> T) -> T {
    // A client that panicked is reported by itself.
    change(
        &mut books
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
    )
}

fn at(round: u64, stop: Stop) -> Stop {
    match stop {
        Stop::Fail(why) => Stop::Fail(format!("kill {round}: {why}")),
        skip => skip,
    }
}

/// Enough randomness for moments: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
