//! `stockade stop --flush` where no daemon answers: what the last one left in the kernel goes all the same.

use crate::args;
use crate::client::unreachable;
use crate::output::Output;
use os::netlink::nft::Nft;
use std::io::{self, ErrorKind};
use std::process::ExitCode;
use wire::StopAnswer;

pub(crate) fn sweep(client: &args::Client, output: &mut Output) -> io::Result<ExitCode> {
    let swept = (|| {
        let mut nft = Nft::open()?;
        let is_there = nft.table(daemon::TABLE)?.is_some();
        if is_there {
            let mut transaction = nft.transaction(daemon::TABLE);
            transaction.delete_table();
            nft.commit(transaction)?;
        }
        Ok::<_, os::netlink::Error>(is_there)
    })();
    match swept {
        Ok(true) => {
            let answer = StopAnswer {
                v: wire::VERSION,
                flushed: true,
                standing: 0,
            };
            match client.json {
                true => output.data(&wire::encode(&answer))?,
                false => {
                    output.say("no daemon ran; the table and every ban are gone from the kernel")?
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Ok(false) => {
            let nobody = io::Error::from(ErrorKind::NotFound);
            output.complain(&unreachable(&client.socket, &nobody));
            Ok(ExitCode::from(3))
        }
        Err(error) => {
            output.complain(&format!(
                "error: no daemon answers on {}, and the table inet {} cannot be removed: {error}",
                client.socket.display(),
                daemon::TABLE
            ));
            Ok(ExitCode::from(3))
        }
    }
}
