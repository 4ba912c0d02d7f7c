//! A port published by DNAT from a namespace behind the server, as containers do it.

use crate::attack::{ensure_shut, sources};
use crate::daemon::{Daemon, How};
use crate::process::must;
use crate::world::{World, add_namespace, ip};
use crate::{Done, Stop, ensure};
use rustix::thread::LinkNameSpaceType;
use std::fs::File;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;

pub(crate) fn is_closed(program: &Path) -> Done {
    let world = World::new()?;
    let behind = Behind::new(&world)?;
    let _listeners = behind.listen()?;
    let banned = sources(70, 2);
    let others = sources(71, 2);
    let all = [banned.clone(), others.clone()].concat();
    ensure_shut(&world, 22, &[], &all)?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let words: Vec<&str> = ["ban", "sshd"]
        .into_iter()
        .chain(banned.iter().map(String::as_str))
        .collect();
    let answer = daemon.json(&words)?;
    ensure(
        answer["banned"].as_array().map(Vec::len) == Some(banned.len()),
        format!("ban said {answer}"),
    )?;
    ensure_shut(&world, 22, &banned, &others)?;
    daemon.agree("sshd")?;
    daemon.json(&["unban", "--all"])?;
    ensure_shut(&world, 22, &[], &all)?;
    daemon.stop(true).map(drop)
}

/// The namespace behind the server, and the server's rules that publish its port 2200 as 22.
struct Behind {
    name: String,
}

impl Behind {
    fn new(world: &World) -> Done<Self> {
        let server = world.server_namespace();
        let behind = Self {
            name: server.replace("stk-s", "stk-b"),
        };
        let b = &behind.name;
        add_namespace(b)?;
        ip(&format!(
            "link add veth-p netns {server} type veth peer name veth-b netns {b}"
        ))?;
        for (ns, device, host) in [(server, "veth-p", 1), (b.as_str(), "veth-b", 2)] {
            ip(&format!("-n {ns} addr add 10.98.0.{host}/24 dev {device}"))?;
            ip(&format!(
                "-n {ns} -6 addr add fd98::{host}/64 dev {device} nodad"
            ))?;
            ip(&format!("-n {ns} link set {device} up"))?;
        }
        ip(&format!("-n {b} route add default via 10.98.0.1"))?;
        ip(&format!("-n {b} -6 route add default via fd98::1"))?;
        must(world.server("sysctl").args([
            "-qw",
            "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1",
        ]))?;
        let rules =
            "table inet published { chain prerouting { type nat hook prerouting priority dstnat;
            meta nfproto ipv4 tcp dport 22 dnat ip to 10.98.0.2:2200
            meta nfproto ipv6 tcp dport 22 dnat ip6 to [fd98::2]:2200
            }
            }";
        must(world.server("nft").arg(rules))?;
        Ok(behind)
    }

    /// The kernel answers for listening sockets by itself.
    fn listen(&self) -> Done<Vec<TcpListener>> {
        let namespace = File::open(format!("/run/netns/{}", self.name))?;
        let listen = || -> Done<Vec<TcpListener>> {
            rustix::thread::move_into_link_name_space(
                namespace.as_fd(),
                Some(LinkNameSpaceType::Network),
            )
            .map_err(std::io::Error::from)?;
            Ok(vec![
                TcpListener::bind("10.98.0.2:2200")?,
                TcpListener::bind("[fd98::2]:2200")?,
            ])
        };
        thread::scope(|scope| scope.spawn(listen).join())
            .unwrap_or_else(|_| Err(Stop::Fail("listening".into())))
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        drop(ip(&format!("netns del {}", self.name)));
    }
}
