//! The overview: whether all is well, what runs, and what the last day and the last month were like.

use axum::{extract::State, response::Response};
use maud::{Markup, html};

use super::{
    addresses::{LIVE_OVERVIEW, OVERVIEW_CHARTS, OVERVIEW_RUNS},
    content::{Content, Scripts, Section},
    entry::visitor::Visitor,
    live::{self, RESULTS_CHANGED},
    parts::{Tone, foreign, pill},
    processors::line::{ProcessorLine, table},
    shell::{page, part},
    state::Web,
    texts::Clock,
};
use crate::{
    alerts::{self, AlertListing},
    health::Warning,
    http::{answer::Refusal, observation::current},
};

mod day;
mod month;

pub(super) use month::MonthCharts;

/// `GET /`
pub(super) async fn overview(State(web): State<Web>, visitor: Visitor) -> Response {
    let content = content(&web).await;
    page(&web, &visitor, content)
}

/// `GET /overview/runs`: the runs of the last day.
pub(super) async fn runs(State(web): State<Web>, _visitor: Visitor) -> Response {
    part(day::part(&web).await)
}

/// `GET /overview/charts`: the small charts of the last month.
pub(super) async fn charts(State(web): State<Web>, _visitor: Visitor) -> Response {
    part(month::part(&web).await)
}

/// `GET /live/overview`
pub(super) async fn stream(State(web): State<Web>, visitor: Visitor) -> Response {
    live::stream(web, visitor, live_part)
}

/// What changes while somebody looks: health and the processors.
fn live_part(web: &Web) -> Markup {
    let health = current(&web.service);
    let clock = web.clock();
    let lines = ProcessorLine::all(web);
    let tone = match health.status {
        "ok" => Tone::Good,
        _ => Tone::Warn,
    };
    let of_processors = health.processors.iter();
    let of_processors =
        of_processors.flat_map(|(name, one)| one.warnings.iter().map(move |warning| (Some(name), warning)));
    let warnings: Vec<(Option<&String>, &Warning)> = health
        .warnings
        .iter()
        .map(|warning| (None, warning))
        .chain(of_processors)
        .collect();
    html! {
        section.card aria-labelledby="health" {
            div.head {
                h2 #health { "Health" }
                (pill(tone, health.status))
            }
            @if warnings.is_empty() {
                p.soft { "No warning." }
            } @else {
                ul.plain {
                    @for (processor, warning) in warnings {
                        li {
                            (pill(Tone::Warn, warning.kind.as_str())) " "
                            @if let Some(processor) = processor { strong { (processor) } ": " }
                            (foreign(&warning.message))
                        }
                    }
                }
            }
        }
        section.card aria-labelledby="processors" {
            h2 #processors { "Processors" }
            @if lines.is_empty() { p.soft { "No processor is loaded." } } @else { (table(&lines, &clock)) }
        }
    }
}

async fn content(web: &Web) -> Result<Content, Refusal> {
    let alerts = web.read(|reader| Ok(alerts::active(reader)?)).await?;
    let runs = day::part(web).await?;
    Ok(Content {
        title: "Overview".to_owned(),
        section: Section::Overview,
        scripts: Scripts::Charts,
        body: html! {
            h1 { "Overview" }
            div hx-sse:connect=(LIVE_OVERVIEW) hx-swap="innerMorph" { (live_part(web)) }
            @if !alerts.is_empty() { (alerts_part(&alerts, &web.clock())) }
            div.grid hx-get=(OVERVIEW_CHARTS) hx-trigger="load" {}
            div hx-get=(OVERVIEW_RUNS) hx-trigger=(format!("{RESULTS_CHANGED} from:body")) hx-swap="innerMorph" { (runs) }
        },
    })
}

fn alerts_part(alerts: &[AlertListing], clock: &Clock) -> Markup {
    html! {
        section.card aria-labelledby="alerts" {
            h2 #alerts { "Alerts" }
            ul.plain {
                @for alert in alerts {
                    li { (pill(Tone::Bad, &alert.kind)) " " (foreign(&alert.text)) " " span.soft { (clock.time(&alert.fired_at)) } }
                }
            }
        }
    }
}
