//! Small charts of the last month: every report with a chart by day.
//!
//! Their reports read a month of everything, which takes long in a large state. So the charts are kept until results
//! change, and those who ask at the same time wait for one calculation, but not for long.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{
    http::{
        answer::Refusal,
        reading::{QUERY_LIMITS, in_time},
    },
    reports::{self, AskedReport, Question, ReportError, ReportResult},
    web::{addresses, chart::Plot, parts::foreign, state::Web, texts::Clock},
};

/// How many days there are.
const DAYS: i64 = 30;

/// The most charts; the rest has pages of its own.
const MOST: usize = 8;

/// How long somebody waits for the calculation of somebody else.
const PATIENCE: Duration = Duration::from_secs(35);

/// How long a calculation that failed is not repeated. Those who waited for it would each repeat it, one after the other.
const PAUSE: Duration = Duration::from_secs(5);

/// A small chart.
struct Small {
    report: String,
    title: String,
    content: Shown,
}

/// What a small chart shows.
enum Shown {
    Plot(Plot),
    /// There is nothing to draw.
    Nothing,
    /// Why the report cannot be run.
    Error(String),
}

/// The charts that were drawn last.
#[derive(Debug, Default)]
pub(in crate::web) struct MonthCharts(Mutex<Option<Drawn>>);

#[derive(Debug)]
struct Drawn {
    /// The revision of the results, and the days.
    of: (u64, Vec<String>),
    charts: Result<Markup, Refusal>,
    /// Until when they are kept, if something failed: it may succeed the next time.
    until: Option<Instant>,
}

impl Drawn {
    /// Whether these charts can be shown still.
    fn is_good(&self, of: &(u64, Vec<String>), now: Instant) -> bool {
        self.of == *of && self.until.is_none_or(|until| now < until)
    }
}

/// The charts.
pub(super) async fn part(web: &Web) -> Result<Markup, Refusal> {
    let drawn = timeout(PATIENCE, web.memory.month.0.lock()).await;
    let mut drawn = drawn.map_err(|_| Refusal::timeout("the charts are still being calculated: reload the page"))?;
    // The results may have changed while somebody else calculated.
    let of = (web.service.host.revision(), days(&web.clock()));
    if let Some(known) = drawn.as_ref().filter(|known| known.is_good(&of, Instant::now())) {
        return known.charts.clone();
    }
    let small = calculated(web, of.1.clone()).await;
    let is_whole = small.as_ref().is_ok_and(|small| !small.iter().any(Small::has_failed));
    let charts = small.map(|small| html! { @for chart in &small { (chart.drawn()) } });
    *drawn = Some(Drawn {
        of,
        charts: charts.clone(),
        until: (!is_whole).then(|| Instant::now() + PAUSE),
    });
    charts
}

async fn calculated(web: &Web, days: Vec<String>) -> Result<Vec<Small>, Refusal> {
    let host = web.service.host.clone();
    in_time(&web.service, move |reader| {
        let (catalogue, settings) = (host.catalogue(), host.settings());
        let asked = AskedReport {
            last: Some(format!("{DAYS}d")),
            ..AskedReport::default()
        };
        let run = |name: &str| Question::of(&catalogue, settings, reader, name, &asked, QUERY_LIMITS)?.figures();
        let daily = reports::daily(&catalogue).into_iter().take(MOST);
        Ok(daily.map(|name| Small::of(run(&name), name, &days)).collect())
    })
    .await
}

impl Small {
    /// The chart of a report. A report that fails costs itself alone.
    fn of(result: Result<ReportResult, ReportError>, report: String, days: &[String]) -> Self {
        match result {
            Ok(result) => {
                let plot = result.chart.as_ref();
                let plot = plot.and_then(|chart| Plot::over(&result, chart, days.to_vec()));
                Self {
                    report,
                    title: result.title,
                    content: plot.map_or(Shown::Nothing, Shown::Plot),
                }
            }
            Err(error) => Self {
                title: report.clone(),
                report,
                content: Shown::Error(error.to_string()),
            },
        }
    }

    fn has_failed(&self) -> bool {
        matches!(self.content, Shown::Error(_))
    }

    fn drawn(&self) -> Markup {
        html! {
            section.card {
                h2 { a href=(format!("{}?last={DAYS}d", addresses::report(&self.report))) { (self.title) } }
                @match &self.content {
                    Shown::Plot(plot) => (plot.drawn(&format!("{}, last {DAYS} days", self.title), "chart small")),
                    Shown::Nothing => p.soft { "Nothing in the last " (DAYS) " days." },
                    Shown::Error(error) => p.note.bad { (foreign(error)) },
                }
            }
        }
    }
}

/// The last days, as reports name them.
fn days(clock: &Clock) -> Vec<String> {
    let today = clock.date(Timestamp::now());
    let days = (0..DAYS).rev().map(|back| today.saturating_sub(back.days()));
    days.map(|day| day.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_kept_for_a_moment_and_the_rest_until_results_change() {
        let now = Instant::now();
        let of = |revision| (revision, vec!["2026-01-01".to_owned()]);
        let drawn = |until| Drawn {
            of: of(1),
            charts: Ok(html! {}),
            until,
        };
        assert!(drawn(None).is_good(&of(1), now));
        assert!(!drawn(None).is_good(&of(2), now));
        assert!(drawn(Some(now + PAUSE)).is_good(&of(1), now));
        assert!(!drawn(Some(now)).is_good(&of(1), now));
    }
}
