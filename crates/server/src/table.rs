//! Tables for people.

use time::{OffsetDateTime, UtcOffset};

/// Returns a table of aligned columns, with the headings in its first line.
pub(crate) fn text<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut lines = vec![headings.map(str::to_owned)];
    lines.extend(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let lengths = lines.iter().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count());
        lengths.max().unwrap_or_default()
    });
    let mut table = String::new();
    for cells in lines {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        table.push_str(padded.join("  ").trim_end());
        table.push('\n');
    }
    table
}

/// Formats a time in UTC, to the minute.
pub(crate) fn minute(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (date, hour, minute) = (at.date(), at.hour(), at.minute());
    format!("{date} {hour:02}:{minute:02}Z")
}

/// Escapes control characters, which could move the cursor.
pub(crate) fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
