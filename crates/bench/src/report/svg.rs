//! Horizontal bar charts as SVG.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const LABEL_WIDTH: f64 = 330.0;
const VALUE_WIDTH: f64 = 110.0;
const ROW: f64 = 24.0;
const TOP: f64 = 58.0;
const COLORS: [&str; 4] = ["#2563a8", "#d98324", "#8a8f98", "#4d9a6a"];

/// A chart of horizontal bars, each made of segments.
#[derive(Debug, Clone)]
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    /// The names of the segments; none without a legend.
    pub(super) legend: &'a [&'a str],
    pub(super) bars: Vec<Bar>,
    /// A line across all bars.
    pub(super) line: Option<f64>,
}

/// A bar.
#[derive(Debug, Clone, Default)]
pub(super) struct Bar {
    pub(super) label: String,
    /// The label beside the bar.
    pub(super) value: String,
    pub(super) segments: Vec<f64>,
    /// The extremes, as a thin line.
    pub(super) spread: Option<(f64, f64)>,
}

impl Chart<'_> {
    /// Draws the chart.
    pub(super) fn svg(&self) -> String {
        let height = TOP + ROW * self.bars.len() as f64 + 12.0;
        let ends = self.bars.iter().flat_map(|bar| {
            let end: f64 = bar.segments.iter().sum();
            [end, bar.spread.map_or(0.0, |spread| spread.1)]
        });
        let most = ends.chain(self.line).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let x = |value: f64| LABEL_WIDTH + value / most * (WIDTH - LABEL_WIDTH - VALUE_WIDTH);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"12\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{}</text>\n",
            escaped(self.title)
        );
        for (index, (name, color)) in self.legend.iter().zip(COLORS).enumerate() {
            let left = LABEL_WIDTH + 130.0 * index as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"34\" width=\"11\" height=\"11\" fill=\"{color}\"/>\
                 <text x=\"{:.1}\" y=\"44\">{}</text>",
                left + 16.0,
                escaped(name)
            );
        }
        for (index, bar) in self.bars.iter().enumerate() {
            let top = TOP + ROW * index as f64;
            let middle = top + ROW / 2.0;
            let base = middle + 4.0;
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>",
                LABEL_WIDTH - 8.0,
                escaped(&bar.label)
            );
            let mut start = 0.0;
            for (value, color) in bar.segments.iter().zip(COLORS) {
                let (left, right) = (x(start), x(start + value));
                let _ = write!(
                    svg,
                    "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{color}\"/>",
                    top + 4.0,
                    right - left,
                    ROW - 8.0
                );
                start += value;
            }
            if let Some((low, high)) = bar.spread {
                let (left, right) = (x(low), x(high));
                let _ = write!(
                    svg,
                    "<path d=\"M{left:.1} {middle:.1}H{right:.1}M{left:.1} {:.1}v8M{right:.1} {:.1}v8\" stroke=\"#111111\"/>",
                    middle - 4.0,
                    middle - 4.0
                );
            }
            let end = bar.spread.map_or(start, |spread| spread.1.max(start));
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{base:.1}\">{}</text>",
                x(end) + 8.0,
                escaped(&bar.value)
            );
        }
        if let Some(line) = self.line {
            let at = x(line);
            let _ = writeln!(
                svg,
                "<path d=\"M{at:.1} {:.1}V{:.1}\" stroke=\"#b3261e\" stroke-dasharray=\"4 3\"/>",
                TOP - 6.0,
                height - 8.0
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_or_line_fills_the_chart_and_texts_are_escaped() {
        let bar = |label: &str, segments: &[f64]| Bar {
            label: label.to_owned(),
            value: "1 < 2".to_owned(),
            segments: segments.to_vec(),
            spread: None,
        };
        let chart =
            Chart { title: "a & b", legend: &["x", "y"], bars: vec![bar("p", &[1.0, 3.0])], line: Some(8.0) };
        let svg = chart.svg();
        // 420 pixels are 8: the segments begin at 330 and take 52.5 and 157.5.
        assert!(
            svg.contains(r##"<rect x="330.0" y="62.0" width="52.5" height="16.0" fill="#2563a8"/>"##),
            "{svg}"
        );
        assert!(
            svg.contains(r##"<rect x="382.5" y="62.0" width="157.5" height="16.0" fill="#d98324"/>"##),
            "{svg}"
        );
        assert!(svg.contains(r#"<path d="M750.0 52.0V"#), "{svg}");
        assert!(svg.contains("a &amp; b") && svg.contains("1 &lt; 2") && svg.ends_with("</svg>\n"), "{svg}");
    }

    #[test]
    fn a_chart_without_bars_is_drawn_nevertheless() {
        let svg = Chart { title: "empty", legend: &[], bars: Vec::new(), line: None }.svg();
        assert!(svg.starts_with("<svg ") && !svg.contains("NaN"), "{svg}");
    }
}
