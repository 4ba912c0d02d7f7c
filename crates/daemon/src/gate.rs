//! A bound on what sources may have under way to the hub.
//!
//! Logs are durable, so a source that is faster than the hub waits. Everybody else's messages never wait: their
//! channel has no bound, and their numbers have (one answer for each order).

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Gives out a limited number of passes at a time.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

struct Inner {
    free: Mutex<usize>,
    returned: Condvar,
}

/// The right to have one batch under way; given back when dropped.
pub(crate) struct Pass(Gate);

impl Gate {
    pub(crate) fn new(passes: usize) -> Self {
        Self(Arc::new(Inner {
            free: Mutex::new(passes),
            returned: Condvar::new(),
        }))
    }

    /// Waits until a pass is free.
    pub(crate) fn enter(&self) -> Pass {
        let free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.returned.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Pass(self.clone())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        *self.0.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn the_next_one_enters_when_a_pass_comes_back() {
        let gate = Gate::new(2);
        let (first, second) = (gate.enter(), gate.enter());
        let (sender, entered) = channel();
        let waiting = std::thread::spawn(move || {
            let pass = gate.enter();
            sender.send(()).unwrap();
            drop(pass);
        });
        assert!(entered.try_recv().is_err());
        drop(first);
        entered.recv().unwrap();
        waiting.join().unwrap();
        drop(second);
    }
}
