//! One processor: what it does now, its runs, failures, tables and reports, and what people may do to it.

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::{Markup, html};
use tracing::Level;

use super::line::{ProcessorLine, last_run, progress};
use crate::{
    amounts::grouped,
    clock,
    http::{answer::Refusal, parameters::processor_name},
    names::ProcessorName,
    plugins::PluginListing,
    recent_log::{self, RecentLine},
    reports::{self, ReportListing},
    state::{AuditEntry, AuditFilter, AuditRecord, FailureCause, RUN, Reader, StateError, by_cause},
    web::{
        addresses::{self, RETRY},
        content::{Content, Scripts, Section},
        entry::visitor::{SECRET, Visitor},
        failures::causes_table,
        live::{self, RESULTS_CHANGED},
        parts::{Tone, button, foreign, pill},
        runs::runs_table,
        shell::{page, part},
        state::Web,
        texts::Clock,
    },
};

/// How many runs are listed.
const RUNS: u32 = 25;

/// `GET /processors/NAME`
pub(in crate::web) async fn show(State(web): State<Web>, Path(name): Path<String>, visitor: Visitor) -> Response {
    let content = content(&web, &visitor, &name).await;
    page(&web, &visitor, content)
}

/// `GET /processors/NAME/results`: what changes when a run has ended.
pub(in crate::web) async fn results(State(web): State<Web>, Path(name): Path<String>, visitor: Visitor) -> Response {
    let shown = match processor_name(&name) {
        Ok(name) => results_part(&web, &visitor, name).await,
        Err(refusal) => Err(refusal),
    };
    part(shown)
}

/// `GET /live/processors/NAME`
pub(in crate::web) async fn stream(State(web): State<Web>, Path(name): Path<String>, visitor: Visitor) -> Response {
    live::stream(web, visitor, move |web| match line(web, &name) {
        Some(line) => live_part(&line, &web.clock()),
        None => html! { p.soft { "No such processor is loaded any more." } },
    })
}

fn line(web: &Web, name: &str) -> Option<ProcessorLine> {
    ProcessorLine::all(web).into_iter().find(|line| line.name == name)
}

async fn content(web: &Web, visitor: &Visitor, name: &str) -> Result<Content, Refusal> {
    let name = processor_name(name)?;
    let line = line(web, name.as_str());
    let line = line.ok_or_else(|| Refusal::not_found(format!("no plugin has a processor `{name}`")))?;
    let catalogue = web.service.host.catalogue();
    let is_of = |plugin: &PluginListing| plugin.processor.as_deref() == Some(name.as_str());
    let plugins = PluginListing::all(&catalogue, &web.service.host.pauses());
    let plugins: Vec<PluginListing> = plugins.into_iter().filter(is_of).collect();
    let reports: Vec<ReportListing> = reports::list(&catalogue)
        .into_iter()
        .filter(|report| report.processor == name.as_str())
        .collect();
    let address = addresses::processor(name.as_str());
    let results = results_part(web, visitor, name.clone()).await?;
    Ok(Content {
        title: name.to_string(),
        section: Section::Processors,
        scripts: Scripts::Usual,
        body: html! {
            div.head {
                h1 { (name) }
                (actions(visitor, &address, &line))
            }
            section.card hx-sse:connect=(addresses::live_processor(name.as_str())) hx-swap="innerMorph" { (live_part(&line, &web.clock())) }
            @for plugin in &plugins { (plugin_part(plugin)) }
            (reports_part(&reports))
            div hx-get=(format!("{address}/results")) hx-trigger=(format!("{RESULTS_CHANGED} from:body")) hx-swap="innerMorph" {
                (results)
            }
        },
    })
}

fn actions(visitor: &Visitor, address: &str, line: &ProcessorLine) -> Markup {
    html! {
        div.actions {
            (button(visitor, &format!("{address}/run"), "Run now", &[]))
            (button(visitor, RETRY, "Retry failed", &[("processor", &line.name)]))
            @if visitor.may_act() { a.button href=(addresses::reprocess(&line.name)) { "Reprocess" } }
            @if !visitor.may_act() {
            } @else if line.paused {
                (button(visitor, &format!("{address}/resume"), "Resume", &[]))
            } @else {
                form.row method="post" action=(format!("{address}/pause")) {
                    input type="hidden" name=(SECRET) value=(visitor.secret);
                    input name="reason" aria-label="Reason of the pause" placeholder="Reason" maxlength="500";
                    button { "Pause" }
                }
            }
        }
    }
}

/// What changes while somebody looks.
fn live_part(line: &ProcessorLine, clock: &Clock) -> Markup {
    let pause = line.health.as_ref().and_then(|health| health.paused.as_ref());
    html! {
        p { (line.state()) @if let Some(run) = &line.run { " " (progress(run)) } }
        @if let Some(pause) = pause {
            p {
                "Paused by " (pause.actor) " since " (clock.time(&pause.paused_at))
                @if let Some(reason) = &pause.reason { ": " (foreign(reason)) }
            }
        }
        @if let Some(health) = &line.health {
            @for warning in &health.warnings {
                p { (pill(Tone::Warn, warning.kind.as_str())) " " (foreign(&warning.message)) }
            }
        }
        dl {
            dt { "Last run" } dd { (last_run(line, clock)) }
            @if let Some(schedule) = &line.schedule {
                dt { "Next run" } dd { (clock.time_or_dash(schedule.next_due_at.as_deref())) }
                dt { "Schedule" } dd { (schedule.cadence) }
            }
            dt { "Backlog" } dd { (line.count(|health| health.backlog)) }
            dt { "Failing" } dd {
                (line.count(|health| health.failing)) ", of them " (line.count(|health| health.waiting)) " wait, and "
                (line.count(|health| health.quarantined)) " are in quarantine"
            }
        }
    }
}

fn plugin_part(plugin: &PluginListing) -> Markup {
    html! {
        section.card {
            h2 { "Plugin" }
            dl {
                dt { "File" } dd { code { (foreign(&plugin.file)) } }
                dt { "Status" } dd { (plugin.status) }
                @if let Some(version) = &plugin.version { dt { "Version" } dd { (foreign(version)) } }
                @if let Some(isolation) = &plugin.isolation { dt { "Runs" } dd { (foreign(isolation)) } }
                @if let Some(reason) = &plugin.reason { dt { "Note" } dd { (foreign(reason)) } }
            }
        }
    }
}

fn reports_part(reports: &[ReportListing]) -> Markup {
    html! {
        @if !reports.is_empty() {
            section.card {
                h2 { "Reports" }
                ul.plain {
                    @for report in reports {
                        li {
                            a href=(addresses::report(&report.name)) { (foreign(&report.title)) } " "
                            span.soft { (foreign(report.rejected.as_deref().unwrap_or(&report.description))) }
                        }
                    }
                }
            }
        }
    }
}

/// What the state holds of a processor.
struct Results {
    runs: Vec<AuditEntry>,
    causes: Vec<FailureCause>,
    /// Its tables, with the numbers of their rows.
    tables: Vec<(String, u64)>,
}

impl Results {
    fn read(reader: &Reader, name: &ProcessorName, max_attempts: Option<u64>) -> Result<Self, Refusal> {
        let (action, _) = AuditRecord::names_of(RUN, name.as_str());
        let filter = AuditFilter {
            action: Some(action),
            ..AuditFilter::default()
        };
        let tables = reader.tables_of(name)?.into_iter();
        let tables = tables.map(|table| Ok((table.clone(), reader.rows(&table)?)));
        Ok(Self {
            runs: reader.audit_entries(&filter, RUNS)?,
            causes: by_cause(reader.failures(Some(name), max_attempts)?),
            tables: tables.collect::<Result<_, StateError>>()?,
        })
    }
}

async fn results_part(web: &Web, visitor: &Visitor, name: ProcessorName) -> Result<Markup, Refusal> {
    let max_attempts = web.service.host.settings().limits.retry.max_attempts;
    let lines = recent_log::of(name.as_str());
    let results = web
        .read(move |reader| Results::read(reader, &name, max_attempts))
        .await?;
    let clock = web.clock();
    Ok(html! {
        section.card {
            h2 { "Runs" }
            @if results.runs.is_empty() { p.soft { "No run." } } @else { (runs_table(results.runs.iter(), &clock)) }
        }
        section.card {
            h2 { "Failures" }
            @if results.causes.is_empty() { p.soft { "No session fails." } }
            @else { (causes_table(&results.causes, visitor, &clock)) }
        }
        (log_part(&lines, &clock))
        section.card {
            h2 { "Tables" }
            @if results.tables.is_empty() { p.soft { "It has no tables." } } @else { (tables_table(&results.tables)) }
        }
    })
}

/// What its runs have logged since the service started.
fn log_part(lines: &[RecentLine], clock: &Clock) -> Markup {
    html! {
        section.card {
            h2 { "Log" }
            @if lines.is_empty() { p.soft { "Nothing since the service started." } } @else {
                div.scroll.log tabindex="0" {
                    table {
                        thead { tr { th { "Time" } th { "Level" } th { "Message" } } }
                        tbody {
                            @for line in lines {
                                tr {
                                    td { (clock.time(&clock::text_of(line.at))) }
                                    td { (level(line.level)) }
                                    td.long { (foreign(&line.text)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn level(level: Level) -> Markup {
    let tone = match level {
        Level::ERROR => Tone::Bad,
        Level::WARN => Tone::Warn,
        _ => Tone::Plain,
    };
    pill(tone, &level.as_str().to_lowercase())
}

fn tables_table(tables: &[(String, u64)]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "Table" } th.number { "Rows" } } }
                tbody {
                    @for (table, rows) in tables {
                        tr { td { code { (foreign(table)) } } td.number { (grouped(*rows)) } }
                    }
                }
            }
        }
    }
}
