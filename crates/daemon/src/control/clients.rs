//! Who is connected: a bounded number, of whom the silent give way to those who come.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Clients served at once.
pub(super) const MAX_CLIENTS: usize = 16;

/// All that are connected.
#[derive(Default)]
pub(super) struct Clients {
    table: Mutex<Table>,
    answered: Condvar,
}

#[derive(Default)]
struct Table {
    /// Those that are silent stand in the order in which they fell silent.
    clients: Vec<Client>,
    next: u64,
}

struct Client {
    id: u64,
    stream: UnixStream,
    is_answered: bool,
}

impl Clients {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody is being answered, at most so long; whether that came true.
    pub(super) fn wait_for_answers(&self, patience: Duration) -> bool {
        let busy = |table: &mut Table| table.clients.iter().any(|one| one.is_answered);
        let waited = self
            .answered
            .wait_timeout_while(self.table(), patience, busy);
        let (_table, time) = waited.unwrap_or_else(PoisonError::into_inner);
        !time.timed_out()
    }
}

/// The place of one client; free again when dropped.
pub(super) struct Place {
    clients: Arc<Clients>,
    id: u64,
}

impl Place {
    /// A place for this connection. Where none is free the client that was silent longest is sent away; `None` if all
    /// are being answered.
    pub(super) fn take(clients: &Arc<Clients>, stream: &UnixStream) -> io::Result<Option<Self>> {
        let stream = stream.try_clone()?;
        let mut table = clients.table();
        if table.clients.len() >= MAX_CLIENTS {
            let Some(at) = table.clients.iter().position(|one| !one.is_answered) else {
                return Ok(None);
            };
            let silent = table.clients.remove(at);
            // Its thread reads the end and leaves.
            drop(silent.stream.shutdown(Shutdown::Both));
        }
        let id = table.next;
        table.next += 1;
        table.clients.push(Client {
            id,
            stream,
            is_answered: false,
        });
        Ok(Some(Self {
            clients: Arc::clone(clients),
            id,
        }))
    }

    /// The client has asked and is not silent until this is dropped.
    pub(super) fn answering(&self) -> Answering<'_> {
        self.set(true);
        Answering(self)
    }

    fn set(&self, is_answered: bool) {
        let mut table = self.clients.table();
        if let Some(at) = table.clients.iter().position(|one| one.id == self.id) {
            let mut client = table.clients.remove(at);
            client.is_answered = is_answered;
            table.clients.push(client);
        }
        self.clients.answered.notify_all();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.table().clients.retain(|one| one.id != self.id);
        self.clients.answered.notify_all();
    }
}

/// A client gets its answer.
pub(super) struct Answering<'a>(&'a Place);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
