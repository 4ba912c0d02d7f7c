//! From text to tokens.

use super::FormulaFault as Fault;
use super::literal;
use super::value::Value;

/// One token and the byte where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) at: usize,
    pub(crate) kind: Kind<'t>,
}

/// What it is.
#[derive(Clone, Debug)]
pub(crate) enum Kind<'t> {
    Number(Value),
    Name(&'t str),
    Symbol(&'static str),
    End,
}

/// Longer ones first.
const SYMBOLS: &[&str] = &[
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "&", "|", "^", "~",
    "<", ">", "(", ")", "[", "]", ",", ".",
];

/// Cuts a text; an error comes with its byte.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, (usize, Fault)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = token(rest).map_err(|fault| (at, fault))?;
        if let Some(kind) = kind {
            tokens.push(Token { at, kind });
        }
        at += length;
    }
    let kind = Kind::End;
    tokens.push(Token { at, kind });
    Ok(tokens)
}

/// The first token of a text that is not empty, or none for white space and comments; and its length.
fn token(text: &str) -> Result<(Option<Kind<'_>>, usize), Fault> {
    let first = text.chars().next().unwrap_or(' ');
    let second = text[first.len_utf8()..].chars().next();
    // A value may go on in indented lines, so a new line means nothing.
    if matches!(first, ' ' | '\t' | '\x0c' | '\n' | '\r') {
        return Ok((None, 1));
    }
    if first == '#' {
        return Ok((None, text.find('\n').unwrap_or(text.len())));
    }
    if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
        let (value, length) = literal::number(text)?;
        return Ok((Some(Kind::Number(value)), length));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = end.map_or(text, |end| &text[..end]);
        return Ok((Some(Kind::Name(name)), name.len()));
    }
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| text.starts_with(**symbol)) {
        return Ok((Some(Kind::Symbol(symbol)), symbol.len()));
    }
    Err(match first {
        '"' | '\'' => Fault::Unsupported("a formula holds no text in quotes".into()),
        '{' | '}' | ':' | '=' | '@' => Fault::Unsupported(format!(
            "`{first}` has no place in a formula, which is one arithmetic expression"
        )),
        letter if letter.is_alphabetic() => {
            Fault::Unsupported(format!("a formula knows no name with `{letter}` in it"))
        }
        _ => Fault::Syntax(format!("`{first}` has no place in a formula")),
    })
}
