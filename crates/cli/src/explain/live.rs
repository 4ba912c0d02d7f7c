//! What a running daemon knows, added to what the configuration and the logs tell.

use crate::args;
use crate::client::ask;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use wire::explain::{Chain, ExplainAnswer, Outcome, Stage, Step};
use wire::{Answer, Request};

/// Asks the daemon, if one answers, about everybody whom the line or the address counts for.
pub(super) fn add(answer: &mut ExplainAnswer, options: &args::Explain) {
    let ids: BTreeSet<Option<String>> = match &answer.ip {
        Some(ip) => [Some(ip.clone())].into(),
        None => answer.jails.iter().map(|chain| chain.id.clone()).collect(),
    };
    for id in ids {
        let request = Request::Explain {
            ip: id.clone(),
            jails: Vec::new(),
            lines: options.lines,
        };
        match told(options, &request) {
            Ok(Some(live)) => join(answer, id.as_deref(), live, options.jail.is_empty()),
            Ok(None) => return,
            Err(note) => return answer.notes.push(note),
        }
    }
}

/// Nothing where no daemon runs; an error where one does and tells nothing.
fn told(options: &args::Explain, request: &Request) -> Result<Option<ExplainAnswer>, String> {
    let socket = options.client.socket.display();
    let line = match ask(&options.client.socket, request) {
        Ok(line) => line,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(None),
                ErrorKind::PermissionDenied => Err(format!(
                    "permission denied for {socket}: what the daemon knows is told to root (sudo)"
                )),
                _ => Err(format!("the daemon on {socket} does not answer: {error}")),
            };
        }
    };
    match wire::decode::<Answer<ExplainAnswer>>(line.as_bytes()) {
        Ok(Answer::Done(live)) => Ok(Some(live)),
        Ok(Answer::Failed(failed)) => Err(format!("the daemon answers: {}", failed.error)),
        Err(_) => Err("the daemon's answer cannot be read: is it of another version?".into()),
    }
}

fn join(answer: &mut ExplainAnswer, id: Option<&str>, live: ExplainAnswer, all: bool) {
    answer.live = true;
    let by_address = answer.ip.is_some();
    let mut rest = live.jails;
    for chain in &mut answer.jails {
        if !by_address && chain.id.as_deref() != id {
            continue;
        }
        match rest.iter().position(|known| known.jail == chain.jail) {
            Some(at) => daemon::join(chain, rest.remove(at)),
            None => daemon::join(chain, unknown(&chain.jail)),
        }
    }
    // The daemon may run jails that this configuration does not have.
    if by_address && all {
        answer.jails.extend(rest);
    }
}

/// A jail of the configuration that the daemon does not run.
fn unknown(jail: &str) -> Chain {
    Chain {
        jail: jail.to_owned(),
        steps: vec![Step {
            step: Stage::Source,
            outcome: Outcome::Stop,
            text: "the daemon does not run this jail".into(),
            help: Some("stockade reload takes over the configuration as it is now".into()),
            facts: wire::explain::Facts::default(),
        }],
        ..Chain::default()
    }
}
