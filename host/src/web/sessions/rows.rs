//! The first rows of a session in a table of a processor.

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{relatives::link_to, shown::shown};
use crate::{
    conversation::Masked,
    http::{
        answer::Refusal,
        reading::{QUERY_LIMITS, in_time},
    },
    names::SessionKey,
    web::{
        asked::asked,
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        parts::foreign,
        shell::page,
        state::Web,
    },
};

/// How many rows are shown.
const SHOWN: usize = 50;

/// How many bytes of a cell are shown.
const LONGEST: usize = 500;

/// Which rows.
#[derive(Deserialize)]
struct Which {
    key: String,
    table: String,
}

/// `GET /sessions/one/rows?key=SESSION&table=TABLE`
pub(in crate::web) async fn show(State(web): State<Web>, visitor: Visitor, uri: Uri) -> Response {
    let content = content(&web, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, uri: &Uri) -> Result<Content, Refusal> {
    let Which { key, table } = asked(uri)?;
    let session = SessionKey::new(key);
    let (shared, asked_for, named) = (web.clone(), session.clone(), table.clone());
    let read = in_time(&web.service, move |reader| {
        let mask = shared.memory.transcripts.mask(shared.service.host.settings())?;
        let stored = reader.first_rows_of(&asked_for, &named, SHOWN, QUERY_LIMITS.memory)?;
        let stored = stored.ok_or_else(|| Refusal::not_found(format!("no processor has a session table `{named}`")))?;
        let columns = stored.columns;
        let cell = |(column, value): (&String, Option<String>)| {
            value.map(|value| mask.member(column, &value).excerpt(LONGEST).text)
        };
        let rows = stored
            .rows
            .into_iter()
            .map(|row| columns.iter().zip(row).map(cell).collect());
        let rows: Vec<Vec<Option<Masked>>> = rows.collect();
        Ok((mask.text(asked_for.as_str()), columns, rows))
    });
    let (name, columns, rows) = read.await?;
    Ok(Content {
        title: table.clone(),
        section: Section::Sessions,
        scripts: Scripts::Usual,
        body: html! {
            h1 { (foreign(&table)) }
            p { (link_to(&session, "The session")) " " span.soft { (shown(&name)) } }
            section.card { (rows_table(&columns, &rows)) }
        },
    })
}

fn rows_table(columns: &[String], rows: &[Vec<Option<Masked>>]) -> Markup {
    html! {
        @if rows.is_empty() { p.soft { "No row of this session." } } @else {
            div.scroll tabindex="0" {
                table {
                    thead { tr { @for column in columns { th { (foreign(column)) } } } }
                    tbody {
                        @for row in rows {
                            tr { @for cell in row { td { @if let Some(cell) = cell { (shown(cell)) } } } }
                        }
                    }
                }
            }
            @if rows.len() == SHOWN { p.soft { "At most the first " (SHOWN) " rows are shown." } }
        }
    }
}
