//! Host names to addresses, on a thread of its own: the resolver of the system may take seconds, and nothing
//! else may wait for it.
//!
//! Answers, bad ones too, are remembered for five minutes and at most a thousand names, as fail2ban does. When
//! more names come than can be asked for, the rest is dropped and counted: names in logs are the attacker's.

use base::Prefix;
use std::collections::HashMap;
use std::net::ToSocketAddrs;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

const MAX_NAMES: usize = 1_000;
const MAX_WAITING: usize = 1_000;
/// What the name system can hold; longer ones are neither asked for nor remembered.
const LONGEST_NAME: usize = 253;
const REMEMBERED: Duration = Duration::from_secs(300);

/// The asking end; `T` travels with a name and comes back with its addresses.
pub(crate) struct Resolver<T> {
    questions: SyncSender<(String, T)>,
}

impl<T: Send + 'static> Resolver<T> {
    /// Starts the thread. `report` gets the name, what came with it, and its addresses: none if there are none.
    pub(crate) fn start(
        report: impl Fn(String, T, Vec<Prefix>) + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::start_with(system_lookup, report)
    }

    fn start_with(
        lookup: impl Fn(&str) -> Vec<Prefix> + Send + 'static,
        report: impl Fn(String, T, Vec<Prefix>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (questions, inbox) = sync_channel(MAX_WAITING);
        thread::Builder::new()
            .name("resolve".into())
            .spawn(move || answer(&inbox, &lookup, &report))?;
        Ok(Self { questions })
    }

    /// Asks without waiting. False if too many names wait already.
    pub(crate) fn ask(&self, name: String, with: T) -> bool {
        !matches!(
            self.questions.try_send((name, with)),
            Err(TrySendError::Full(_))
        )
    }
}

fn answer<T>(
    inbox: &Receiver<(String, T)>,
    lookup: &dyn Fn(&str) -> Vec<Prefix>,
    report: &dyn Fn(String, T, Vec<Prefix>),
) {
    let mut known: HashMap<String, (Instant, Vec<Prefix>)> = HashMap::new();
    for (name, with) in inbox {
        let now = Instant::now();
        let fresh = known
            .get(&name)
            .filter(|(asked, _)| now.duration_since(*asked) < REMEMBERED);
        let addresses = match fresh {
            Some((_, addresses)) => addresses.clone(),
            None if name.len() > LONGEST_NAME => Vec::new(),
            None => {
                let addresses = lookup(&name);
                if known.len() >= MAX_NAMES {
                    known.retain(|_, (asked, _)| now.duration_since(*asked) < REMEMBERED);
                }
                if known.len() >= MAX_NAMES {
                    known.clear();
                }
                known.insert(name.clone(), (now, addresses.clone()));
                addresses
            }
        };
        report(name, with, addresses);
    }
}

/// The addresses of a host name, sorted; none if the system knows none. Waits for the answer.
pub fn addresses_of(name: &str) -> Vec<Prefix> {
    if name.len() > LONGEST_NAME {
        return Vec::new();
    }
    system_lookup(name)
}

fn system_lookup(name: &str) -> Vec<Prefix> {
    let mut addresses: Vec<Prefix> = (name, 0)
        .to_socket_addrs()
        .map(|found| found.map(|address| Prefix::host(address.ip())).collect())
        .unwrap_or_default();
    addresses.sort();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc::channel};

    #[test]
    fn asks_once_for_a_name_and_remembers_failures_too() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let (report, reports) = channel();
        let lookup = move |name: &str| {
            counter.fetch_add(1, Ordering::Relaxed);
            if name == "known" {
                vec!["192.0.2.1".parse().unwrap()]
            } else {
                vec![]
            }
        };
        let resolver = Resolver::start_with(lookup, move |name, with: u32, addresses| {
            report.send((name, with, addresses)).unwrap();
        })
        .unwrap();
        for (n, name) in ["known", "unknown", "known", "unknown"]
            .into_iter()
            .enumerate()
        {
            assert!(resolver.ask(name.into(), n as u32));
        }
        let got: Vec<_> = reports
            .iter()
            .take(4)
            .map(|(name, with, found)| (name, with, found.len()))
            .collect();
        let name = |text: &str| text.to_owned();
        assert_eq!(
            got,
            [
                (name("known"), 0, 1),
                (name("unknown"), 1, 0),
                (name("known"), 2, 1),
                (name("unknown"), 3, 0)
            ]
        );
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_flood_of_names_is_refused_not_queued() {
        let (release, gate) = channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let lookup = move |_: &str| {
            gate.lock().unwrap().recv().ok();
            vec![]
        };
        let resolver = Resolver::start_with(lookup, |_, (), _| {}).unwrap();
        let taken = (0..MAX_WAITING + 10)
            .filter(|n| resolver.ask(format!("host{n}"), ()))
            .count();
        assert!((MAX_WAITING..=MAX_WAITING + 1).contains(&taken), "{taken}");
        drop(release);
    }
}
