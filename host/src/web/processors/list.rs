//! What the plugins directory holds, and why something in it is not in service.

use axum::{extract::State, response::Response};
use maud::{Markup, html};

use super::line::{ProcessorLine, table};
use crate::{
    http::answer::Refusal,
    plugins::PluginListing,
    web::{
        addresses::{self, LIVE_PROCESSORS, RELOAD},
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        live,
        parts::{Tone, button, foreign, pill},
        shell::page,
        state::Web,
    },
};

/// `GET /processors`
pub(in crate::web) async fn show(State(web): State<Web>, visitor: Visitor) -> Response {
    let content = content(&web, &visitor).await;
    page(&web, &visitor, content)
}

/// `GET /live/processors`
pub(in crate::web) async fn stream(State(web): State<Web>, visitor: Visitor) -> Response {
    live::stream(web, visitor, live_part)
}

/// What changes while somebody looks.
fn live_part(web: &Web) -> Markup {
    let lines = ProcessorLine::all(web);
    html! {
        @if lines.is_empty() { p.soft { "No processor is loaded." } } @else { (table(&lines, &web.clock())) }
    }
}

async fn content(web: &Web, visitor: &Visitor) -> Result<Content, Refusal> {
    let host = &web.service.host;
    let plugins = PluginListing::all(&host.catalogue(), &host.pauses());
    let folder = host.settings().plugins.path().display().to_string();
    Ok(Content {
        title: "Processors".to_owned(),
        section: Section::Processors,
        scripts: Scripts::Usual,
        body: html! {
            div.head {
                h1 { "Processors" }
                (button(visitor, RELOAD, "Reload plugins", &[]))
            }
            section.card hx-sse:connect=(LIVE_PROCESSORS) hx-swap="innerMorph" { (live_part(web)) }
            section.card aria-labelledby="plugins" {
                h2 #plugins { "The plugins directory" }
                p.soft { code { (foreign(&folder)) } }
                @if plugins.is_empty() { p { "It holds no plugin." } }
                ul.plain { @for plugin in &plugins { li { (entry(plugin)) } } }
            }
        },
    })
}

/// A file of the plugins directory.
fn entry(plugin: &PluginListing) -> Markup {
    let name = plugin.file.rsplit('/').next().unwrap_or(&plugin.file);
    let tone = match &*plugin.status {
        "loaded" => Tone::Good,
        "rejected" | "unavailable" => Tone::Bad,
        _ => Tone::Plain,
    };
    html! {
        (pill(tone, &plugin.status)) " " strong { (foreign(name)) }
        @if let Some(processor) = &plugin.processor {
            " " a href=(addresses::processor(processor)) { (processor) }
        }
        @if let Some(version) = &plugin.version { " " span.soft { "version " (foreign(version)) } }
        @if let Some(isolation) = &plugin.isolation { " " span.soft { (foreign(isolation)) } }
        @if let Some(reason) = &plugin.reason { p { (foreign(reason)) } }
        @for report in &plugin.rejected_reports {
            p { "The report " code { (foreign(&report.report)) } " is rejected: " (foreign(&report.reason)) }
        }
        @if let Some(details) = &plugin.details {
            details { summary { "Details" } pre { @for line in details.lines() { (foreign(line)) "\n" } } }
        }
        @if !plugin.trace.is_empty() {
            details { summary { "Steps of loading" } ol { @for step in &plugin.trace { li { (foreign(step)) } } } }
        }
    }
}
