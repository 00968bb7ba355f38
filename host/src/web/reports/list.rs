//! Every report of every plugin.

use axum::{extract::State, response::Response};
use maud::{Markup, html};

use crate::{
    reports::{self, ReportListing},
    web::{
        addresses,
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        parts::{Tone, foreign, pill},
        shell::page,
        state::Web,
    },
};

/// `GET /reports`
pub(in crate::web) async fn show(State(web): State<Web>, visitor: Visitor) -> Response {
    let listed = reports::list(&web.service.host.catalogue());
    let content = Content {
        title: "Reports".to_owned(),
        section: Section::Reports,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Reports" }
            @if listed.is_empty() { p.soft { "No loaded processor has a report." } }
            @for reports in listed.chunk_by(|one, other| one.processor == other.processor) { (of_processor(reports)) }
        },
    };
    page(&web, &visitor, Ok(content))
}

fn of_processor(reports: &[ReportListing]) -> Markup {
    html! {
        section.card {
            @if let Some(first) = reports.first() { h2 { (first.processor) } }
            div.scroll tabindex="0" {
                table {
                    thead { tr { th { "Report" } th { "Name" } th { "Description" } } }
                    tbody { @for report in reports { (row(report)) } }
                }
            }
        }
    }
}

fn row(report: &ReportListing) -> Markup {
    html! {
        tr {
            td { a href=(addresses::report(&report.name)) { (foreign(&report.title)) } }
            td { code { (foreign(&report.name)) } }
            td.long {
                (foreign(&report.description))
                @if let Some(reason) = &report.rejected { div { (pill(Tone::Bad, "rejected")) " " (foreign(reason)) } }
            }
        }
    }
}
