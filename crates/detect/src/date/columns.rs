//! Columns of a line, counted in characters.

/// How many characters stand before a byte offset.
pub(super) fn column_of(line: &str, offset: usize) -> usize {
    line[..offset].chars().count()
}

/// The byte offset of a column; the end of the line for columns beyond it.
pub(super) fn offset_of(line: &str, column: usize) -> usize {
    match line.as_bytes().get(..column) {
        Some(head) if head.is_ascii() => column,
        _ => line
            .char_indices()
            .nth(column)
            .map_or(line.len(), |(offset, _)| offset),
    }
}

/// The character at a column.
pub(super) fn char_at(line: &str, column: usize) -> Option<char> {
    line[offset_of(line, column)..].chars().next()
}

/// The character before a column; None at the beginning and when that lies beyond the line as well.
pub(super) fn char_before(line: &str, column: usize) -> Option<char> {
    char_at(line, column.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let line = "äb";
        assert_eq!(
            (column_of(line, 2), offset_of(line, 1), offset_of(line, 9)),
            (1, 2, 3)
        );
        assert_eq!(
            (
                char_before(line, 0),
                char_before(line, 1),
                char_before(line, 2),
                char_before(line, 3)
            ),
            (None, Some('ä'), Some('b'), None)
        );
        assert_eq!((char_at(line, 1), char_at(line, 2)), (Some('b'), None));
    }
}
