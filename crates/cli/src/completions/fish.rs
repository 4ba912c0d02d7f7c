//! For fish: one `complete` for each option.

use super::{JAILS, Kind, Offer};

pub(super) fn script(offers: &[Offer]) -> String {
    let names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
    let mut script = format!(
        "function __stockade_jails\n    {}\nend\ncomplete -c stockade -f\n",
        // In fish a backslash in single quotes stands for itself unless a quote or another one follows.
        JAILS
    );
    let none = format!("not __fish_seen_subcommand_from {}", names.join(" "));
    script.push_str(&format!(
        "complete -c stockade -n '{none}' -s h -l help -d 'Print help'\n\
         complete -c stockade -n '{none}' -s V -l version -d 'Print version'\n"
    ));
    for offer in offers {
        let name = &offer.name;
        script.push_str(&format!(
            "complete -c stockade -n '{none}' -a {name} -d '{}'\n",
            offer.about
        ));
        let this = format!("__fish_seen_subcommand_from {name}");
        for opt in &offer.options {
            let short = opt.short.map(|short| format!(" -s {short}"));
            script.push_str(&format!(
                "complete -c stockade -n '{this}'{} -l {} -d '{}'{}\n",
                short.unwrap_or_default(),
                opt.long,
                opt.about,
                opt.value.map_or("", |kind| value(kind, " -x", " -r -F"))
            ));
        }
        for kind in &offer.words {
            let offered = value(*kind, "", " -F");
            if !offered.is_empty() {
                script.push_str(&format!("complete -c stockade -n '{this}'{offered}\n"));
            }
        }
    }
    script
}

/// The words that say what is offered as a value; `plain` for what nothing is known of.
fn value(kind: Kind, plain: &'static str, files: &'static str) -> &'static str {
    match kind {
        Kind::Jail => " -x -a '(__stockade_jails)'",
        Kind::File => files,
        Kind::Directory => " -x -a '(__fish_complete_directories)'",
        Kind::Other => plain,
    }
}
