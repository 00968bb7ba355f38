//! The audit log, with filters, by pages.

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    addresses::AUDIT,
    asked::{asked, filled},
    content::{Content, Scripts, Section},
    entry::admin::Admin,
    parts::{foreign, outcome},
    shell::page,
    state::Web,
    texts::{Clock, milliseconds},
};
use crate::{
    http::answer::Refusal,
    state::{AuditEntry, AuditFilter},
};

/// How many entries a page has.
const ON_A_PAGE: usize = 100;

/// Which entries.
#[derive(Deserialize)]
struct Which {
    actor: Option<String>,
    text: Option<String>,
    result: Option<String>,
    before: Option<i64>,
}

/// `GET /audit?actor=&text=&result=&before=`
pub(super) async fn show(State(web): State<Web>, Admin(visitor): Admin, uri: Uri) -> Response {
    let content = content(&web, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, uri: &Uri) -> Result<Content, Refusal> {
    let which: Which = asked(uri)?;
    let filter = AuditFilter {
        actor: which.actor.clone(),
        text: which.text.clone(),
        result: which.result.clone(),
        action: None,
        before: which.before,
    };
    // One more tells that there are more.
    let most = u32::try_from(ON_A_PAGE).unwrap_or(u32::MAX).saturating_add(1);
    let entries = web.read(move |reader| Ok(reader.audit_entries(&filter, most)?)).await?;
    let clock = web.clock();
    let shown = &entries[..entries.len().min(ON_A_PAGE)];
    let older = (entries.len() > ON_A_PAGE)
        .then(|| shown.last().map(|last| before(uri, last.id)))
        .flatten();
    Ok(Content {
        title: "Audit log".to_owned(),
        section: Section::Audit,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Audit log" }
            (filters(&which))
            section.card {
                @if shown.is_empty() { p.soft { "No entry." } } @else { (table(shown, &clock)) }
                @if let Some(older) = older { p { a.button href=(older) rel="next" { "Older entries" } } }
            }
        },
    })
}

/// The address of the entries before one.
fn before(uri: &Uri, id: i64) -> String {
    let query = filled(uri);
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "before");
    let mut address = form_urlencoded::Serializer::new(String::new());
    address.extend_pairs(pairs).append_pair("before", &id.to_string());
    format!("{AUDIT}?{}", address.finish())
}

fn filters(which: &Which) -> Markup {
    html! {
        form.row.card method="get" action=(AUDIT) {
            label { "Action or object" input name="text" value=[which.text.as_deref()] data-search; }
            label { "By" input name="actor" value=[which.actor.as_deref()] placeholder="viewer:ann" size="12"; }
            (choice("Result", "result", &["ok", "errors", "failed"], which.result.as_deref()))
            button { "Show" }
        }
    }
}

fn choice(label: &str, name: &str, values: &[&str], chosen: Option<&str>) -> Markup {
    html! {
        label {
            (label)
            select name=(name) {
                option value="" { "all" }
                @for value in values { option value=(value) selected[chosen == Some(value)] { (value) } }
            }
        }
    }
}

fn table(entries: &[AuditEntry], clock: &Clock) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead {
                    tr { th { "Time" } th { "By" } th { "Action" } th { "Object" } th { "Result" } th.number { "Took" } th { "Details" } }
                }
                tbody {
                    @for entry in entries {
                        tr {
                            td { (clock.time(&entry.timestamp)) }
                            td { (foreign(&entry.actor)) }
                            td.long { (foreign(&entry.action)) }
                            td.long { (foreign(&entry.resource)) }
                            td { (outcome(&entry.result)) }
                            td.number { (milliseconds(entry.duration_ms)) }
                            td.long { details { summary { "Show" } pre { (foreign(&entry.params.to_string())) } } }
                        }
                    }
                }
            }
        }
    }
}
