//! The console: one SELECT on the state, with the limits of the HTTP interface.

use axum::{extract::State, response::Response};
use http_body_util::BodyExt;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    addresses::QUERY,
    content::{Content, Scripts, Section},
    entry::{
        act::Act,
        admin::Admin,
        visitor::{SECRET, Visitor},
    },
    parts::foreign,
    shell::page,
    state::Web,
};
use crate::{
    http::{
        answer::Refusal,
        audit::recorded,
        paths,
        reading::{Asked, answered},
    },
    state::{DescribedTable, QueryAnswer},
};

/// The query that the form shows at first.
const FIRST: &str = "SELECT * FROM session_processor_state ORDER BY processed_at DESC LIMIT 20";

/// How many rows are shown.
const SHOWN: usize = 1000;

/// The form of the console.
#[derive(Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    sql: String,
}

/// What became of a query.
enum Outcome {
    None,
    Answered(QueryAnswer),
    Refused(String),
}

/// `GET /query`: the form.
pub(super) async fn show(State(web): State<Web>, Admin(visitor): Admin) -> Response {
    let content = content(&web, &visitor, FIRST, &Outcome::None).await;
    page(&web, &visitor, content)
}

/// `POST /query`: runs a query, as `POST /api/admin/query` does.
pub(super) async fn ask(State(web): State<Web>, act: Act<Written>) -> Response {
    let sql = act.form.sql;
    let asked = Asked {
        sql: sql.clone(),
        params: Vec::new(),
    };
    let service = web.service.clone();
    let answering = async move { answered(&service, asked).await };
    let answer = recorded(
        &web.service,
        act.visitor.actor.clone(),
        paths::QUERY.to_owned(),
        answering,
    )
    .await;
    let outcome = outcome(answer).await;
    let content = content(&web, &act.visitor, &sql, &outcome).await;
    page(&web, &act.visitor, content)
}

async fn outcome(answer: Response) -> Outcome {
    #[derive(Deserialize)]
    struct Detail {
        detail: String,
    }
    let is_success = answer.status().is_success();
    let body = match answer.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let read = match is_success {
        true => serde_json::from_slice(&body).map(Outcome::Answered),
        false => serde_json::from_slice(&body).map(|Detail { detail }| Outcome::Refused(detail)),
    };
    read.unwrap_or_else(|error| Outcome::Refused(error.to_string()))
}

async fn content(web: &Web, visitor: &Visitor, sql: &str, outcome: &Outcome) -> Result<Content, Refusal> {
    let tables = web.read(|reader| Ok(reader.described_tables()?)).await?;
    Ok(Content {
        title: "Query".to_owned(),
        section: Section::Query,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Query" }
            p.soft { "One SELECT in DuckDB's SQL. It can read the state, and change nothing." }
            form.card method="post" action=(QUERY) {
                input type="hidden" name=(SECRET) value=(visitor.secret);
                textarea name="sql" rows="6" aria-label="SQL" spellcheck="false" required data-search { (sql) }
                button.main { "Run" }
            }
            (outcome_part(outcome))
            section.card {
                h2 { "Tables" }
                div.columns { @for table in &tables { (described(table)) } }
            }
        },
    })
}

fn outcome_part(outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::None => html! {},
        Outcome::Refused(detail) => {
            html! { pre.note.bad role="alert" { @for line in detail.lines() { (foreign(line)) "\n" } } }
        }
        Outcome::Answered(answer) => html! {
            section.card {
                h2 { "Result" }
                p.soft {
                    (answer.rows.len()) @if answer.rows.len() == 1 { " row" } @else { " rows" }
                    @if answer.truncated { ", and more that the limits cut off" }
                    @if answer.rows.len() > SHOWN { "; the first " (SHOWN) " are shown" }
                }
                div.scroll tabindex="0" {
                    table {
                        thead { tr { @for column in &answer.columns { th { (foreign(column)) } } } }
                        tbody {
                            @for row in answer.rows.iter().take(SHOWN) {
                                tr { @for value in row { (cell(value)) } }
                            }
                        }
                    }
                }
            }
        },
    }
}

/// A value: texts without quotes, nothing for null.
fn cell(value: &serde_json::value::RawValue) -> Markup {
    match serde_json::from_str(value.get()) {
        Ok(serde_json::Value::Null) => html! { td {} },
        Ok(serde_json::Value::String(text)) => html! { td { (foreign(&text)) } },
        Ok(serde_json::Value::Number(_)) => html! { td.number { (value.get()) } },
        _ => html! { td { (foreign(value.get())) } },
    }
}

fn described(table: &DescribedTable) -> Markup {
    html! {
        details {
            summary { code { (foreign(&table.name)) } }
            ul.plain {
                @for column in &table.columns {
                    li { code { (foreign(&column.name)) } " " span.soft { (foreign(&column.data_type)) } }
                }
            }
        }
    }
}
