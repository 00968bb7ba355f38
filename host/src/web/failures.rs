//! The sessions that fail, by cause.

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    addresses::{self, FAILURES, RETRY},
    asked::asked,
    content::{Content, Scripts, Section},
    entry::visitor::Visitor,
    parts::{Tone, button, foreign, pill},
    processors::line::ProcessorLine,
    shell::page,
    state::Web,
    texts::Clock,
};
use crate::{
    amounts::grouped,
    http::{answer::Refusal, parameters::processor_name},
    state::{Failure, FailureCause, by_cause},
};

pub(super) mod session;

/// How many sessions are listed.
const LISTED: usize = 200;

/// Whose failures are listed.
#[derive(Deserialize)]
struct Whose {
    processor: Option<String>,
}

/// `GET /failures?processor=NAME`
pub(super) async fn show(State(web): State<Web>, visitor: Visitor, uri: Uri) -> Response {
    let content = content(&web, &visitor, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, visitor: &Visitor, uri: &Uri) -> Result<Content, Refusal> {
    let whose: Whose = asked(uri)?;
    let processor = whose.processor.as_deref().map(processor_name).transpose()?;
    let max_attempts = web.service.host.settings().limits.retry.max_attempts;
    let failures = web
        .read(move |reader| Ok(reader.failures(processor.as_ref(), max_attempts)?))
        .await?;
    let (count, listed) = (
        failures.len(),
        failures.iter().take(LISTED).cloned().collect::<Vec<_>>(),
    );
    let causes = by_cause(failures);
    let clock = web.clock();
    Ok(Content {
        title: "Failures".to_owned(),
        section: Section::Failures,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Failures" }
            (filter(web, whose.processor.as_deref()))
            section.card {
                h2 { "Causes" }
                @if causes.is_empty() { p.soft { "No session fails." } } @else {
                    (causes_table(&causes[..causes.len().min(LISTED)], visitor, &clock))
                    @if causes.len() > LISTED {
                        p.soft { "The first " (LISTED) " of " (grouped(causes.len() as u64)) "." }
                    }
                }
            }
            @if !listed.is_empty() {
                section.card {
                    h2 { "Sessions" }
                    (sessions_table(&listed, visitor, &clock))
                    @if count > LISTED {
                        p.soft { "The latest " (LISTED) " of " (grouped(count as u64)) "." }
                    }
                }
            }
        },
    })
}

fn filter(web: &Web, chosen: Option<&str>) -> Markup {
    html! {
        form.row.card method="get" action=(FAILURES) {
            label {
                "Processor"
                select name="processor" data-search {
                    option value="" { "all" }
                    @for line in ProcessorLine::all(web) {
                        option value=(line.name) selected[chosen == Some(&*line.name)] { (line.name) }
                    }
                }
            }
            button { "Show" }
        }
    }
}

/// A table of causes.
pub(super) fn causes_table(causes: &[FailureCause], visitor: &Visitor, clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Processor" } th { "Kind" } th.number { "Sessions" } th { "First" } th { "Last" }
                        th { "Error" } th { "Retry" }
                    }
                }
                tbody {
                    @for cause in causes {
                        tr {
                            td { a href=(addresses::failures_of(&cause.processor)) { (cause.processor) } }
                            td { (pill(Tone::Bad, &cause.kind)) }
                            td.number {
                                (grouped(cause.sessions))
                                @if cause.quarantined > 0 { div.soft { (grouped(cause.quarantined)) " in quarantine" } }
                            }
                            td { (clock.time(&cause.first_failed_at)) }
                            td { (clock.time(&cause.last_failed_at)) }
                            td.long { (foreign(&cause.error)) div { a href=(addresses::attempts(&cause.example)) { (foreign(&cause.example)) } } }
                            td {
                                div.actions {
                                    (button(visitor, RETRY, "Retry all", &[("processor", &cause.processor), ("like", &cause.example)]))
                                    (retry(visitor, &cause.processor, &cause.example, "Retry this example"))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sessions_table(failures: &[Failure], visitor: &Visitor, clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Processor" } th { "Session" } th { "Kind" } th.number { "Attempts" } th { "Last" }
                        th { "Error" } th { "Retry" }
                    }
                }
                tbody {
                    @for failure in failures {
                        tr {
                            td { (failure.processor) }
                            td.long { a href=(addresses::attempts(&failure.session)) { (foreign(&failure.session)) } }
                            td {
                                (pill(Tone::Bad, &failure.kind))
                                @if failure.quarantined { " " (pill(Tone::Warn, "quarantine")) }
                            }
                            td.number { (failure.attempts) }
                            td { (clock.time(&failure.last_failed_at)) }
                            td.long { (foreign(&failure.error)) }
                            td { (retry(visitor, &failure.processor, &failure.session, "Retry")) }
                        }
                    }
                }
            }
        }
    }
}

/// The button that retries one session.
pub(super) fn retry(visitor: &Visitor, processor: &str, session: &str, label: &str) -> Markup {
    button(visitor, RETRY, label, &[("processor", processor), ("session", session)])
}
