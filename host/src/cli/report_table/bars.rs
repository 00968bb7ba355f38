//! The bars beside the rows.

use session_plugin_api::ChartKind;

use crate::reports::{ReportResult, value};

/// The lengths of the bars, from 0 to 1.
pub(super) struct Bars(Vec<f64>);

/// The parts of a bar that are shorter than one letter, in eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

impl Bars {
    /// The bars of a report that is drawn as bars, if one of its values is above 0.
    pub(super) fn of(result: &ReportResult) -> Option<Self> {
        let chart = result.chart.as_ref()?;
        if !matches!(chart.kind(), ChartKind::Bars | ChartKind::StackedBars) {
            return None;
        }
        let place = result.place(chart.y())?;
        let height = |row: &Vec<_>| value(row, place).filter(|height: &f64| height.is_finite());
        let values: Vec<f64> = result.rows.iter().map(|row| height(row).unwrap_or(0.0)).collect();
        let largest = values.iter().copied().fold(0.0, f64::max);
        (largest > 0.0).then(|| Self(values.into_iter().map(|value| (value / largest).max(0.0)).collect()))
    }

    /// The bar of a row; the longest one has this many letters.
    pub(super) fn draw(&self, row: usize, width: usize) -> String {
        let share = self.0.get(row).copied().unwrap_or(0.0);
        let mut eighths = (share * 8.0 * width as f64).round() as usize;
        // Little is not nothing.
        if share > 0.0 {
            eighths = eighths.max(1);
        }
        "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bars = Bars(vec![1.0, 0.5, 0.3125, 0.0001, 0.0]);
        let drawn: Vec<String> = (0..5).map(|row| bars.draw(row, 4)).collect();
        assert_eq!(drawn, ["████", "██", "█▎", "▏", ""]);
    }
}
