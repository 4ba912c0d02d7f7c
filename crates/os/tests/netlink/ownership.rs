//! Who may change the table: flags, adoption, foreign flushes, generations.

use super::namespace::{has_nft, in_namespace, output, run};
use super::*;
use os::netlink::nft::{FLAG_PERSIST, OWNED};
use rustix::io::Errno;

/// A session on a kernel that has what the test is about.
fn owning() -> Option<Nft> {
    let nft = Nft::open().unwrap();
    if !nft.capabilities().owner_persist {
        eprintln!("SKIPPED: needs Linux 6.9 or later");
        return None;
    }
    Some(nft)
}

#[test]
fn an_owned_table_survives_foreign_hands() {
    in_namespace(|| {
        let Some(mut nft) = owning() else { return };
        let jail = jail("sshd", &[22]);
        install(&mut nft, OWNED, std::slice::from_ref(&jail));
        put(&mut nft, &jail, &[element("10.0.0.1", Some(600))]);
        let before = nft.shape(TABLE).unwrap();
        if has_nft() {
            run("nft add table inet other; nft flush ruleset");
            assert!(
                !output(&format!("nft delete table inet {TABLE}"))
                    .status
                    .success()
            );
            assert!(
                !output(&format!("nft flush set inet {TABLE} host4-sshd"))
                    .status
                    .success()
            );
        }
        assert_eq!(nft.shape(TABLE).unwrap(), before);
        assert_eq!(listed(&mut nft, &jail), ["10.0.0.1"]);
        let table = nft.table(TABLE).unwrap().unwrap();
        assert_eq!((table.flags, table.owner), (OWNED, Some(nft.port())));
        assert_eq!(nft.tables().unwrap(), [table]);

        let mut second = Nft::open().unwrap();
        let mut transaction = second.transaction(TABLE);
        transaction.put(&jail.name, &[element("10.0.0.2", None)]);
        assert_eq!(
            second.commit(transaction).unwrap_err().errno(),
            Some(Errno::PERM)
        );
    });
}

#[test]
fn the_next_process_adopts_what_the_last_one_left() {
    in_namespace(|| {
        let Some(mut nft) = owning() else { return };
        let jails = [jail("sshd", &[22]), jail("nginx", &[80, 443])];
        install(&mut nft, OWNED, &jails);
        put(
            &mut nft,
            &jails[0],
            &[element("10.0.0.1", Some(600)), element("10.1.0.0/16", None)],
        );
        put(&mut nft, &jails[1], &[element("10.0.0.9", Some(600))]);
        drop(nft);

        let mut nft = Nft::open().unwrap();
        let table = nft.table(TABLE).unwrap().unwrap();
        assert_eq!((table.flags, table.owner), (FLAG_PERSIST, None));
        // A reload meanwhile: one jail stays, one goes, one is new.
        let jails = [jail("sshd", &[22, 2222]), jail("vsftpd", &[21])];
        let present = nft.shape(TABLE).unwrap();
        let mut transaction = nft.transaction(TABLE);
        transaction.create_table(OWNED);
        transaction.install(&present, &jails);
        nft.commit(transaction).unwrap();
        let adopted = nft.table(TABLE).unwrap().unwrap();
        assert_eq!(
            (adopted.handle, adopted.flags, adopted.owner),
            (table.handle, OWNED, Some(nft.port()))
        );
        assert_eq!(listed(&mut nft, &jails[0]), ["10.0.0.1", "10.1.0.0/16"]);
        put(&mut nft, &jails[1], &[element("10.0.0.3", None)]);
        let shape = nft.shape(TABLE).unwrap();
        assert_eq!(
            shape.chains().collect::<Vec<_>>(),
            ["jail-sshd", "jail-vsftpd", "prerouting"]
        );
        assert_eq!(shape.sets().count(), 10);
    });
}

#[test]
fn a_plain_table_is_replaced_in_one_go() {
    in_namespace(|| {
        let Some(mut nft) = owning() else { return };
        let jail = jail("sshd", &[22]);
        install(&mut nft, 0, std::slice::from_ref(&jail));
        put(&mut nft, &jail, &[element("10.0.0.1", Some(600))]);
        let mut adopt = nft.transaction(TABLE);
        adopt.create_table(OWNED);
        assert_eq!(
            nft.commit(adopt).unwrap_err().errno(),
            Some(Errno::OPNOTSUPP)
        );

        let elements = nft.elements(TABLE, &jail.name).unwrap();
        let mut replace = nft.transaction(TABLE);
        replace.delete_table();
        replace.create_table(OWNED);
        replace.install(&Shape::default(), std::slice::from_ref(&jail));
        replace.put(&jail.name, &elements);
        nft.commit(replace).unwrap();
        assert_eq!(nft.table(TABLE).unwrap().unwrap().owner, Some(nft.port()));
        assert_eq!(left(&mut nft, &jail, "10.0.0.1"), Some(600));
    });
}

#[test]
fn foreign_changes_show_in_generation_and_shape() {
    in_namespace(|| {
        if !has_nft() {
            return;
        }
        let mut nft = Nft::open().unwrap();
        let jail = jail("sshd", &[22, 80]);
        let foreign = [
            format!("nft flush table inet {TABLE}"),
            format!("nft insert rule inet {TABLE} prerouting accept"),
            format!("nft add table inet {TABLE} '{{ flags dormant; }}'"),
            format!("nft delete table inet {TABLE}"),
            "nft flush ruleset".to_owned(),
            format!(
                "nft list table inet {TABLE} > /dev/null; nft -f - <<E\nflush ruleset\n$(nft list ruleset)\nE"
            ),
        ];
        for command in foreign {
            install(&mut nft, 0, std::slice::from_ref(&jail));
            let (shape, generation) = (nft.shape(TABLE).unwrap(), nft.generation().unwrap());
            put(&mut nft, &jail, &[element("10.0.0.1", Some(600))]);
            assert_eq!(nft.shape(TABLE).unwrap(), shape);
            assert_eq!(nft.generation().unwrap(), generation + 1);
            run(&command);
            assert_ne!(nft.shape(TABLE).unwrap(), shape, "{command}");
            assert!(nft.generation().unwrap() > generation + 1, "{command}");
            run("nft flush ruleset");
        }
    });
}

#[test]
fn what_is_missing_is_no_error_to_ask_for() {
    in_namespace(|| {
        let mut nft = Nft::open().unwrap();
        let jail = jail("sshd", &[22]);
        assert_eq!(nft.table(TABLE).unwrap(), None);
        assert_eq!(nft.shape(TABLE).unwrap(), Shape::default());
        assert_eq!(listed(&mut nft, &jail), [""; 0]);
        assert!(!nft.holds(TABLE, &jail.name, &prefix("10.0.0.1")).unwrap());
        let mut transaction = nft.transaction(TABLE);
        transaction.put(&jail.name, &[element("10.0.0.1", None)]);
        assert_eq!(
            nft.commit(transaction).unwrap_err().errno(),
            Some(Errno::NOENT)
        );
    });
}
