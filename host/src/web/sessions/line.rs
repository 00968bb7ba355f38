//! One line of a transcript, with nothing cut off, and its records as JSON.

use axum::{extract::State, http::Uri, response::Response};
use maud::html;
use serde::Deserialize;

use super::{
    costs::Costs,
    entries::Stage,
    one::unreadable,
    relatives::Relatives,
    shown::{address, shown},
};
use crate::{
    conversation::{Conversation, WholeLine},
    http::answer::Refusal,
    names::SessionKey,
    web::{
        asked::asked,
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        shell::page,
        state::Web,
    },
};

/// Which line.
#[derive(Deserialize)]
struct Which {
    key: String,
    at: u64,
}

/// `GET /sessions/one/line?key=SESSION&at=LINE`
pub(in crate::web) async fn show(State(web): State<Web>, visitor: Visitor, uri: Uri) -> Response {
    let content = content(&web, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, uri: &Uri) -> Result<Content, Refusal> {
    let Which { key, at } = asked(uri)?;
    let session = SessionKey::new(key);
    let (shared, asked_for) = (web.clone(), session.clone());
    let (name, relatives, WholeLine { entries, records }) = web
        .read(move |_| {
            let host = &shared.service.host;
            let transcript = host.scanner().locate(&asked_for);
            let transcript = transcript.ok_or_else(|| Refusal::not_found("there is no transcript of this session"))?;
            let mask = shared.memory.transcripts.mask(host.settings())?;
            let conversation = Conversation::open(&transcript.path, &shared.memory.transcripts.pages);
            let line = conversation.and_then(|conversation| conversation.line(at, &mask));
            let line = line.map_err(|error| unreadable(&error))?;
            let line = line.ok_or_else(|| Refusal::not_found(format!("the transcript has no line {at}")))?;
            Ok((mask.text(asked_for.as_str()), Relatives::of(&transcript), line))
        })
        .await?;
    let costs = Costs::of(web, session.clone(), &entries).await;
    let stage = Stage::new(&session, None, &costs, &relatives, web.clock());
    Ok(Content {
        title: format!("Line {at}"),
        section: Section::Sessions,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Line " (at) }
            p { a href=(address(&session, at)) { "The session at this line" } " " span.soft { (shown(&name)) } }
            div.conversation { (stage.conversation(&entries)) }
            @for record in &records {
                details.card open[entries.iter().all(|entry| !entry.is_said())] {
                    summary { "Record" }
                    pre.said { (shown(&record.text)) }
                }
            }
        },
    })
}
