//! One report: its filters, its chart, its rows.

use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use maud::{Markup, html};
use session_plugin_api::Unit;

use super::answer::answer;
use crate::{
    http::answer::Refusal,
    reports::{self, AskedReport, Cells, ReportListing, ReportResult, ResultColumn},
    web::{
        addresses,
        asked::{asked, filled},
        chart::Plot,
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        parts::foreign,
        shell::page,
        state::Web,
    },
};

/// How many rows are shown. The downloads have more.
const SHOWN: usize = 500;

/// `GET /reports/NAME?since=&until=&last=&timezone=&username=&project=&order=&limit=`
pub(in crate::web) async fn show(
    State(web): State<Web>,
    Path(name): Path<String>,
    visitor: Visitor,
    uri: Uri,
) -> Response {
    let content = content(&web, &visitor, &name, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, visitor: &Visitor, name: &str, uri: &Uri) -> Result<Content, Refusal> {
    let asked: AskedReport = asked(uri)?;
    let listed = reports::list(&web.service.host.catalogue());
    let listing = listed.into_iter().find(|report| report.name == name);
    let answered = answer(web, visitor, name, asked.clone()).await;
    let Some(listing) = listing else {
        // A short name means the report of any processor.
        return answered.map(|result| result_content(&result, uri, html! {}));
    };
    let filters = filters(&listing, &asked);
    match answered {
        Ok(result) => Ok(result_content(&result, uri, filters)),
        // The filters stay, so that people can correct them.
        Err(refusal) => Ok(Content {
            title: listing.title.clone(),
            section: Section::Reports,
            scripts: Scripts::Usual,
            body: html! {
                h1 { (foreign(&listing.title)) }
                (filters)
                p.note.bad role="alert" { (foreign(&refusal.detail)) }
            },
        }),
    }
}

fn result_content(result: &ReportResult, uri: &Uri, filters: Markup) -> Content {
    let plot = Plot::of(result);
    let download = |form: &str| {
        let query = filled(uri);
        format!(
            "{}/{form}{}{query}",
            addresses::report(&result.report),
            if query.is_empty() { "" } else { "?" }
        )
    };
    Content {
        title: result.title.clone(),
        section: Section::Reports,
        scripts: Scripts::Charts,
        body: html! {
            div.head {
                div {
                    h1 { (foreign(&result.title)) }
                    p.soft { code { (foreign(&result.report)) } " " (foreign(&result.description)) }
                    @if let Some(as_of) = &result.as_of { p.soft { "As of " (as_of) } }
                }
                div.actions {
                    a.button href=(download("csv")) download { "CSV" }
                    a.button href=(download("json")) download { "JSON" }
                }
            }
            (filters)
            @for warning in &result.warnings { p.card { (foreign(warning)) } }
            @if let Some(plot) = &plot {
                section.card { (plot.drawn(&format!("Chart: {}", result.title), "chart")) }
            }
            section.card { (rows(result)) }
        },
    }
}

/// The filters that the report has, in a form whose fields stand in the address.
fn filters(listing: &ReportListing, asked: &AskedReport) -> Markup {
    let has = |filter: &str| listing.filters.iter().any(|known| known == filter);
    let limit = asked.limit.map(|limit| limit.to_string());
    html! {
        form.row.card method="get" action=(addresses::report(&listing.name)) {
            @if has("since") && has("until") { (field("last", "Last", "30d", asked.last.as_deref())) }
            @if has("since") { (field("since", "Since", "2026-01-31", asked.since.as_deref())) }
            @if has("until") { (field("until", "Until", "2026-12-31", asked.until.as_deref())) }
            @if has("username") { (field("username", "User", "", asked.username.as_deref())) }
            @if has("project") { (field("project", "Project", "", asked.project.as_deref())) }
            (field("timezone", "Time zone", "Europe/Prague", asked.timezone.as_deref()))
            (field("order", "Sort by", "column:desc", asked.order.as_deref()))
            (field("limit", "Rows", "", limit.as_deref()))
            button.main { "Show" }
        }
    }
}

fn field(name: &str, label: &str, example: &str, value: Option<&str>) -> Markup {
    let is_first = matches!(name, "last" | "username");
    html! {
        label {
            (label)
            input name=(name) value=[value] placeholder=(example) size="12" data-search[is_first];
        }
    }
}

/// Whether a cell stays on one line, such as that of a day.
fn is_short(cell: &str) -> bool {
    cell.chars().nth(20).is_none()
}

fn rows(result: &ReportResult) -> Markup {
    if result.rows.is_empty() {
        return html! { p.soft { "No rows." } };
    }
    let cells = Cells::of(result);
    let class = |column: &ResultColumn| (column.unit.is_numeric() && column.unit != Unit::Text).then_some("number");
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr { @for (column, label) in result.columns.iter().zip(&cells.labels) { th class=[class(column)] { (label) } } }
                }
                tbody {
                    @for row in cells.rows.iter().take(SHOWN) {
                        tr {
                            @for (column, cell) in result.columns.iter().zip(row) {
                                td class=[class(column).or_else(|| is_short(cell).then_some("short"))] { (cell) }
                            }
                        }
                    }
                }
                @if let Some(totals) = &cells.totals {
                    tfoot {
                        tr { @for (column, total) in result.columns.iter().zip(totals) { td class=[class(column)] { (total) } } }
                    }
                }
            }
        }
        @if cells.rows.len() > SHOWN {
            p.soft { "The first " (SHOWN) " of " (cells.rows.len()) " rows; the downloads have all." }
        }
        @if result.truncated { p.soft { "There are more rows than the limit." } }
    }
}
