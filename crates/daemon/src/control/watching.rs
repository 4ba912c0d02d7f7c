//! A client that watches: it has asked once, and receives events until it goes away.
//!
//! The hub never waits for it: events go into a bounded queue, and what finds no room there is counted and told. The
//! client keeps its place for as long as it listens.

use super::Answer;
use crate::hub::Watch;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Events that wait for a client that is slow.
const KEPT: usize = 1_000;
/// How often a silent stream is looked at for whether the client is still there.
const LOOK: Duration = Duration::from_secs(1);
/// How long such a look takes.
const GLANCE: Duration = Duration::from_millis(1);

pub(super) fn stream(
    mut stream: &UnixStream,
    jail: Option<String>,
    lines: bool,
    answer: &dyn Answer,
) -> io::Result<()> {
    let (sender, events) = sync_channel(KEPT);
    // Dropped with the queue's end, when this returns.
    let alive = Arc::new(());
    let watch = Watch {
        jail,
        lines,
        events: sender,
        alive: Arc::downgrade(&alive),
        is_guest: false,
    };
    if let Err(line) = answer.watch(watch) {
        return writeln!(stream, "{line}");
    }
    let begins = wire::WatchAnswer {
        v: wire::VERSION,
        kept: KEPT as u64,
    };
    writeln!(stream, "{}", wire::encode(&begins))?;
    stream.set_read_timeout(Some(GLANCE))?;
    loop {
        match events.recv_timeout(LOOK) {
            Ok(line) => writeln!(stream, "{line}")?,
            Err(RecvTimeoutError::Timeout) if is_gone(stream) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            // The daemon ends, or the place is somebody else's now.
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// True if the client has closed its end. What it may send is not read as a request.
fn is_gone(mut stream: &UnixStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(read) => read == 0,
        Err(error) => !matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
        ),
    }
}
