//! A ban that does not keep its owner out: why, as far as this machine can tell, and what to do about it.
//!
//! The enforcer says whether the kernel holds the ban and to which ports the banned is connected. The first cause that
//! is proved is named; where none is, the likeliest one.

use super::Hub;
use crate::enforce::{Blocktype, Command, Held, Inspection, Ports, Protocol};
use crate::log::{Kind, Level};
use crate::plan::Jail;
use crate::{actions, clock};
use base::{FailureId, Span, Timestamp};
use engine::{BanKey, JailId};
use std::net::IpAddr;

/// So many bans are looked into in a second: each look asks the kernel for all connections, and where many bans at once
/// keep nobody out, they have one cause.
const LOOKS_A_SECOND: u32 = 10;

/// How many bans were looked into lately.
#[derive(Debug, Default)]
pub(super) struct Looks {
    second: i64,
    many: u32,
}

impl Looks {
    /// Begins a look; false if there were enough in this second.
    fn begin(&mut self, now: Timestamp) -> bool {
        if self.second != now.as_secs() {
            (self.second, self.many) = (now.as_secs(), 0);
        }
        self.many += 1;
        self.many <= LOOKS_A_SECOND
    }
}

/// What is known when a cause is looked for.
struct Facts<'a> {
    jail: &'a Jail,
    id: &'a FailureId,
    /// What the kernel says, if the ban is the kernel's to hold.
    inspection: Option<&'a Inspection>,
    /// The actions of the jail that failed last time, with what they said.
    failing: Vec<&'a actions::Report>,
}

impl Facts<'_> {
    /// One sentence or two: the cause, and what to do.
    fn cause(&self) -> String {
        if let Some(inspection) = self.inspection {
            match &inspection.held {
                Held::PutBack => {
                    return "the kernel had lost it, and holds it again; something else changes the table".into();
                }
                Held::Failing(error) => return format!("the kernel does not take it: {error}"),
                Held::Yes | Held::Unknown => {}
            }
            let open: Vec<u16> = self.uncovered(&inspection.ports);
            if !open.is_empty() {
                let ports: Vec<String> = open.iter().map(u16::to_string).collect();
                return format!(
                    "it is connected to port {}, which this jail does not close; add it to port = of the jail",
                    ports.join(", ")
                );
            }
        }
        if let Some(report) = self.failing.first() {
            let error = report.last_error.as_deref().unwrap_or("no more is known");
            return format!("its action '{}' fails: {error}", report.name);
        }
        if self.inspection.is_none() && self.jail.enforce.is_some() && self.id.prefix().is_some() {
            return "many bans at once keep nobody out, and not each of them is looked into".into();
        }
        let Some(prefix) = self.id.prefix() else {
            return "it is no address: only an action of the jail can keep it out, and none says that it failed".into();
        };
        if is_private(prefix.address()) {
            return "it is an address of a private network: perhaps your own proxy or gateway, behind which others \
                    stand; let the service log the address of the client, or add it to ignoreip"
                .into();
        }
        match &self.jail.enforce {
            None => "its actions say that it is banned; look whether the firewall that they use is the one in the way".into(),
            Some(enforce) if enforce.ports != Ports::All || enforce.protocol != Protocol::All => format!(
                "the kernel holds it{}; perhaps the service is reached by a port that this jail does not close, such as \
                 one that is redirected (DNAT): close the one that clients dial, or all with port = 0:65535 and \
                 protocol = all",
                match enforce.blocktype {
                    Blocktype::Drop => "",
                    Blocktype::Reject => " and rejects its packets",
                }
            ),
            Some(_) => "the kernel holds it for all ports; perhaps it comes by a way that passes no firewall here, such as \
                        a tunnel or a proxy that the service trusts"
                .into(),
        }
    }

    fn uncovered(&self, ports: &[u16]) -> Vec<u16> {
        let closed = self.jail.enforce.as_ref().map(|enforce| &enforce.ports);
        let is_open = |port: &u16| closed.is_some_and(|closed| !closed.contains(*port));
        ports.iter().copied().filter(is_open).collect()
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

impl Hub {
    /// Somebody came through. Where the kernel is to hold the ban, it is asked first.
    pub(super) fn doubt(&mut self, jail: JailId, id: FailureId, after: Span) {
        let known = self.jails.get(jail.0 as usize);
        let enforced = known.filter(|jail| jail.enforce.is_some());
        match enforced.zip(id.prefix()) {
            Some((known, prefix)) if self.looks.begin(clock::now()) => {
                let name = known.name.clone();
                self.enforce(Command::Inspect {
                    jail: name,
                    prefix,
                    after,
                });
            }
            _ => self.tell_doubt(jail, id, after, None),
        }
    }

    /// What the kernel says of it.
    pub(super) fn inspected(&mut self, inspection: &Inspection) {
        if inspection.after == Inspection::ON_DEMAND {
            return self.explain_inspected(inspection);
        }
        let mut jails = self.jails.iter().filter(|jail| !jail.is_removed);
        let found = jails.find(|jail| jail.name == inspection.jail);
        let Some(jail) = found.map(|jail| jail.id) else {
            return;
        };
        let id = FailureId::Prefix(inspection.prefix);
        // It may be over by now, and another one may have begun.
        let key = BanKey { jail, id };
        let ban = self.engine.ban(&key);
        if ban.is_some_and(|ban| ban.ineffective) {
            self.tell_doubt(jail, key.id, inspection.after, Some(inspection));
        }
    }

    fn tell_doubt(
        &mut self,
        of: JailId,
        id: FailureId,
        after: Span,
        inspection: Option<&Inspection>,
    ) {
        let Some(jail) = self.jails.get(of.0 as usize) else {
            return;
        };
        let reports = self.acting.reports(of);
        let facts = Facts {
            jail,
            id: &id,
            inspection,
            failing: reports.iter().filter(|report| report.is_failing).collect(),
        };
        let cause = facts.cause();
        let text = format!(
            "[{}] {id} failed {} after it was banned: {cause}",
            jail.name,
            base::format_duration(after.as_secs())
        );
        self.log
            .write(clock::now(), Level::Warning, Kind::PerBan, "actions", &text);
        self.board.doubted(of, id, cause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Surroundings, compile};
    use base::Prefix;
    use conf::{Choice, Manner, MemoryFiles, Tree};
    use std::path::Path;

    fn jail(action: &str) -> Jail {
        let mut files = MemoryFiles::default();
        let text = format!("[j]\nenabled = true\nfilter = f\nlogpath = /a\naction = {action}\n");
        files.insert("/c/jail.local", text);
        files.insert(
            "/c/filter.d/f.conf",
            "[Definition]\nfailregex = ^bad <HOST>$\n",
        );
        let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
        let (config, _) = conf::load(&files, &tree, Choice::Named(&[base::JailName::new("j")]));
        let around = Surroundings::of_this_machine(clock::now());
        compile(config, &around, &mut Vec::new()).jails.remove(0)
    }

    fn check(action: &str, address: &str, held: Held, ports: &[u16], expected: &str) {
        let jail = jail(action);
        let prefix: Prefix = address.parse().unwrap();
        let inspection = Inspection {
            jail: jail.name.clone(),
            prefix,
            after: Span::from_secs(60),
            held,
            ports: ports.to_vec(),
            dropped: None,
        };
        let facts = Facts {
            jail: &jail,
            id: &FailureId::Prefix(prefix),
            inspection: Some(&inspection),
            failing: Vec::new(),
        };
        let cause = facts.cause();
        assert!(cause.contains(expected), "{action} {address}: {cause}");
    }

    #[test]
    fn a_storm_of_doubts_is_not_looked_into_one_by_one() {
        let mut looks = Looks::default();
        let mut at = |secs| looks.begin(Timestamp::from_secs(secs));
        let in_one = (0..20).filter(|_| at(7)).count();
        assert_eq!((in_one, at(8)), (LOOKS_A_SECOND as usize, true));
    }

    #[test]
    fn names_the_first_cause_that_is_proved() {
        let ssh = "stockade[port=22]";
        check(ssh, "192.0.2.1", Held::PutBack, &[2222], "had lost it");
        let no = Held::Failing("no memory".into());
        check(ssh, "192.0.2.1", no, &[], "does not take it: no memory");
        check(
            ssh,
            "192.0.2.1",
            Held::Yes,
            &[22, 2222],
            "connected to port 2222, which",
        );
        check(ssh, "10.0.0.1", Held::Yes, &[], "private network");
        check(ssh, "fd00::1", Held::Yes, &[], "private network");
        check(ssh, "192.0.2.1", Held::Yes, &[], "redirected (DNAT)");
        let all = "stockade[port=0:65535, protocol=all]";
        check(all, "192.0.2.1", Held::Yes, &[], "passes no firewall here");
    }
}
