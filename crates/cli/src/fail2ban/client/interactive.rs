//! `-i`: commands line by line, until `exit`, `quit` or the end of the input.

use super::words::split;
use super::work::{Client, Done};
use super::{VERSION, usage};
use std::io::{self, BufRead};

const PROMPT: &str = "fail2ban> ";

/// Reads and does commands; what fails does not end it.
pub(super) fn run(client: &mut Client<'_>, input: &mut dyn BufRead) -> io::Result<Done> {
    let own = env!("CARGO_PKG_VERSION");
    client.output.data(&format!(
        "Fail2Ban v{VERSION} (Stockade {own}): one command a line, `help` lists them, `exit` or `quit` ends.\n"
    ))?;
    client.tells_steps = true;
    loop {
        client.output.piece(PROMPT)?;
        client.output.flush()?;
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            client.output.data("")?;
            client.complain("EOF when reading a line");
            return Ok(Done::No);
        }
        let line = String::from_utf8_lossy(&line);
        let words = match split(line.trim_end_matches('\n')) {
            Ok(words) => words,
            Err(why) => {
                client.complain(why);
                continue;
            }
        };
        match words.as_slice() {
            [] => {}
            [word] if word == "exit" || word == "quit" => return Ok(Done::Yes),
            [word] if word == "help" => {
                let usage = usage::usage(client.program);
                client.output.data(usage.trim_end())?;
            }
            words => {
                // Whether it was done has been said.
                if let Done::Served(code) = client.run(words)? {
                    return Ok(Done::Served(code));
                }
            }
        }
    }
}
