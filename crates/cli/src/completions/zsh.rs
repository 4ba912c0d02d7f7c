//! For zsh: one `_arguments` for each command.

use super::{JAILS, Kind, Offer, Opt};

pub(super) fn script(offers: &[Offer]) -> String {
    let mut commands = String::new();
    let mut cases = String::new();
    for offer in offers {
        commands.push_str(&format!(
            "        '{}:{}'\n",
            offer.name,
            offer.about.replace(':', "\\:")
        ));
        cases.push_str(&format!(
            "        {})\n            _arguments \\\n",
            offer.name
        ));
        for opt in &offer.options {
            cases.push_str(&option(opt));
        }
        let last = offer.words.len().saturating_sub(1);
        for (n, kind) in offer.words.iter().enumerate() {
            let place = match n == last && n > 0 {
                true => "*".to_owned(),
                false => (n + 1).to_string(),
            };
            cases.push_str(&format!("                '{place}:{}' \\\n", value(*kind)));
        }
        cases.push_str("                '--help[print help]' ;;\n");
    }
    format!(
        r#"#compdef stockade
_stockade_jails() {{
    local -a jails
    jails=(${{(f)"$({JAILS})"}})
    _describe jail jails
}}
_stockade() {{
    local -a commands
    commands=(
{commands}    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
{cases}    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _stockade "$@"
else
    compdef _stockade stockade
fi
"#
    )
}

fn option(opt: &Opt) -> String {
    let about = opt.about.replace(['[', ']'], "").replace(':', "\\:");
    let value = opt
        .value
        .map(|kind| format!(":{}", value(kind)))
        .unwrap_or_default();
    let names = opt.names();
    match names.as_slice() {
        [one] => format!("                '{one}[{about}]{value}' \\\n"),
        _ => {
            let all = names.join(" ");
            let each = names.join(",");
            format!("                '({all})'{{{each}}}'[{about}]{value}' \\\n")
        }
    }
}

fn value(kind: Kind) -> &'static str {
    match kind {
        Kind::Jail => "jail:_stockade_jails",
        Kind::File => "file:_files",
        Kind::Directory => "directory:_files -/",
        Kind::Other => "value: ",
    }
}
