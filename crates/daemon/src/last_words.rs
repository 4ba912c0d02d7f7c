//! What a thread says when it dies.
//!
//! A part that is gone is worse than a daemon that is gone: the latter is started again. So a panic in any part reaches
//! the hub, which says it and ends.

use crate::hub::Message;
use std::sync::mpsc::Sender;
use std::thread;

/// A part's way to the hub, which tells of the part's panic.
pub(crate) struct LastWords {
    part: String,
    hub: Sender<Message>,
}

impl LastWords {
    pub(crate) fn new(part: impl Into<String>, hub: Sender<Message>) -> Self {
        let part = part.into();
        Self { part, hub }
    }

    /// Sends the hub a message.
    pub(crate) fn tell(&self, message: Message) {
        // The hub ends after the parts; if it died, nobody is left to tell.
        drop(self.hub.send(message));
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if thread::panicking() {
            self.tell(Message::Died(format!("{} (it panicked)", self.part)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn only_a_panic_is_told() {
        let (hub, inbox) = channel();
        let words = LastWords::new("tail", hub.clone());
        thread::spawn(move || drop(words)).join().unwrap();
        assert!(inbox.try_recv().is_err());
        let words = LastWords::new("tail", hub);
        let dies = move || {
            words.tell(Message::Stop);
            std::panic::resume_unwind(Box::new(()));
        };
        thread::spawn(dies).join().unwrap_err();
        assert!(matches!(inbox.recv(), Ok(Message::Stop)));
        assert!(matches!(inbox.recv(), Ok(Message::Died(part)) if part.starts_with("tail")));
    }
}
