//! Columns.

use console::measure_text_width;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Lays rows out in columns, two spaces between; cells may hold colours. The last column is not padded.
pub(crate) fn columns(indent: usize, aligns: &[Align], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max()
    };
    let widths: Vec<usize> = (0..aligns.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (column, cell) in row.iter().enumerate() {
            let wide = widths.get(column).copied().unwrap_or(0);
            let padding = " ".repeat(wide.saturating_sub(measure_text_width(cell)));
            match aligns.get(column) {
                Some(Align::Right) => {
                    line.push_str(&padding);
                    line.push_str(cell);
                }
                _ => {
                    line.push_str(cell);
                    line.push_str(&padding);
                }
            }
            line.push_str("  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_do_not_trail() {
        let rows = vec![
            vec!["1".into(), "ntfs".into(), "x".into()],
            vec!["10".into(), "".into(), "".into()],
        ];
        let text = columns(1, &[Align::Right, Align::Left, Align::Left], &rows);
        assert_eq!(text, "  1  ntfs  x\n 10\n");
    }
}
