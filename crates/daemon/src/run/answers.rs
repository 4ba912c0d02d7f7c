//! From a client's question to whoever knows the answer: the hub, or the thread that owns the configuration.

use crate::commands::{self, Reply};
use crate::control::{self, Access, Bound, failed};
use crate::hub::{Message, Watch};
use crate::reload;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wire::fail2ban::{Exception, MAX_REQUEST, Value};

/// What the group's socket says to whoever wants more.
const ONLY_TELLS: &str = "this socket only tells how things stand; changing them is for root";
/// How long a client waits for its answer; less than its own patience.
const ANSWER: Duration = Duration::from_secs(50);

/// Carries questions to whoever answers them.
#[derive(Clone)]
pub(super) struct Answers {
    hub: Sender<Message>,
    reload: Sender<reload::Order>,
    bound: Arc<OnceLock<Vec<Bound>>>,
    /// Somebody has ended the daemon in fail2ban's manner: nobody is told anything any more.
    is_stopping: Arc<AtomicBool>,
    /// Who asks here may change nothing.
    only_tells: bool,
}

impl Answers {
    pub(super) fn new(hub: &Sender<Message>, reload: &Sender<reload::Order>) -> Self {
        Self {
            hub: hub.clone(),
            reload: reload.clone(),
            bound: Arc::default(),
            is_stopping: Arc::default(),
            only_tells: false,
        }
    }

    /// These were made: they go before whoever ends the daemon hears of it.
    pub(super) fn are_bound(&self, bound: Vec<Bound>) {
        // Told once.
        drop(self.bound.set(bound));
    }

    /// The same, for those who have this access.
    pub(super) fn for_access(&self, access: Access) -> Self {
        Self {
            only_tells: matches!(access, Access::Group(_)),
            ..self.clone()
        }
    }

    /// `stop`: the client hears of it when all is done and the next server finds no socket in its way.
    fn stop(&self) -> Option<Reply> {
        self.is_stopping.store(true, Ordering::Relaxed);
        let (reply, answer) = sync_channel(1);
        let stop = wire::Request::Stop { flush: true };
        self.hub.send(Message::Ask(stop, reply)).ok()?;
        // It takes as long as the actions take to end; who ends meanwhile is as good as stopped.
        drop(answer.recv());
        self.bound
            .get()
            .into_iter()
            .flatten()
            .for_each(control::remove);
        Some(Ok(Value::None))
    }
}

impl control::Answer for Answers {
    fn json(&self, request: wire::Request) -> String {
        if self.only_tells && !request.only_asks() {
            return failed(ONLY_TELLS);
        }
        let (reply, answer) = sync_channel(1);
        let asked = match request {
            wire::Request::Reload => self.reload.send(reload::Order::Reload(Some(reply))).is_ok(),
            wire::Request::Ignore { jail, add, del } => {
                let change = reload::IgnoreChange { jail, add, del };
                self.reload
                    .send(reload::Order::Ignore(change, reply))
                    .is_ok()
            }
            request => self.hub.send(Message::Ask(request, reply)).is_ok(),
        };
        match asked {
            true => match answer.recv_timeout(ANSWER) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => failed(
                    "the kernel or the disk has not confirmed it in time; it is still worked on",
                ),
                Err(RecvTimeoutError::Disconnected) => failed("the daemon is stopping"),
            },
            false => failed("the daemon is stopping"),
        }
    }

    /// A command that only asks is short, and who may do no more could else make us hold much.
    fn longest_command(&self) -> usize {
        match self.only_tells {
            true => 64 << 10,
            false => MAX_REQUEST,
        }
    }

    fn watch(&self, mut watch: Watch) -> Result<(), String> {
        watch.is_guest = self.only_tells;
        if self.only_tells && watch.lines {
            return Err(failed(ONLY_TELLS));
        }
        let stopping = || failed("the daemon is stopping");
        let (reply, answer) = sync_channel(1);
        let asked = self.hub.send(Message::Watch(watch, reply));
        asked.map_err(|_| stopping())?;
        answer.recv_timeout(ANSWER).map_err(|_| stopping())?
    }

    fn command(&self, command: Value) -> Option<Reply> {
        if self.only_tells && !commands::only_asks(&command) {
            return Some(Err(Exception::new("Exception", ONLY_TELLS)));
        }
        if self.is_stopping.load(Ordering::Relaxed) {
            return None;
        }
        if is_stop(&command) {
            return self.stop();
        }
        let (reply, answer) = sync_channel(1);
        let order = reload::Order::Command(command, reply);
        self.reload.send(order).ok()?;
        answer.recv().ok()
    }
}

/// `stop` without a jail ends the daemon; nobody else is asked about it.
fn is_stop(command: &Value) -> bool {
    let is_word = |words: &[Value]| matches!(words, [word] if word.as_str() == Some("stop"));
    command.items().is_some_and(is_word)
}
