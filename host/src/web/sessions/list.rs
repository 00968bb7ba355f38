//! The list of sessions: filters in the address, sorted, by pages. Reports of plugins add columns to it.

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};
use session_plugin_api::{Timestamp, Unit};

use super::{
    asked::{asked_sessions, page_after},
    kept,
};
use crate::{
    clock,
    http::answer::Refusal,
    reports::{self, AskedSessions, Cells, ReportResult, ResultColumn, SessionColumn, SessionPage, SessionStanding},
    state::ListedSession,
    web::{
        addresses::{self, SESSIONS},
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        parts::{Tone, foreign, pill},
        shell::page,
        state::Web,
        texts::{Clock, size},
    },
};

/// How many sessions a page has.
const ON_A_PAGE: usize = 50;

/// `GET /sessions?text=&user=&since=&until=&failing=&PROCESSOR.COLUMN=&sort=&after=&after_key=`
pub(in crate::web) async fn show(State(web): State<Web>, visitor: Visitor, uri: Uri) -> Response {
    let content = content(&web, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, uri: &Uri) -> Result<Content, Refusal> {
    let columns = reports::session_columns(&web.service.host.catalogue());
    let asked = asked_sessions(uri)?;
    let index = kept::current(web).await?;
    let shown = match index.page(&asked, ON_A_PAGE) {
        Ok(listed) => sessions_part(&listed, uri, &web.clock()),
        // The filters stay, so that people can correct them.
        Err(error) => html! { p.note.bad role="alert" { (foreign(&error.to_string())) } },
    };
    Ok(Content {
        title: "Sessions".to_owned(),
        section: Section::Sessions,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Sessions" }
            (filters(&asked, &columns))
            (shown)
        },
    })
}

fn filters(asked: &AskedSessions, columns: &[SessionColumn]) -> Markup {
    let value = |column: &SessionColumn| {
        let set = asked.figures.iter().find(|(name, _)| *name == column.name);
        set.map(|(_, value)| value.as_str())
    };
    html! {
        form.row.card method="get" action=(SESSIONS) {
            label { "Session" input name="text" value=[asked.text.as_deref()] data-search; }
            label { "User" input name="user" value=[asked.user.as_deref()] size="12"; }
            @for column in columns.iter().filter(|column| column.unit != Unit::Time) {
                label {
                    (foreign(&column.label)) @if column.unit.is_numeric() { " at least" }
                    input name=(column.name) value=[value(column)] size="10"
                        inputmode=[column.unit.is_numeric().then_some("decimal")];
                }
            }
            label { "Changed since" input name="since" value=[asked.since.as_deref()] placeholder="2026-01-31" size="12"; }
            label { "Until" input name="until" value=[asked.until.as_deref()] placeholder="2026-12-31" size="12"; }
            label {
                "State"
                select name="failing" {
                    option value="" { "all" }
                    option value="yes" selected[asked.standing == SessionStanding::Failing] { "failing" }
                }
            }
            (orders(asked, columns))
            button.main { "Show" }
        }
    }
}

fn orders(asked: &AskedSessions, columns: &[SessionColumn]) -> Markup {
    let chosen = |name: &str| asked.sort.as_deref() == Some(name);
    let sortable = columns.iter().filter(|column| column.unit != Unit::Text);
    html! {
        label {
            "Sorted by"
            select name="sort" {
                option value="" { "last change" }
                option value="attempted" selected[chosen("attempted")] { "last attempt" }
                @for column in sortable {
                    option value=(column.name) selected[chosen(&column.name)] { (foreign(&column.label)) }
                }
            }
        }
    }
}

fn sessions_part(listed: &SessionPage, uri: &Uri, clock: &Clock) -> Markup {
    html! {
        @for reason in &listed.silent { p.card { (foreign(reason)) } }
        section.card {
            @if listed.sessions.is_empty() { p.soft { "No session." } } @else { (table(listed, clock)) }
            @if let Some(next) = &listed.next {
                p { a.button href=(page_after(uri, next)) rel="next" { "More sessions" } }
            }
        }
    }
}

fn table(listed: &SessionPage, clock: &Clock) -> Markup {
    let figures: Vec<(&ReportResult, Cells)> = listed
        .figures
        .iter()
        .map(|result| (result, Cells::of(result)))
        .collect();
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Session" } th { "User" }
                        @for (result, cells) in &figures {
                            @for (column, label) in result.columns.iter().zip(&cells.labels) { th class=[class(column)] { (label) } }
                        }
                        th.number { "Size" } th { "Changed" } th { "Processed" } th.number { "Processors" }
                    }
                }
                tbody {
                    @for (place, session) in listed.sessions.iter().enumerate() {
                        tr {
                            td.long { a href=(addresses::session(&session.key)) { (foreign(&session.key)) } }
                            td { (foreign(session.username.as_deref().unwrap_or_default())) }
                            @for (result, cells) in &figures {
                                @for (column, cell) in result.columns.iter().zip(cells.rows.get(place).into_iter().flatten()) {
                                    td class=[class(column)] { (cell) }
                                }
                            }
                            td.number { (session.size.map_or_else(|| "-".to_owned(), size)) }
                            td { (time(clock, session.changed)) }
                            td { (time(clock, session.processed)) }
                            td.number { (processors(session)) }
                        }
                    }
                }
            }
        }
    }
}

fn time(clock: &Clock, time: Option<Timestamp>) -> Markup {
    clock.time_or_dash(time.map(clock::text_of).as_deref())
}

fn class(column: &ResultColumn) -> Option<&'static str> {
    column.unit.is_numeric().then_some("number")
}

/// How many processors have processed a session, and those whose last attempt failed. Its page names all.
fn processors(session: &ListedSession) -> Markup {
    let (done, failing) = (session.processors.as_deref(), session.failing.as_deref());
    html! {
        (done.unwrap_or_default().split_whitespace().count())
        @for name in failing.unwrap_or_default().split_whitespace() { div { (pill(Tone::Bad, &format!("{name} fails"))) } }
    }
}
