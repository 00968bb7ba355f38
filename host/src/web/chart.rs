//! Charts: what a report declares, in the form that the script of the page draws.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Serialize;
use session_plugin_api::{Chart, ChartKind, Unit};

use crate::reports::{Cells, ReportResult, value};

/// How many values a chart may have. Nobody could read a larger one, and the table below it has all rows.
const MOST_VALUES: usize = 50_000;

/// What the script draws.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Plot {
    kind: ChartKind,
    unit: Unit,
    /// The labels of the horizontal axis.
    x: Vec<String>,
    /// The labels of the vertical axis of a heat map.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    y: Vec<String>,
    series: Vec<Series>,
    /// The fields of a heat map: the places of their labels, and their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<(usize, usize, f64)>,
}

/// The values of a series, for each label of the horizontal axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Series {
    name: String,
    values: Vec<Option<f64>>,
}

/// Labels in the order in which they appear.
#[derive(Default)]
struct Labels {
    places: BTreeMap<String, usize>,
    names: Vec<String>,
}

impl Labels {
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len();
        self.places.insert(name.to_owned(), place);
        self.names.push(name.to_owned());
        place
    }
}

impl Plot {
    /// The chart of an answer; `None` if its report declares none, or there is nothing to draw.
    pub(super) fn of(result: &ReportResult) -> Option<Self> {
        let chart = result.chart.as_ref()?;
        Self::over(result, chart, Vec::new())
    }

    /// The chart of an answer, whose horizontal axis begins with these labels.
    pub(super) fn over(result: &ReportResult, chart: &Chart, labels: Vec<String>) -> Option<Self> {
        if result.rows.is_empty() {
            return None;
        }
        let cells = Cells::of(result);
        let mut x = Labels::default();
        for label in &labels {
            x.place(label);
        }
        match chart.kind() {
            ChartKind::HeatMap => heat_map(result, chart, &cells, x),
            ChartKind::Bars | ChartKind::StackedBars | ChartKind::Line => series(result, chart, &cells, x),
            _ => None,
        }
    }

    /// The place where the script draws it.
    pub(super) fn drawn(&self, label: &str, class: &str) -> Markup {
        // Numbers and texts can always be written.
        let plot = serde_json::to_string(self).unwrap_or_default();
        html! { div class=(class) role="img" aria-label=(label) data-plot=(plot) {} }
    }
}

fn series(result: &ReportResult, chart: &Chart, cells: &Cells, mut x: Labels) -> Option<Plot> {
    let (of_x, of_y) = (result.place(chart.x())?, result.place(chart.y())?);
    let of_series = match chart.series() {
        Some(column) => Some(result.place(column)?),
        None => None,
    };
    let column = &result.columns[of_y];
    let mut names = Labels::default();
    let mut found: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for (row, texts) in result.rows.iter().zip(&cells.rows) {
        let place = x.place(texts.get(of_x)?);
        let name = of_series.map_or(column.label.as_str(), |place| {
            texts.get(place).map_or("", String::as_str)
        });
        let series = names.place(name);
        if let Some(number) = value::<f64>(row, of_y) {
            let known = found.entry((series, place)).or_insert(0.0);
            // Rows with the same labels are parts of one bar, unless the numbers do not add up.
            *known = if column.unit.adds_up() { *known + number } else { number };
        }
    }
    if names.names.len().saturating_mul(x.names.len()) > MOST_VALUES {
        return None;
    }
    let series = names.names.iter().enumerate().map(|(series, name)| Series {
        name: name.clone(),
        values: (0..x.names.len())
            .map(|place| found.get(&(series, place)).copied())
            .collect(),
    });
    Some(Plot {
        kind: chart.kind(),
        unit: column.unit,
        series: series.collect(),
        x: x.names,
        y: Vec::new(),
        fields: Vec::new(),
    })
}

fn heat_map(result: &ReportResult, chart: &Chart, cells: &Cells, mut x: Labels) -> Option<Plot> {
    let (of_x, of_y) = (result.place(chart.x())?, result.place(chart.y())?);
    let of_value = result.place(chart.value()?)?;
    let mut y = Labels::default();
    let mut fields = Vec::new();
    for (row, texts) in result.rows.iter().zip(&cells.rows) {
        let (across, up) = (x.place(texts.get(of_x)?), y.place(texts.get(of_y)?));
        if let Some(number) = value::<f64>(row, of_value) {
            fields.push((across, up, number));
        }
    }
    let column = &result.columns[of_value];
    Some(Plot {
        kind: ChartKind::HeatMap,
        unit: column.unit,
        x: x.names,
        y: y.names,
        series: vec![Series {
            name: column.label.clone(),
            values: Vec::new(),
        }],
        fields,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;
    use crate::reports::ResultColumn;

    fn result(chart: Chart, columns: &[(&str, Unit)], rows: &[&[serde_json::Value]]) -> ReportResult {
        let columns = columns.iter().map(|(name, unit)| ResultColumn {
            name: (*name).to_owned(),
            label: name.to_uppercase(),
            unit: *unit,
            summed: false,
            gives_way: 0,
        });
        let rows = rows
            .iter()
            .map(|row| row.iter().map(|value| to_raw_value(value).unwrap()).collect());
        ReportResult {
            report: "p.r".to_owned(),
            title: "R".to_owned(),
            description: String::new(),
            timezone: "UTC".to_owned(),
            as_of: None,
            since: None,
            until: None,
            username: None,
            project: None,
            columns: columns.collect(),
            chart: Some(chart),
            rows: rows.collect(),
            totals: Vec::new(),
            truncated: false,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn series_have_a_value_for_each_label_and_parts_of_a_bar_add_up() {
        let columns = [("day", Unit::Text), ("class", Unit::Text), ("errors", Unit::Count)];
        let rows: [&[serde_json::Value]; 4] = [
            &[json!("Mon"), json!("a"), json!(1)],
            &[json!("Mon"), json!("b"), json!(2)],
            &[json!("Tue"), json!("b"), json!(3)],
            &[json!("Tue"), json!("b"), json!(4)],
        ];
        let plot = Plot::of(&result(Chart::stacked_bars("day", "errors", "class"), &columns, &rows)).unwrap();
        assert_eq!(
            serde_json::to_value(plot).unwrap(),
            json!({"kind": "stacked_bars", "unit": "count", "x": ["Mon", "Tue"], "series": [
                {"name": "a", "values": [1.0, null]}, {"name": "b", "values": [2.0, 7.0]}]})
        );
    }

    #[test]
    fn a_heat_map_has_the_places_of_its_labels() {
        let columns = [("hour", Unit::Text), ("day", Unit::Text), ("rate", Unit::Percent)];
        let rows: [&[serde_json::Value]; 2] = [
            &[json!("8"), json!("Mon"), json!(10)],
            &[json!("9"), json!("Mon"), json!(null)],
        ];
        let plot = Plot::of(&result(Chart::heat_map("hour", "day", "rate"), &columns, &rows)).unwrap();
        assert_eq!((plot.x.len(), plot.y.len(), &plot.fields), (2, 1, &vec![(0, 0, 10.0)]));
    }

    #[test]
    fn a_chart_that_nobody_could_read_is_not_drawn() {
        let columns = [("day", Unit::Text), ("class", Unit::Text), ("errors", Unit::Count)];
        let rows: Vec<_> = (0..1000)
            .map(|number| [json!(number), json!(number), json!(1)])
            .collect();
        let rows: Vec<&[serde_json::Value]> = rows.iter().map(|row| &row[..]).collect();
        let drawn = |rows| Plot::of(&result(Chart::stacked_bars("day", "errors", "class"), &columns, rows));
        assert!(drawn(&rows).is_none());
        assert!(drawn(&rows[..200]).is_some());
    }

    #[test]
    fn what_a_plot_holds_stays_text() {
        let columns = [("day", Unit::Text), ("errors", Unit::Count)];
        let rows: [&[serde_json::Value]; 1] = [&[json!("\"><script>"), json!(1)]];
        let plot = Plot::of(&result(Chart::bars("day", "errors"), &columns, &rows)).unwrap();
        let drawn = plot.drawn("c", "chart");
        assert!(!drawn.into_string().contains("<script>"));
    }
}
