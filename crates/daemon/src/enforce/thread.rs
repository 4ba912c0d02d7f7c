//! The enforcer's thread: its queue, its clock, its watch over foreign changes.

use super::backend::Backend;
use super::nft::NftBackend;
use super::on_demand::OnDemand;
use super::reconcile::Reconciler;
use super::recorder::Recorder;
use super::{Command, EnforceConfig, EnforceError, Firewall, Report};
use crate::clock;
use base::{Span, Timestamp};
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The most commands that are carried out together: what bounds the time until the first of them is answered.
const TOGETHER: usize = 4096;
/// How often a table that anybody may change is looked after.
const WATCH: Duration = Duration::from_millis(200);
/// How often a table that nobody else can change is looked after.
const WATCH_OWNED: Duration = Duration::from_secs(1);
/// The longest pause between two attempts at what fails.
const PATIENCE: Duration = Duration::from_secs(5);
/// The least time between two searches for open connections, each of which looks through all of the machine's and may
/// take a millisecond that the next ban would wait.
const CUT: Duration = Duration::from_millis(20);
/// How often what is over is forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// A wall clock that moved further against the steady clock has jumped.
const JUMP: Span = Span::from_secs(60);

/// Starts enforcers.
#[derive(Debug)]
pub struct Enforcer;

impl Enforcer {
    /// Makes the table stand, reports what was adopted, and starts the thread that sees to it from then on. `report`
    /// must not block: it delays bans.
    pub fn start(
        config: EnforceConfig,
        report: impl Fn(Report) + Send + 'static,
    ) -> Result<EnforcerHandle, EnforceError> {
        match config.firewall {
            Firewall::Always => {
                let backend = NftBackend::open(&config.table, config.owner)?;
                start_with(backend, config, report)
            }
            Firewall::OnDemand => {
                start_with(OnDemand::new(&config.table, config.owner), config, report)
            }
            Firewall::DryRun => start_with(Recorder, config, report),
        }
    }
}

/// The way to a running enforcer. Dropping it ends the thread; the bans stay.
#[derive(Debug)]
pub struct EnforcerHandle {
    queue: Sender<Command>,
    thread: JoinHandle<()>,
}

/// The enforcer's thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnforcerGone;

impl fmt::Display for EnforcerGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the enforcer has stopped")
    }
}

impl std::error::Error for EnforcerGone {}

impl EnforcerHandle {
    /// Queues a command; never blocks.
    pub fn send(&self, command: Command) -> Result<(), EnforcerGone> {
        self.queue.send(command).map_err(|_| EnforcerGone)
    }

    /// Stops after what is queued and waits for the end of the thread, which reports [`Report::Stopped`] last.
    pub fn stop(self, flush: bool) -> Result<(), EnforcerGone> {
        // A thread that is gone already cannot be told, and the join says why.
        let told = self.send(Command::Stop { flush });
        self.thread.join().map_err(|_| EnforcerGone)?;
        told
    }
}

/// Starts with any firewall.
pub(super) fn start_with(
    backend: impl Backend + 'static,
    config: EnforceConfig,
    report: impl Fn(Report) + Send + 'static,
) -> Result<EnforcerHandle, EnforceError> {
    let mut out = Vec::new();
    let reconciler =
        Reconciler::adopt(backend, &config.table, config.jails, clock::now(), &mut out)
            .map_err(|fault| EnforceError::installing(&config.table, &fault))?;
    out.drain(..).for_each(&report);
    let (queue, commands) = channel();
    let thread = std::thread::Builder::new()
        .name("enforce".to_owned())
        .spawn(move || Loop::new(reconciler, report).run(&commands))
        .map_err(|error| EnforceError {
            what: format!("cannot start the enforcer's thread ({error})"),
            help: "check the limit on processes and threads".to_owned(),
        })?;
    Ok(EnforcerHandle { queue, thread })
}

struct Loop<B, R> {
    reconciler: Reconciler<B>,
    report: R,
    out: Vec<Report>,
    steady: SteadyClock,
    next_watch: Instant,
    next_sweep: Instant,
    next_cut: Instant,
    failed_looks: u32,
}

impl<B: Backend, R: Fn(Report)> Loop<B, R> {
    fn new(reconciler: Reconciler<B>, report: R) -> Self {
        let now = Instant::now();
        Self {
            reconciler,
            report,
            out: Vec::new(),
            steady: SteadyClock::new(now, clock::now()),
            next_watch: now,
            next_sweep: now + SWEEP,
            next_cut: now,
            failed_looks: 0,
        }
    }

    fn run(mut self, queue: &Receiver<Command>) {
        loop {
            let mut commands = Vec::new();
            let mut stop = None;
            match queue.recv_timeout(self.pause()) {
                Ok(command) => {
                    commands.push(command);
                    commands.extend(queue.try_iter().take(TOGETHER - 1));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stop = Some(false),
            }
            let last = commands
                .iter()
                .position(|c| matches!(c, Command::Stop { .. }));
            if let Some(Command::Stop { flush }) = last.and_then(|at| commands.get(at)) {
                stop = Some(*flush);
                commands.truncate(last.unwrap_or(0));
            }
            let now = clock::now();
            self.turn(commands, now);
            if let Some(flush) = stop {
                return self.end(flush, now);
            }
        }
    }

    fn turn(&mut self, commands: Vec<Command>, now: Timestamp) {
        let instant = Instant::now();
        let idle = commands.is_empty();
        if !idle {
            self.reconciler.step(commands, now, &mut self.out);
            self.tell();
        }
        if self.steady.jumped(instant, now) {
            self.reconciler.renew(now, &mut self.out);
        }
        let due = self.reconciler.next_deadline().is_some_and(|at| at <= now);
        if instant >= self.next_watch || due {
            self.reconciler.watch(now, &mut self.out);
            self.next_watch = instant + self.interval();
        }
        if instant >= self.next_sweep {
            self.reconciler.sweep(now);
            self.next_sweep = instant + SWEEP;
        }
        self.tell();
        if self.reconciler.has_uncut() && instant >= self.next_cut {
            self.reconciler.cut(&mut self.out);
            self.next_cut = Instant::now() + CUT;
            self.tell();
        }
    }

    fn interval(&mut self) -> Duration {
        if self.reconciler.is_failing() {
            self.failed_looks = self.failed_looks.saturating_add(1).min(8);
            return (WATCH * (1 << self.failed_looks)).min(PATIENCE);
        }
        self.failed_looks = 0;
        if self.reconciler.is_owner() {
            WATCH_OWNED
        } else {
            WATCH
        }
    }

    fn pause(&self) -> Duration {
        let next = match self.reconciler.has_uncut() {
            true => self.next_watch.min(self.next_cut),
            false => self.next_watch,
        };
        let pause = next.saturating_duration_since(Instant::now());
        let Some(deadline) = self.reconciler.next_deadline() else {
            return pause;
        };
        let left = deadline.since(clock::now()).as_micros().max(0);
        pause.min(Duration::from_micros(left.unsigned_abs()))
    }

    fn tell(&mut self) {
        self.out.drain(..).for_each(&self.report);
    }

    fn end(mut self, flush: bool, now: Timestamp) {
        self.reconciler.cut(&mut self.out);
        self.tell();
        match self.reconciler.stop(flush, now) {
            Ok(standing) => (self.report)(Report::Stopped { standing }),
            Err(fault) => {
                (self.report)(Report::Failing {
                    error: format!("cannot remove the table: {fault}"),
                    waiting: 0,
                });
                (self.report)(Report::Stopped { standing: 0 });
            }
        }
    }
}

/// Notices when the wall clock is set. The kernel's time-outs run by the steady clock, bans are meant by the wall
/// clock.
struct SteadyClock {
    start: Instant,
    wall_at_start: Timestamp,
}

impl SteadyClock {
    fn new(instant: Instant, wall: Timestamp) -> Self {
        Self {
            start: instant,
            wall_at_start: wall,
        }
    }

    /// True if the wall clock is far from where it should be; where it is now is right from then on.
    fn jumped(&mut self, instant: Instant, wall: Timestamp) -> bool {
        let passed = instant.saturating_duration_since(self.start).as_micros();
        let passed = Span::from_micros(i64::try_from(passed).unwrap_or(i64::MAX));
        let drift = wall.since(self.wall_at_start + passed);
        let jumped = drift > JUMP || drift < Span::from_micros(-JUMP.as_micros());
        if jumped {
            *self = Self::new(instant, wall);
        }
        jumped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_wall_clock_is_noticed_once() {
        let start = Instant::now();
        let wall = Timestamp::from_secs(1_000_000);
        let mut clock = SteadyClock::new(start, wall);
        let mut check = |steady: u64, wall_secs: i64, expected: bool| {
            let at = Timestamp::from_secs(1_000_000 + wall_secs);
            assert_eq!(
                clock.jumped(start + Duration::from_secs(steady), at),
                expected
            );
        };
        check(100, 100, false);
        check(200, 259, false);
        check(300, 361, true);
        check(400, 461, false);
        check(500, 100, true);
        check(600, 200, false);
    }
}
