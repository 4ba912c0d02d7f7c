//! From the jails that run and a plan read anew to the jails that run next, and what changes for whom.
//!
//! A jail keeps its id for as long as the process lives, also while the configuration does not have it: messages that are
//! under way name it by that. A jail whose new form is wrong keeps its old one, which is what its admin had in mind
//! rather than no guard at all.

use super::{Jail, Plan};
use base::{Diagnostic, JailName};
use engine::JailId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What comes of it.
pub(crate) struct Merged {
    /// All jails by id, those that are no more among them.
    pub(crate) jails: Vec<Jail>,
    /// Those that are new or are back.
    pub(crate) added: Vec<JailId>,
    /// Those of which something is different.
    pub(crate) changed: Vec<JailId>,
    /// Those that are no more.
    pub(crate) removed: Vec<JailId>,
    /// Those that read their lines from elsewhere or see something else in them, of added and changed ones.
    pub(crate) reread: BTreeSet<JailId>,
    /// Those whose new form is wrong, and what is.
    pub(crate) broken: Vec<(JailName, Diagnostic)>,
}

/// Brings the two together.
pub(crate) fn merge(running: &[Jail], plan: Plan) -> Merged {
    let ids: BTreeMap<JailName, JailId> = running
        .iter()
        .map(|jail| (jail.name.clone(), jail.id))
        .collect();
    let mut wanted: BTreeSet<JailName> = plan.broken.iter().map(|(name, _)| name.clone()).collect();
    let mut merged = Merged {
        jails: running.to_vec(),
        added: Vec::new(),
        changed: Vec::new(),
        removed: Vec::new(),
        reread: BTreeSet::new(),
        broken: plan.broken,
    };
    for mut jail in plan.jails {
        wanted.insert(jail.name.clone());
        let Some(before) = ids
            .get(&jail.name)
            .and_then(|id| merged.jails.get_mut(id.0 as usize))
        else {
            jail.id = JailId(merged.jails.len() as u32);
            merged.added.push(jail.id);
            merged.reread.insert(jail.id);
            merged.jails.push(jail);
            continue;
        };
        jail.id = before.id;
        let reads_alike = before.reads == jail.reads && !before.is_removed;
        if before.is_removed {
            merged.added.push(jail.id);
        } else if !reads_alike || !before.acts_like(&jail) {
            merged.changed.push(jail.id);
        }
        if reads_alike {
            // What it has learnt of its log belongs to this rule.
            jail.rule = Arc::clone(&before.rule);
        } else {
            merged.reread.insert(jail.id);
        }
        *before = jail;
    }
    for jail in &mut merged.jails {
        if !jail.is_removed && !wanted.contains(&jail.name) {
            jail.is_removed = true;
            merged.removed.push(jail.id);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::plan::{Surroundings, compile};
    use conf::{Choice, Manner, MemoryFiles, Tree};
    use std::path::Path;

    fn plan(jails: &str) -> Plan {
        let mut files = MemoryFiles::default();
        files.insert(
            "/c/jail.conf",
            format!("[DEFAULT]\nenabled = true\nfilter = f\n{jails}"),
        );
        files.insert(
            "/c/filter.d/f.conf",
            "[Definition]\nfailregex = ^bad <HOST>$\n",
        );
        let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
        let (config, _) = conf::load(&files, &tree, Choice::Enabled);
        compile(
            config,
            &Surroundings::of_this_machine(clock::now()),
            &mut Vec::new(),
        )
    }

    /// One configuration after the other; what the last one changes, in names.
    fn check(configurations: &[&str], expected: [&str; 5]) {
        let mut jails = Vec::new();
        let mut said = Vec::new();
        for text in configurations {
            let merged = merge(&jails, plan(text));
            let names = |ids: &mut dyn Iterator<Item = JailId>| {
                let names: Vec<&str> = ids
                    .map(|id| merged.jails[id.0 as usize].name.as_str())
                    .collect();
                names.join(" ")
            };
            said = vec![
                names(&mut merged.added.iter().copied()),
                names(&mut merged.changed.iter().copied()),
                names(&mut merged.removed.iter().copied()),
                names(&mut merged.reread.iter().copied()),
                merged
                    .broken
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect::<Vec<_>>()
                    .join(" "),
            ];
            for (at, jail) in merged.jails.iter().enumerate() {
                assert_eq!(jail.id, JailId(at as u32), "{text}");
            }
            jails = merged.jails;
        }
        assert_eq!(said, expected, "{configurations:?}");
    }

    #[test]
    fn tells_apart_what_is_new_different_and_gone() {
        let (a, b) = ("[a]\nlogpath = /a\n", "[b]\nlogpath = /b\n");
        let both = &format!("{a}{b}");
        check(&[both], ["a b", "", "", "a b", ""]);
        check(&[both, both], ["", "", "", "", ""]);
        check(&[both, &format!("# moved\n\n{b}{a}")], ["", "", "", "", ""]);
        check(&[a, both], ["b", "", "", "b", ""]);
        check(&[both, b], ["", "", "a", "", ""]);
        check(&[both, b, both], ["a", "", "", "a", ""]);
        check(&[both, b, b], ["", "", "", "", ""]);
        check(
            &[both, &format!("{a}maxretry = 9\n{b}")],
            ["", "a", "", "", ""],
        );
        check(
            &[both, &format!("{a}maxlines = 9\n{b}")],
            ["", "a", "", "a", ""],
        );
        check(
            &[both, &format!("[a]\nlogpath = /c\n{b}")],
            ["", "a", "", "a", ""],
        );
        check(
            &[both, &format!("{a}failregex = ^(x\n{b}")],
            ["", "", "", "", "a"],
        );
        check(
            &[both, &format!("{a}[c]\nfailregex = ^(x\n")],
            ["", "", "b", "", "c"],
        );
    }
}
