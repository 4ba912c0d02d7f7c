//! A line as words, as Python's `shlex.split` has it: blanks part, quotes and backslashes keep together.

/// What is wrong with a line, in Python's words.
type Fault = &'static str;

/// The words of a line.
pub(super) fn split(line: &str) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    // Quotes with nothing between them are a word, too.
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => {
                let escaped = letters.next().ok_or(NO_ESCAPED)?;
                word.get_or_insert_default().push(escaped);
            }
            '\'' | '"' => quoted(letter, &mut letters, word.get_or_insert_default())?,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

const NO_ESCAPED: Fault = "No escaped character";
const NO_CLOSING: Fault = "No closing quotation";

/// The rest of a quotation. A backslash means something in double quotes only, and only before one of them or another
/// backslash.
fn quoted(quote: char, letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Fault> {
    loop {
        match letters.next().ok_or(NO_CLOSING)? {
            letter if letter == quote => return Ok(()),
            '\\' if quote == '"' => {
                let escaped = letters.next().ok_or(NO_ESCAPED)?;
                if escaped != '"' && escaped != '\\' {
                    word.push('\\');
                }
                word.push(escaped);
            }
            letter => word.push(letter),
        }
    }
}

#[cfg(test)]
mod tests;
