//! `stockade top`: how the jails stand, live, for a person in front of a terminal.
//!
//! The daemon is asked every second. What is drawn is made of the answers alone (`model`, `screen`), so that it can be
//! tested without a terminal.

use crate::args;
use crate::client;
use crate::output::Output;
use model::Model;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use wire::{Answer, BannedAnswer, Request, StatusAnswer};

#[cfg(test)]
pub(crate) mod fixtures;
mod model;
mod screen;

/// How often the daemon is asked.
const PERIOD: Duration = Duration::from_secs(1);
/// How long an answer may take: keys are not read meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bans that are looked at for the newest and for the attackers who tried most.
const BANS: u32 = 1000;

pub(crate) fn top(options: &args::Top, output: &mut Output) -> io::Result<ExitCode> {
    if !io::stdout().is_terminal() {
        output.complain("error: top draws on a terminal, and this is none");
        output.complain(
            "help: for programs there are: stockade status --json, stockade watch --json",
        );
        return Ok(ExitCode::from(2));
    }
    // The first answer decides whether there is anything to draw.
    let mut model = Model::default();
    if let Err(error) = refresh(options, &mut model) {
        output.complain(&error);
        return Ok(ExitCode::from(3));
    }
    let mut terminal = ratatui::try_init()?;
    let drawn = draw(&mut terminal, options, &mut model);
    ratatui::try_restore()?;
    drawn.map(|()| ExitCode::SUCCESS)
}

fn draw(
    terminal: &mut ratatui::DefaultTerminal,
    options: &args::Top,
    model: &mut Model,
) -> io::Result<()> {
    let coloured = std::env::var_os("NO_COLOR").is_none_or(|word| word.is_empty());
    let mut next = Instant::now() + PERIOD;
    loop {
        terminal.draw(|frame| screen::draw(frame, model, coloured))?;
        let patience = next.saturating_duration_since(Instant::now());
        if event::poll(patience)? {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let interrupts = key.modifiers.contains(KeyModifiers::CONTROL);
                    match key.code {
                        KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                        KeyCode::Char('c') if interrupts => return Ok(()),
                        _ => {}
                    }
                }
                _ => {}
            }
            continue;
        }
        next = Instant::now() + PERIOD;
        if let Err(error) = refresh(options, model) {
            model.lost(error);
        }
    }
}

/// Asks the daemon for what the next screen shows.
fn refresh(options: &args::Top, model: &mut Model) -> Result<(), String> {
    let status: StatusAnswer = ask(options, &Request::Status { jail: None })?;
    let banned: BannedAnswer = ask(
        options,
        &Request::Banned {
            jail: None,
            newest: Some(BANS),
        },
    )?;
    model.take(
        Instant::now(),
        daemon::now().as_secs(),
        status.status,
        banned.bans,
    );
    Ok(())
}

fn ask<T: serde::de::DeserializeOwned>(
    options: &args::Top,
    request: &Request,
) -> Result<T, String> {
    let line = client::ask_within(&options.socket, request, PATIENCE)
        .map_err(|error| client::unreachable(&options.socket, &error))?;
    match wire::decode(line.as_bytes()) {
        Ok(Answer::Done(answer)) => Ok(answer),
        Ok(Answer::Failed(failed)) => Err(format!("error: {}", failed.error)),
        Err(malformed) => Err(format!(
            "error: the daemon's answer cannot be read: {malformed}"
        )),
    }
}
