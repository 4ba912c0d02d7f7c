//! Addresses of the page that draws a regular expression and runs it on a line.

/// The address for an expression and a line.
pub(super) fn address(regex: &str, line: &str) -> String {
    let mut address = String::from("https://www.debuggex.com/?re=");
    append_quoted(&mut address, regex);
    address.push_str("&str=");
    append_quoted(&mut address, line);
    address.push_str("&flavor=python");
    address
}

/// Form encoding, as browsers and Python's `quote_plus` do it.
fn append_quoted(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_holds_both() {
        assert_eq!(
            super::address(r"^a (?P<fid>\S+)", "a é~&"),
            "https://www.debuggex.com/?re=%5Ea+%28%3FP%3Cfid%3E%5CS%2B%29&str=a+%C3%A9~%26&flavor=python"
        );
    }
}
