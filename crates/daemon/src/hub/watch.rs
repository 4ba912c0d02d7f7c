//! Who watches: each event as one line to each client that asked for it.
//!
//! Nobody is waited for. A client whose queue is full misses events, and is told how many as soon as there is room.

use super::{Hub, requests};
use crate::clock;
use crate::events::{jail_of, watched};
use base::FailureId;
use engine::{Event, JailId, StoreWrite};
use std::collections::HashMap;
use std::sync::Weak;
use std::sync::mpsc::{SyncSender, TrySendError};

/// Clients that watch at once.
const MOST_WATCHERS: usize = 4;
/// Bans whose lines wait for their being acknowledged.
const MOST_RECORDS: usize = 1_000;

/// What a client wants to be told.
pub(crate) struct Watch {
    /// Events of this jail only.
    pub(crate) jail: Option<String>,
    /// With the lines that led to a ban.
    pub(crate) lines: bool,
    /// Where they go.
    pub(crate) events: SyncSender<String>,
    /// Gone when the client is.
    pub(crate) alive: Weak<()>,
    /// It may only look, and makes room for who may do more.
    pub(crate) is_guest: bool,
}

struct Watcher {
    is_guest: bool,
    jail: Option<JailId>,
    lines: bool,
    events: SyncSender<String>,
    alive: Weak<()>,
    /// Events that found no room and were not told of yet.
    lost: u64,
}

/// All that watch.
#[derive(Default)]
pub(super) struct Watchers {
    all: Vec<Watcher>,
    /// Lines of bans that are not acknowledged yet, if anybody wants any.
    records: HashMap<(JailId, FailureId), Vec<String>>,
}

impl Watchers {
    /// Keeps the lines of a ban until it is told.
    pub(super) fn note(&mut self, write: &StoreWrite) {
        if let StoreWrite::Ban { jail, record, .. } = write
            && self.all.iter().any(|watcher| watcher.lines)
        {
            // Of bans that never came to pass nobody tells: what is left of them goes at times.
            if self.records.len() >= MOST_RECORDS {
                self.records.clear();
            }
            self.records
                .insert((*jail, record.id.clone()), record.matches.clone());
        }
    }

    /// Makes room: nothing else tells of who has gone while nothing happens.
    fn forget_gone(&mut self) {
        self.all.retain(|watcher| watcher.alive.strong_count() > 0);
        if !self.all.iter().any(|watcher| watcher.lines) {
            self.records.clear();
        }
    }

    /// Where all places are taken the first guest goes.
    fn make_room(&mut self) {
        if self.all.len() >= MOST_WATCHERS
            && let Some(guest) = self.all.iter().position(|watcher| watcher.is_guest)
        {
            self.all.remove(guest);
        }
    }

    /// One event to all that it concerns; who has gone is forgotten.
    fn tell(&mut self, jail: JailId, event: &wire::Event) {
        let plain = wire::Event {
            lines: None,
            ..event.clone()
        };
        let (with, without) = (wire::encode(event), wire::encode(&plain));
        self.all.retain_mut(|watcher| {
            if watcher.jail.is_some_and(|only| only != jail) {
                return true;
            }
            watcher.tell(if watcher.lines { &with } else { &without })
        });
        if self.all.is_empty() {
            self.records = HashMap::new();
        }
    }
}

impl Watcher {
    /// False if the client is gone.
    fn tell(&mut self, line: &str) -> bool {
        if self.lost > 0 {
            let lost = wire::encode(&wire::Lost {
                v: wire::VERSION,
                event: "lost".to_owned(),
                count: self.lost,
            });
            match self.events.try_send(lost) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Full(_)) => {
                    self.lost += 1;
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        match self.events.try_send(line.to_owned()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

impl Hub {
    /// Lets a client watch from now on, or says in one line why not.
    pub(super) fn watch(&mut self, watch: Watch, reply: &SyncSender<Result<(), String>>) {
        let jail = match watch.jail.map(|name| self.jail_named(&name)).transpose() {
            Ok(jail) => jail,
            // A client that went away has nobody left to tell; here and below.
            Err(line) => return drop(reply.try_send(Err(line))),
        };
        self.watchers.forget_gone();
        if !watch.is_guest {
            self.watchers.make_room();
        }
        if self.watchers.all.len() >= MOST_WATCHERS {
            let why = format!("{MOST_WATCHERS} clients watch already");
            let line = requests::failed(&why, Some("end one of them"));
            return drop(reply.try_send(Err(line)));
        }
        self.watchers.all.push(Watcher {
            is_guest: watch.is_guest,
            jail,
            lines: watch.lines,
            events: watch.events,
            alive: watch.alive,
            lost: 0,
        });
        drop(reply.try_send(Ok(())));
    }

    pub(super) fn tell_watchers(&mut self, event: &Event) {
        if self.watchers.all.is_empty() || matches!(event, Event::StoreFailed { .. }) {
            return;
        }
        let jail = jail_of(event);
        let lines = match event {
            Event::Banned { id, .. } => self.watchers.records.remove(&(jail, id.clone())),
            _ => None,
        };
        let counted = match event {
            Event::Found { id, .. } | Event::Attempted { id, .. } => self.counted_now(jail, id),
            _ => 0,
        };
        let name = self.name_of(jail);
        if let Some(told) = watched(&name, clock::now(), event, counted, lines) {
            self.watchers.tell(jail, &told);
        }
    }

    /// The failures that an id has now; those that led to a ban are no more.
    fn counted_now(&self, jail: JailId, id: &FailureId) -> u64 {
        let counted = self.engine.counted(jail, id, 0);
        let counted = counted.map(|counted| counted.estimate.max(0).unsigned_abs());
        let maxretry = || self.jails[jail.0 as usize].policy.maxretry.into();
        counted.unwrap_or_else(maxretry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;

    fn event(ip: &str) -> wire::Event {
        wire::Event {
            v: wire::VERSION,
            event: "ban".into(),
            jail: "j".into(),
            ip: ip.into(),
            time: 0,
            until: None,
            failures: 0,
            users: Vec::new(),
            why: None,
            lines: Some(vec!["secret".into()]),
        }
    }

    #[test]
    fn who_is_slow_is_told_how_much_is_missing_and_holds_up_nobody() {
        let (slow, slow_events) = sync_channel(2);
        let (other, other_events) = sync_channel(9);
        let alive = Arc::new(());
        let mut watchers = Watchers::default();
        for (events, lines) in [(slow, false), (other, true)] {
            watchers.all.push(Watcher {
                is_guest: false,
                jail: Some(JailId(1)),
                lines,
                events,
                alive: Arc::downgrade(&alive),
                lost: 0,
            });
        }
        let mut tell = |jail, ip: &str| watchers.tell(JailId(jail), &event(ip));
        for ip in ["a", "b", "c", "d"] {
            tell(1, ip);
        }
        tell(2, "elsewhere");
        assert_eq!(slow_events.try_iter().count(), 2);
        tell(1, "e");
        let told: Vec<String> = slow_events.try_iter().collect();
        assert!(told[0].contains("\"lost\",\"count\":2"), "{told:?}");
        assert!(told[1].contains("\"e\"") && !told[1].contains("secret"));
        assert_eq!(
            other_events
                .try_iter()
                .filter(|line| line.contains("secret"))
                .count(),
            5
        );
        drop(slow_events);
        tell(1, "f");
        assert_eq!(watchers.all.len(), 1);
        watchers.forget_gone();
        assert_eq!(watchers.all.len(), 1);
        drop(alive);
        watchers.forget_gone();
        assert!(watchers.all.is_empty());
    }

    #[test]
    fn a_guest_makes_room_and_others_do_not() {
        let alive = Arc::new(());
        let watcher = |is_guest| Watcher {
            is_guest,
            jail: None,
            lines: false,
            events: sync_channel(1).0,
            alive: Arc::downgrade(&alive),
            lost: 0,
        };
        let check = |guests: [bool; MOST_WATCHERS], left: usize| {
            let mut watchers = Watchers {
                all: guests.into_iter().map(watcher).collect(),
                ..Watchers::default()
            };
            watchers.make_room();
            assert_eq!(watchers.all.len(), left, "{guests:?}");
        };
        check([true; 4], 3);
        check([false, false, true, false], 3);
        check([false; 4], 4);
    }
}
