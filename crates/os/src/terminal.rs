//! The terminal that a person looks at.

/// The columns of the terminal that standard output leads to; `None` if it leads elsewhere, or the terminal does not say.
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
