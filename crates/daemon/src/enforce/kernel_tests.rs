//! The whole enforcer on the running kernel, each test in a network namespace of its own.
//!
//! The crate has no unsafe code, so a test cannot enter a namespace by itself: it runs its own executable again, for
//! this one test, through the `unshare` program.

use super::nft::NftBackend;
use super::thread::start_with;
use super::*;
use os::netlink::nft::{Capabilities, Nft};
use std::process::{Command as Program, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const INSIDE: &str = "STOCKADE_TEST_NAMESPACE";
const TABLE: &str = "stockade-test";
const LONG: Duration = Duration::from_secs(20);

/// Runs `test` in a new network namespace; `name` is the test's own path.
fn in_namespace(name: &str, wrapper: &[&str], test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let can = Program::new("unshare")
        .args(["--net", "true"])
        .stderr(Stdio::null())
        .status();
    if !can.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: needs CAP_NET_ADMIN and CAP_SYS_ADMIN");
        return;
    }
    let output = Program::new("unshare")
        .arg("--net")
        .args(wrapper)
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            &format!("{}::{name}", module_path!().split_once("::").unwrap().1),
        ])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    eprintln!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"));
}

fn nft(command: &str) -> Option<String> {
    let output = Program::new("nft").args(command.split(' ')).output();
    let Ok(output) = output else {
        eprintln!("SKIPPED in part: nft is not installed");
        return None;
    };
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn jail(name: &str) -> EnforceJail {
    EnforceJail {
        name: JailName::new(name),
        ports: Ports::new([PortRange::single(22)]),
        protocol: Protocol::Tcp,
        blocktype: Blocktype::Drop,
        scope: Scope::All,
    }
}

fn config(owner: bool) -> EnforceConfig {
    EnforceConfig {
        table: TABLE.to_owned(),
        owner,
        jails: vec![jail("sshd"), jail("web")],
        firewall: Firewall::Always,
    }
}

fn start(owner: bool) -> (EnforcerHandle, Receiver<Report>) {
    let (sender, reports) = channel();
    let handle =
        Enforcer::start(config(owner), move |r| sender.send(r).unwrap_or_default()).unwrap();
    (handle, reports)
}

fn ban(seq: u64, text: &str, length: Option<i64>) -> Command {
    Command::Ban {
        seq,
        jail: JailName::new("sshd"),
        prefix: text.parse().unwrap(),
        until: length.map(|l| crate::clock::now() + Span::from_secs(l)),
    }
}

/// Reads reports up to the first that `wanted` takes.
fn await_report(reports: &Receiver<Report>, wanted: impl Fn(&Report) -> bool) -> Report {
    loop {
        let report = reports.recv_timeout(LONG).unwrap();
        if wanted(&report) {
            return report;
        }
    }
}

fn await_applied(reports: &Receiver<Report>, wanted: u64) {
    let report = await_report(
        reports,
        |r| matches!(r, Report::Applied { seq, .. } if *seq == wanted),
    );
    assert_eq!(
        report,
        Report::Applied {
            seq: wanted,
            result: Ok(())
        }
    );
}

fn holds(text: &str) -> bool {
    let jail = JailName::new("sshd");
    Nft::open()
        .unwrap()
        .holds(TABLE, &jail, &text.parse().unwrap())
        .unwrap()
}

#[test]
fn bans_reach_the_kernel_and_outlive_the_process() {
    in_namespace("bans_reach_the_kernel_and_outlive_the_process", &[], || {
        for owner in [true, false] {
            let (handle, reports) = start(owner);
            assert_eq!(reports.recv().unwrap(), Report::Adopted(vec![]));
            for (seq, text) in
                (1..).zip(["10.0.0.1", "2001:db8::/64", "10.1.0.0/16", "10.1.2.0/24"])
            {
                handle.send(ban(seq, text, Some(600))).unwrap();
            }
            handle.send(ban(5, "10.0.0.2", None)).unwrap();
            await_applied(&reports, 5);
            assert!(holds("10.0.0.1") && holds("2001:db8::/64") && holds("10.1.0.0/16"));
            handle.stop(false).unwrap();
            await_report(&reports, |r| *r == Report::Stopped { standing: 4 });
            assert!(holds("10.0.0.1"));

            let (handle, reports) = start(owner);
            let Report::Adopted(mut adopted) = reports.recv().unwrap() else {
                panic!()
            };
            adopted.sort_by_key(|a| a.prefix);
            let found: Vec<String> = adopted.iter().map(|a| a.prefix.to_string()).collect();
            assert_eq!(
                found,
                ["10.0.0.1", "10.0.0.2", "10.1.0.0/16", "2001:db8::/64"]
            );
            assert_eq!(adopted[1].until, None);
            let left = adopted[0].until.unwrap().since(crate::clock::now());
            assert!((595..=600).contains(&left.as_secs()), "{left:?}");
            handle.send(Command::Restore(adopted)).unwrap();
            await_report(&reports, |r| {
                *r == Report::Restored {
                    elements: 4,
                    failed: 0,
                }
            });
            handle.stop(true).unwrap();
            await_report(&reports, |r| *r == Report::Stopped { standing: 0 });
            assert_eq!(Nft::open().unwrap().table(TABLE).unwrap(), None);
        }
    });
}

#[test]
fn who_asks_is_told_what_the_kernel_holds_and_counts() {
    in_namespace(
        "who_asks_is_told_what_the_kernel_holds_and_counts",
        &[],
        || {
            let (handle, reports) = start(true);
            handle.send(ban(1, "10.0.0.1", Some(600))).unwrap();
            await_applied(&reports, 1);
            let check = |after: Span, dropped: Option<u64>| {
                let (jail, prefix) = (JailName::new("sshd"), "10.0.0.1".parse().unwrap());
                let inspect = Command::Inspect {
                    jail,
                    prefix,
                    after,
                };
                handle.send(inspect).unwrap();
                let report = await_report(&reports, |r| matches!(r, Report::Inspected(_)));
                let Report::Inspected(told) = report else {
                    unreachable!()
                };
                assert_eq!((told.held, told.dropped), (Held::Yes, dropped));
            };
            check(Inspection::ON_DEMAND, Some(0));
            // A doubt needs no counter, and there may be many.
            check(Span::from_secs(60), None);
            handle.stop(true).unwrap();
        },
    );
}

#[test]
fn a_change_of_ownership_keeps_the_bans() {
    in_namespace("a_change_of_ownership_keeps_the_bans", &[], || {
        for owner in [false, true, false] {
            let (handle, reports) = start(owner);
            let Report::Adopted(adopted) = reports.recv().unwrap() else {
                panic!()
            };
            handle.send(Command::Restore(adopted)).unwrap();
            handle.send(ban(1, "10.0.0.1", Some(600))).unwrap();
            await_applied(&reports, 1);
            assert!(holds("10.0.0.1"));
            handle.stop(false).unwrap();
            assert!(holds("10.0.0.1"));
        }
    });
}

#[test]
fn a_foreign_flush_is_put_right() {
    in_namespace("a_foreign_flush_is_put_right", &[], || {
        for owner in [true, false] {
            let (handle, reports) = start(owner);
            handle.send(ban(1, "10.0.0.1", Some(600))).unwrap();
            handle.send(ban(2, "10.1.0.0/16", None)).unwrap();
            await_applied(&reports, 2);
            let mut longest = Duration::ZERO;
            for _ in 0..10 {
                if nft("flush ruleset").is_none() {
                    return;
                }
                let flushed = Instant::now();
                while !(holds("10.0.0.1") && holds("10.1.0.0/16")) {
                    assert!(flushed.elapsed() < LONG);
                }
                longest = longest.max(flushed.elapsed());
            }
            eprintln!("owner {owner}: exposed for {longest:?} at most");
            handle.stop(true).unwrap();
        }
    });
}

#[test]
fn what_others_take_away_bit_by_bit_comes_back() {
    in_namespace("what_others_take_away_bit_by_bit_comes_back", &[], || {
        let (handle, reports) = start(false);
        handle.send(ban(1, "10.0.0.1", Some(600))).unwrap();
        await_applied(&reports, 1);
        let commands = [
            "flush set inet stockade-test host4-sshd",
            "flush chain inet stockade-test jail-sshd",
            "insert rule inet stockade-test prerouting accept",
            "delete table inet stockade-test",
        ];
        for command in commands {
            if nft(command).is_none() {
                return;
            }
            let healed = await_report(&reports, |r| matches!(r, Report::Healed { .. }));
            assert!(
                matches!(healed, Report::Healed { missing: 1, .. }),
                "{command}"
            );
            assert!(holds("10.0.0.1"), "{command}");
        }
        nft("add table inet other");
        await_report(&reports, |r| *r == Report::ForeignChange);
        // One ban taken out by hand among several is found and put back.
        for (seq, host) in (2..).zip(3..30) {
            handle
                .send(ban(seq, &format!("10.0.0.{host}"), None))
                .unwrap();
        }
        await_applied(&reports, 28);
        nft("delete element inet stockade-test host4-sshd { 10.0.0.17 }");
        let healed = await_report(&reports, |r| matches!(r, Report::Healed { .. }));
        assert_eq!(
            healed,
            Report::Healed {
                what: "single bans of jail sshd".into(),
                missing: 1
            }
        );
        assert!(holds("10.0.0.17"));
        handle.send(Command::Verify).unwrap();
        let status = await_report(&reports, |r| matches!(r, Report::Status(_)));
        assert!(
            matches!(
                status,
                Report::Status(EnforceStatus {
                    in_sync: true,
                    elements: 28,
                    ..
                })
            ),
            "{status:?}"
        );
        assert!(holds("10.0.0.17"));
        handle.stop(true).unwrap();
    });
}

#[test]
fn a_table_of_a_living_process_is_refused() {
    in_namespace("a_table_of_a_living_process_is_refused", &[], || {
        let (handle, reports) = start(true);
        let owner = await_report(&reports, |r| matches!(r, Report::Status(_)));
        if !matches!(owner, Report::Status(EnforceStatus { owner: true, .. })) {
            eprintln!("SKIPPED: needs Linux 6.9 or later");
            return;
        }
        for owner in [true, false] {
            let error = Enforcer::start(config(owner), |_| ()).unwrap_err();
            assert!(error.what.contains("second daemon"), "{error:?}");
        }
        handle.stop(true).unwrap();
    });
}

#[test]
fn without_the_right_it_says_so() {
    let wrapper = [
        "setpriv",
        "--bounding-set=-net_admin",
        "--inh-caps=-net_admin",
    ];
    in_namespace("without_the_right_it_says_so", &wrapper, || {
        let error = Enforcer::start(config(true), |_| ()).unwrap_err();
        assert!(error.what.contains("CAP_NET_ADMIN"), "{error:?}");
        assert!(error.help.contains("--dry-run"), "{error:?}");
    });
}

#[test]
fn a_hundred_thousand_are_restored_and_adopted() {
    in_namespace("a_hundred_thousand_are_restored_and_adopted", &[], || {
        let until = crate::clock::now() + Span::from_secs(3600);
        let bans: Vec<Standing> = (0..100_000u32)
            .map(|i| {
                let host = Prefix::host((0x0a00_0000 + i).to_be_bytes().into());
                let slash64 = Prefix::new(
                    ((0x2001_0db8_0000_0000 + u128::from(i)) << 64)
                        .to_be_bytes()
                        .into(),
                    64,
                );
                Standing {
                    jail: JailName::new(if i % 3 == 0 { "web" } else { "sshd" }),
                    prefix: if i % 4 == 0 { slash64.unwrap() } else { host },
                    until: Some(until),
                }
            })
            .collect();
        for owner in [true, false] {
            for round in ["empty", "adopted"] {
                let began = Instant::now();
                let (handle, reports) = start(owner);
                let started = began.elapsed();
                handle.send(Command::Restore(bans.clone())).unwrap();
                await_report(&reports, |r| {
                    *r == Report::Restored {
                        elements: 100_000,
                        failed: 0,
                    }
                });
                eprintln!(
                    "owner {owner}, {round}: started in {started:?}, restored in {:?}",
                    began.elapsed()
                );
                let flushed = (!owner)
                    .then(|| nft("flush ruleset"))
                    .flatten()
                    .map(|_| Instant::now());
                if let Some(flushed) = flushed {
                    await_report(&reports, |r| {
                        matches!(
                            r,
                            Report::Healed {
                                missing: 100_000,
                                ..
                            }
                        )
                    });
                    eprintln!("back after {:?}", flushed.elapsed());
                }
                handle.send(Command::Verify).unwrap();
                let status = await_report(&reports, |r| matches!(r, Report::Status(_)));
                assert!(matches!(
                    status,
                    Report::Status(EnforceStatus {
                        in_sync: true,
                        elements: 100_000,
                        ..
                    })
                ));
                handle.stop(false).unwrap();
            }
            let (handle, _) = start(owner);
            handle.stop(true).unwrap();
        }
    });
}

#[test]
fn a_kernel_of_less_means_does_as_well() {
    in_namespace("a_kernel_of_less_means_does_as_well", &[], || {
        let mut backend = NftBackend::open(TABLE, true).unwrap();
        backend.restrict(Capabilities::default());
        let (sender, reports) = channel();
        let report = move |r| sender.send(r).unwrap_or_default();
        let handle = start_with(backend, config(true), report).unwrap();
        let texts = [
            "10.0.0.1",
            "10.1.2.0/24",
            "10.1.0.0/16",
            "10.1.3.0/24",
            "2001:db8::/48",
            "10.0.0.1",
        ];
        for (seq, text) in (1..).zip(texts) {
            handle.send(ban(seq, text, Some(600))).unwrap();
            await_applied(&reports, seq);
        }
        assert!(holds("10.1.0.0/16") && holds("2001:db8::/48") && holds("10.0.0.1"));
        handle
            .send(Command::Unban {
                seq: Some(9),
                jail: JailName::new("sshd"),
                prefix: "10.1.0.0/16".parse().unwrap(),
                expired: false,
            })
            .unwrap();
        await_applied(&reports, 9);
        assert!(holds("10.1.2.0/24") && holds("10.1.3.0/24"));
        handle.stop(true).unwrap();
    });
}

#[test]
fn a_dry_run_only_tells() {
    let (sender, reports) = channel();
    let dry = EnforceConfig {
        firewall: Firewall::DryRun,
        ..config(true)
    };
    let handle = Enforcer::start(dry, move |r| sender.send(r).unwrap_or_default()).unwrap();
    handle.send(ban(1, "10.0.0.1", None)).unwrap();
    let would = await_report(&reports, |r| matches!(r, Report::Would { .. }));
    let what = Standing {
        jail: JailName::new("sshd"),
        prefix: "10.0.0.1".parse().unwrap(),
        until: None,
    };
    assert_eq!(would, Report::Would { ban: true, what });
    await_applied(&reports, 1);
    handle.stop(false).unwrap();
}
