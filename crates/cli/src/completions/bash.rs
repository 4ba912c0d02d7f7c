//! For bash, without the helpers of the package bash-completion.

use super::{JAILS, Kind, Offer};

pub(super) fn script(offers: &[Offer]) -> String {
    let names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
    let mut commands = String::new();
    for offer in offers {
        commands.push_str(&command(offer));
    }
    format!(
        r#"# bash completion for stockade
_stockade() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} options= place=0 n kind=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '{names} --help --version' -- "$cur"))
        return
    fi
    for ((n = 2; n < COMP_CWORD; n++)); do
        [[ ${{COMP_WORDS[n]}} == -* || ${{COMP_WORDS[n-1]}} == -?* ]] || ((place += 1))
    done
    case ${{COMP_WORDS[1]}} in
{commands}        *) return ;;
    esac
    if [[ -z $kind && $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options --help" -- "$cur"))
        return
    fi
    case $kind in
        jail) COMPREPLY=($(compgen -W "$({JAILS})" -- "$cur")) ;;
        file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")) ;;
        directory) compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")) ;;
    esac
}}
complete -F _stockade stockade
"#,
        names = names.join(" ")
    )
}

/// What is expected: the value of the option before, or else the word at this place.
fn command(offer: &Offer) -> String {
    let name = &offer.name;
    let options: Vec<String> = offer
        .options
        .iter()
        .filter_map(|opt| opt.names().pop())
        .collect();
    let mut lines = format!(
        "        {name})\n            options='{}'\n            case $prev in\n",
        options.join(" ")
    );
    for opt in &offer.options {
        if let Some(value) = opt.value {
            let names = opt.names().join(" | ");
            lines.push_str(&format!(
                "                {names}) kind={} ;;\n",
                word(value)
            ));
        }
    }
    lines.push_str("                *)\n                    case $place in\n");
    for (n, kind) in offer.words.iter().enumerate() {
        lines.push_str(&format!(
            "                        {n}) [[ $cur == -* ]] || kind={} ;;\n",
            word(*kind)
        ));
    }
    lines.push_str("                    esac ;;\n            esac ;;\n");
    lines
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Jail => "jail",
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Other => "other",
    }
}
