//! Packets over the loopback of a namespace: who gets through, what is counted, what is cut.

use super::namespace::{in_namespace, run};
use super::*;
use os::netlink::sock_diag::{self, Outcome, Target};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

/// Connects from `source`; `Err` with the kind of failure, where silence counts as `TimedOut`.
fn connect(source: &str, to: SocketAddr) -> Result<TcpStream, ErrorKind> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
    let family = if to.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let fd: OwnedFd = socket(family, SocketType::STREAM, None).unwrap();
    let source: IpAddr = source.parse().unwrap();
    bind(&fd, &SocketAddr::new(source, 0)).unwrap();
    // Connecting gives up after the send time-out.
    let patience = Some(Duration::from_millis(300));
    sockopt::set_socket_timeout(&fd, sockopt::Timeout::Send, patience).unwrap();
    match connect(&fd, &to) {
        Ok(()) => Ok(fd.into()),
        Err(rustix::io::Errno::INPROGRESS) => Err(ErrorKind::TimedOut),
        Err(errno) => Err(errno.kind()),
    }
}

fn listen(on: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(on).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn only_the_banned_are_stopped_and_counted() {
    in_namespace(|| {
        run(
            "ip -6 addr add 2001:db8::1/128 dev lo nodad; ip -6 addr add 2001:db8::2/128 dev lo nodad",
        );
        run(
            "ip -6 addr add 2001:db8:0:1::1/128 dev lo nodad; ip -6 addr add 2001:db9::1/128 dev lo nodad",
        );
        let (_four, four) = listen("127.0.0.1:0");
        let (_six, six) = listen("[::1]:0");
        let (_open, open) = listen("127.0.0.1:0");
        let mut nft = Nft::open().unwrap();
        let closed = jail("sshd", &[four.port(), six.port()]);
        install(&mut nft, 0, std::slice::from_ref(&closed));
        let bans = [
            "127.0.0.2",
            "127.1.0.0/16",
            "2001:db8::1",
            "2001:db8:0:1::/64",
            "2001:db9::/48",
        ];
        let elements: Vec<Element> = bans.iter().map(|p| element(p, Some(600))).collect();
        put(&mut nft, &closed, &elements);

        let stopped = Some(ErrorKind::TimedOut);
        let check = |source: &str, to: SocketAddr, expected: Option<ErrorKind>| {
            assert_eq!(connect(source, to).err(), expected, "{source} to {to}");
        };
        check("127.0.0.2", four, stopped);
        check("127.0.0.3", four, None);
        check("127.1.2.3", four, stopped);
        check("127.2.2.3", four, None);
        check("127.0.0.2", open, None);
        check("2001:db8::1", six, stopped);
        check("2001:db8::2", six, None);
        check("2001:db8:0:1::1", six, stopped);
        check("2001:db9::1", six, stopped);

        let counters = nft
            .counters(TABLE, &[closed.name.clone(), JailName::new("other")])
            .unwrap();
        assert!(
            counters[0].packets >= 5 && counters[0].bytes >= 200,
            "{counters:?}"
        );
        assert_eq!(counters[1], os::netlink::nft::Counter::default());

        remove(&mut nft, &closed, &["127.0.0.2", "2001:db8:0:1::/64"]);
        check("127.0.0.2", four, None);
        check("2001:db8:0:1::1", six, None);
    });
}

#[test]
fn reject_answers_at_once() {
    in_namespace(|| {
        run("ip -6 addr add 2001:db8::1/128 dev lo nodad");
        let (_four, four) = listen("127.0.0.1:0");
        let (_six, six) = listen("[::1]:0");
        let mut nft = Nft::open().unwrap();
        let mut jail = jail("sshd", &[four.port(), six.port()]);
        jail.blocktype = Blocktype::Reject;
        jail.protocol = Protocol::All;
        install(&mut nft, 0, std::slice::from_ref(&jail));
        put(
            &mut nft,
            &jail,
            &[element("127.0.0.2", None), element("2001:db8::1", None)],
        );
        assert_eq!(
            connect("127.0.0.2", four).err(),
            Some(ErrorKind::ConnectionRefused)
        );
        assert_eq!(
            connect("2001:db8::1", six).err(),
            Some(ErrorKind::ConnectionRefused)
        );
    });
}

/// What a read of a connection that may have been cut says.
fn is_cut(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[test]
fn open_connections_of_the_banned_are_cut() {
    in_namespace(|| {
        let (four, four_at) = listen("127.0.0.1:0");
        // A dual-stack socket, which shows IPv4 peers as mapped addresses.
        let (dual, dual_at) = listen("[::]:0");
        let dual_at = SocketAddr::new("127.0.0.1".parse().unwrap(), dual_at.port());
        let (spared, spared_at) = listen("127.0.0.1:0");
        let pair = |listener: &TcpListener, source: &str, to: SocketAddr| {
            let mut client = connect(source, to).unwrap();
            let (server, _) = listener.accept().unwrap();
            client.write_all(b"x").unwrap();
            (client, server)
        };
        let mut banned = pair(&four, "127.0.0.2", four_at);
        let mut inside = pair(&four, "127.1.2.3", four_at);
        let mut mapped = pair(&dual, "127.0.0.2", dual_at);
        let mut other_peer = pair(&four, "127.0.0.3", four_at);
        let mut other_port = pair(&spared, "127.0.0.2", spared_at);
        let target = Target {
            peers: [prefix("127.0.0.2"), prefix("127.1.0.0/16")]
                .into_iter()
                .collect(),
            ports: Ports::new([four_at.port(), dual_at.port()].map(PortRange::single)),
        };
        let outcome = sock_diag::destroy(std::slice::from_ref(&target)).unwrap();
        if outcome.unsupported {
            eprintln!("SKIPPED: this kernel cannot destroy sockets");
            return;
        }
        assert_eq!(
            outcome,
            Outcome {
                destroyed: 3,
                unsupported: false
            }
        );
        for (client, _) in [&mut banned, &mut inside, &mut mapped] {
            assert!(is_cut(client));
        }
        for (client, _) in [&mut other_peer, &mut other_port] {
            assert!(!is_cut(client));
        }
        assert_eq!(sock_diag::destroy(&[target]).unwrap(), Outcome::default());
    });
}
