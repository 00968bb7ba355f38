//! Small charts of the last month: every report with a chart by day, and how many sessions there were.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use session_plugin_api::Unit;

use crate::{
    http::{
        answer::Refusal,
        reading::{QUERY_LIMITS, in_time},
    },
    reports::{self, AskedReport, Cells, Question, ReportError, ReportResult},
    web::{chart::Plot, parts::in_address, state::Web, texts::Clock},
};

/// How many days there are.
const DAYS: i64 = 30;

/// The most charts; the rest has pages of its own.
const MOST: usize = 8;

/// The report that lists sessions with their beginnings, if it is installed.
const SESSIONS: &str = "usage.sessions";

/// A small chart.
struct Small {
    report: String,
    title: String,
    plot: Option<Plot>,
}

/// The charts.
pub(super) async fn part(web: &Web) -> Result<Markup, Refusal> {
    let (host, clock) = (web.service.host.clone(), web.clock());
    let charts = in_time(&web.service, move |reader| {
        let (catalogue, settings) = (host.catalogue(), host.settings());
        let run = |name: &str| {
            let asked = AskedReport {
                last: Some(format!("{DAYS}d")),
                ..AskedReport::default()
            };
            Question::of(&catalogue, settings, reader, name, &asked, QUERY_LIMITS)?.figures()
        };
        let days = days(&clock);
        let daily = reports::daily(&catalogue).into_iter().take(MOST);
        // A report that fails costs itself alone.
        let mut charts: Vec<Small> = daily
            .filter_map(|name| run(&name).ok())
            .map(|one| by_day(one, &days))
            .collect();
        match run(SESSIONS) {
            Ok(sessions) => charts.insert(charts.len().min(1), sessions_by_day(&sessions, &days)),
            Err(ReportError::Unknown { .. }) => {}
            Err(error) => tracing::debug!("no chart of the sessions: {error}"),
        }
        Ok(charts)
    });
    let charts = charts.await?;
    Ok(html! { @for chart in &charts { (drawn(chart)) } })
}

fn drawn(chart: &Small) -> Markup {
    html! {
        section.card {
            h2 { a href=(format!("/reports/{}?last={DAYS}d", in_address(&chart.report))) { (chart.title) } }
            @match &chart.plot {
                Some(plot) => (plot.drawn(&format!("{}, last {DAYS} days", chart.title), "chart small")),
                None => p.soft { "Nothing in the last " (DAYS) " days." },
            }
        }
    }
}

fn by_day(result: ReportResult, days: &[String]) -> Small {
    let plot = result
        .chart
        .as_ref()
        .and_then(|chart| Plot::over(&result, chart, days.to_vec()));
    Small {
        report: result.report,
        title: result.title,
        plot,
    }
}

/// How many sessions began on each day.
fn sessions_by_day(result: &ReportResult, days: &[String]) -> Small {
    let began = result.place("began");
    let mut counts: BTreeMap<String, f64> = days.iter().map(|day| (day.clone(), 0.0)).collect();
    for row in Cells::of(result).rows {
        let time = began.and_then(|place| row.get(place));
        // The text of a time begins with its day.
        if let Some(count) = time.and_then(|time| counts.get_mut(time.split(' ').next().unwrap_or_default())) {
            *count += 1.0;
        }
    }
    Small {
        report: result.report.clone(),
        title: "Sessions per day".to_owned(),
        // The list may lack sessions.
        plot: (!result.rows.is_empty() && !result.truncated).then(|| Plot::bars("Sessions", Unit::Count, counts)),
    }
}

/// The last days, as reports name them.
fn days(clock: &Clock) -> Vec<String> {
    let today = clock.date(Timestamp::now());
    let days = (0..DAYS).rev().map(|back| today.saturating_sub(back.days()));
    days.map(|day| day.to_string()).collect()
}
