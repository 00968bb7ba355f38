//! The chart of a report.

use serde::{Deserialize, Serialize};

/// How a report is drawn. Each argument names a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    kind: ChartKind,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    series: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

/// The kind of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChartKind {
    /// A bar for each x.
    Bars,
    /// A bar for each x, with a part for each series.
    StackedBars,
    /// A line over x, or one for each series.
    Line,
    /// A field for each x and y, shaded by the value.
    HeatMap,
    /// A kind of a newer interface, which is not drawn.
    #[serde(other)]
    Unknown,
}

impl Chart {
    /// A bar of height `y` for each `x`.
    pub fn bars(x: impl Into<String>, y: impl Into<String>) -> Self {
        Self::of(ChartKind::Bars, x.into(), y.into())
    }

    /// A bar for each `x`, with a part of height `y` for each `series`.
    pub fn stacked_bars(x: impl Into<String>, y: impl Into<String>, series: impl Into<String>) -> Self {
        Self::of(ChartKind::StackedBars, x.into(), y.into()).series_of(series)
    }

    /// A line of `y` over `x`.
    pub fn line(x: impl Into<String>, y: impl Into<String>) -> Self {
        Self::of(ChartKind::Line, x.into(), y.into())
    }

    /// A line of `y` over `x` for each `series`.
    pub fn lines(x: impl Into<String>, y: impl Into<String>, series: impl Into<String>) -> Self {
        Self::line(x, y).series_of(series)
    }

    /// A field for each `x` and `y`, shaded by `value`.
    pub fn heat_map(x: impl Into<String>, y: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::of(ChartKind::HeatMap, x.into(), y.into())
        }
    }

    fn of(kind: ChartKind, x: String, y: String) -> Self {
        Self {
            kind,
            x,
            y,
            series: None,
            value: None,
        }
    }

    fn series_of(self, series: impl Into<String>) -> Self {
        Self {
            series: Some(series.into()),
            ..self
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ChartKind {
        self.kind
    }

    /// The column of the horizontal axis.
    #[must_use]
    pub fn x(&self) -> &str {
        &self.x
    }

    /// The column of the vertical axis.
    #[must_use]
    pub fn y(&self) -> &str {
        &self.y
    }

    /// The column that separates the series.
    #[must_use]
    pub fn series(&self) -> Option<&str> {
        self.series.as_deref()
    }

    /// The column that shades the fields of a heat map.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Every column that the chart names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let axes = [self.x.as_str(), self.y.as_str()];
        axes.into_iter().chain(self.series()).chain(self.value())
    }
}
