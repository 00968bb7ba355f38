//! Marks sessions to be processed again: a page says how many and how large they are, then a form does it, as
//! `POST /api/admin/reprocess` does.

use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    amounts::grouped,
    http::{
        answer::Refusal,
        parameters::{Parameters, processor_name},
        paths,
        reprocessing::{self, WhichSessions},
    },
    names::ProcessorName,
    state::Marked,
    web::{
        actions::told,
        addresses,
        asked::asked,
        content::{Content, Scripts, Section},
        entry::{
            act::Act,
            admin::Admin,
            visitor::{SECRET, Visitor},
        },
        parts::foreign,
        recorded,
        shell::page,
        state::Web,
        texts::size,
    },
};

/// Which sessions of the processor.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::web) struct Chosen {
    since: Option<String>,
    until: Option<String>,
    user: Option<String>,
    project: Option<String>,
}

impl Chosen {
    fn of(&self, processor: &str) -> WhichSessions {
        WhichSessions {
            processor: processor.to_owned(),
            session: None,
            since: self.since.clone(),
            until: self.until.clone(),
            user: self.user.clone(),
            project: self.project.clone(),
            dry_run: false,
        }
    }

    /// The fields of a form.
    fn fields(&self) -> [(&'static str, &'static str, &'static str, Option<&str>); 4] {
        [
            ("since", "Changed since", "2026-01-31", self.since.as_deref()),
            ("until", "Until", "2026-12-31", self.until.as_deref()),
            ("user", "User", "", self.user.as_deref()),
            ("project", "Keys that begin with", "", self.project.as_deref()),
        ]
    }
}

/// `GET /processors/NAME/reprocess?since=&until=&user=&project=`: what it would cost.
pub(in crate::web) async fn confirm(
    State(web): State<Web>,
    Path(name): Path<String>,
    Admin(visitor): Admin,
    uri: Uri,
) -> Response {
    let content = content(&web, &visitor, &name, &uri).await;
    page(&web, &visitor, content)
}

/// `POST /processors/NAME/reprocess`
pub(in crate::web) async fn reprocess(State(web): State<Web>, Path(name): Path<String>, act: Act<Chosen>) -> Response {
    let asked = act.form.of(&name);
    let answering = reprocessing::reprocess(State(web.service.clone()), Parameters(asked));
    let answer = recorded::response(&web, &act.visitor, paths::REPROCESS, answering).await;
    let done = format!("The sessions are marked: the next run of {name} processes them again.");
    told(&web, &act.visitor, &addresses::processor(&name), done, answer).await
}

async fn content(web: &Web, visitor: &Visitor, name: &str, uri: &Uri) -> Result<Content, Refusal> {
    let name = processor_name(name)?;
    let chosen: Chosen = asked(uri)?;
    let marked = marked(web, &name, &chosen).await;
    let shown = match &marked {
        Ok(marked) => cost(visitor, &name, &chosen, marked),
        // The fields stay, so that people can correct them.
        Err(refusal) => html! { p.note.bad role="alert" { (foreign(&refusal.detail)) } },
    };
    Ok(Content {
        title: format!("Reprocess: {name}"),
        section: Section::Processors,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Reprocess: " a href=(addresses::processor(name.as_str())) { (name) } }
            form.row.card method="get" action=(addresses::reprocess(name.as_str())) {
                @for (place, (field, label, example, value)) in chosen.fields().into_iter().enumerate() {
                    label { (label) input name=(field) value=[value] placeholder=(example) size="12" data-search[place == 0]; }
                }
                button { "Count" }
            }
            (shown)
        },
    })
}

async fn marked(web: &Web, name: &ProcessorName, chosen: &Chosen) -> Result<Marked, Refusal> {
    let filter = chosen.of(name.as_str()).filter().map_err(Refusal::bad_request)?;
    let name = name.clone();
    web.read(move |reader| Ok(reader.to_reprocess(&name, &filter)?)).await
}

fn cost(visitor: &Visitor, name: &ProcessorName, chosen: &Chosen, marked: &Marked) -> Markup {
    html! {
        section.card {
            @if marked.sessions == 0 {
                p.soft { "The processor has processed no such session, or they are marked already." }
            } @else {
                p {
                    "The next runs process " strong { (grouped(marked.sessions)) } " sessions again, and read "
                    strong { (size(marked.bytes)) } " of transcripts. Their rows stay until then."
                }
                form method="post" action=(addresses::reprocess(name.as_str())) {
                    input type="hidden" name=(SECRET) value=(visitor.secret);
                    @for (field, _, _, value) in chosen.fields() {
                        @if let Some(value) = value { input type="hidden" name=(field) value=(value); }
                    }
                    button.main { "Reprocess" }
                }
            }
        }
    }
}
