//! A worker's way into a thread and back.

use super::{Seat, Wake};
use crate::actions::hands::Tools;
use crate::actions::queue::Job;
use crate::actions::worker::Worker;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

/// Jobs that a thread takes at once.
pub(super) const BATCH: usize = 16;

/// Somebody who comes back from work.
pub(super) struct Return {
    pub(super) seat: u64,
    /// Nothing if the thread panicked.
    pub(super) worker: Option<Worker>,
    /// What it had no time for.
    pub(super) left: Vec<Job>,
    pub(super) errors: Vec<String>,
    /// The last job failed.
    pub(super) is_failing: bool,
}

/// Sends a worker out into a thread of its own with its next jobs.
pub(super) fn set_out(
    seat: &mut Seat,
    tools: &Arc<Tools>,
    wake: &Wake,
    back: &Sender<Return>,
) -> std::io::Result<()> {
    let (hand_over, taken) = channel::<(Worker, Vec<Job>)>();
    let home = Home {
        seat: seat.id,
        worker: None,
        left: Vec::new(),
        errors: Vec::new(),
        is_failing: false,
        back: back.clone(),
        wake: Arc::clone(wake),
    };
    let tools = Arc::clone(tools);
    // The worker follows through the channel: a thread that cannot be made must not take it along.
    thread::Builder::new()
        .name("action".into())
        .spawn(move || {
            if let Ok((worker, jobs)) = taken.recv() {
                work(worker, jobs, &tools, home);
            }
        })?;
    if let Some(worker) = seat.worker.take() {
        seat.set_out = Some(Instant::now());
        let jobs = seat.queue.take(BATCH);
        // The thread waits for just this.
        drop(hand_over.send((worker, jobs)));
    }
    Ok(())
}

fn work(mut worker: Worker, jobs: Vec<Job>, tools: &Tools, mut home: Home) {
    for job in jobs {
        if worker.hurry.is_on() {
            home.left.push(job);
            continue;
        }
        let errors = worker.perform(&job, tools);
        home.is_failing = !errors.is_empty();
        home.errors.extend(errors);
    }
    home.worker = Some(worker);
}

/// The way home; taken also by a thread that panics.
struct Home {
    seat: u64,
    worker: Option<Worker>,
    left: Vec<Job>,
    errors: Vec<String>,
    is_failing: bool,
    back: Sender<Return>,
    wake: Wake,
}

impl Drop for Home {
    fn drop(&mut self) {
        let back = Return {
            seat: self.seat,
            worker: self.worker.take(),
            left: std::mem::take(&mut self.left),
            errors: std::mem::take(&mut self.errors),
            is_failing: self.is_failing,
        };
        // Nobody waits any more where the crew is gone.
        drop(self.back.send(back));
        (self.wake)();
    }
}
