//! The server itself, in this process.

use super::FAILED;
use super::client::log::{self, Line};
use super::client::options::Options;
use crate::output::Output;
use conf::Item;
use std::process::ExitCode;

/// Becomes the server and returns when it has ended. `options.given` holds socket, pidfile, log level, log target and
/// system log as they are to be; `stream` are the commands that set it up, `None` if they come through the socket.
pub(super) fn foreground(options: &Options, stream: Option<&[Vec<Item>]>) -> ExitCode {
    let commands = stream.map_or(0, <[Vec<Item>]>::len);
    let sentence = format!(
        "A server cannot be started under this name yet ({commands} commands were read): guard with `stockade run`, ask \
         it with `stockade status`"
    );
    log::print(
        &[Line::error(sentence)],
        options.verbosity,
        &mut Output::new(),
    );
    ExitCode::from(FAILED)
}
