//! Small charts of the last month: every report with a chart by day.
//!
//! Their reports read a month of everything, which takes long in a large state. So the charts are kept until results
//! change.

use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};

use crate::{
    http::{
        answer::Refusal,
        reading::{QUERY_LIMITS, report_in_time},
    },
    reports::{self, AskedReport, Question, ReportError, ReportResult},
    web::{
        addresses,
        chart::Plot,
        kept::{Kept, Lasts, PAUSE},
        parts::foreign,
        state::Web,
        texts::Clock,
    },
};

/// How many days there are.
const DAYS: i64 = 30;

/// The most charts; the rest has pages of its own.
const MOST: usize = 8;

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

/// The charts that were drawn last, of the revision of the results and of the days.
pub(in crate::web) type MonthCharts = Kept<(u64, Vec<String>), MonthDrawn>;

/// The charts as a page shows them.
#[derive(Clone, Debug)]
pub(in crate::web) struct MonthDrawn {
    charts: Markup,
    /// Whether a report failed, which may succeed the next time.
    has_failed: bool,
}

/// The charts.
pub(super) async fn part(web: &Web) -> Result<Markup, Refusal> {
    let of = || (web.service.host.revision(), days(&web.clock()));
    let draw = |(_, days): (u64, Vec<String>)| async {
        let small = calculated(web, days).await?;
        Ok(MonthDrawn {
            charts: html! { @for chart in &small { (chart.drawn()) } },
            has_failed: small.iter().any(Small::has_failed),
        })
    };
    let lasts = |_: &_, drawn: &MonthDrawn| match drawn.has_failed {
        true => Lasts::For(PAUSE),
        false => Lasts::UntilChange,
    };
    Ok(web.memory.month.get(of, draw, lasts).await?.charts)
}

async fn calculated(web: &Web, days: Vec<String>) -> Result<Vec<Small>, Refusal> {
    let host = web.service.host.clone();
    report_in_time(&web.service, move |reader| {
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
