//! One line of a transcript, with nothing cut off that anybody reads, and its records as JSON.

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
    conversation::{Conversation, Masked, WholeLine},
    http::answer::Refusal,
    names::SessionKey,
    web::{
        asked::asked,
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        shell::page,
        state::Web,
        texts::Clock,
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
    let line = web.read(move |_| Line::read(&shared, asked_for, at)).await?;
    let costs = Costs::of(web, session, &line.told.entries).await;
    let clock = web.clock();
    // A line may be long, so the page is made where other requests do not wait for it.
    web.read(move |_| Ok(line.content(&costs, clock))).await
}

/// A line of a session.
struct Line {
    session: SessionKey,
    at: u64,
    name: Masked,
    relatives: Relatives,
    told: WholeLine,
}

impl Line {
    fn read(web: &Web, session: SessionKey, at: u64) -> Result<Self, Refusal> {
        let host = &web.service.host;
        let transcript = host.scanner().locate(&session);
        let transcript = transcript.ok_or_else(|| Refusal::not_found("there is no transcript of this session"))?;
        let mask = web.memory.transcripts.mask(host.settings())?;
        let conversation = Conversation::open(&transcript.path, &web.memory.transcripts.pages);
        let told = conversation.and_then(|conversation| conversation.line(at, &mask));
        let told = told.map_err(|error| unreadable(&error))?;
        let told = told.ok_or_else(|| Refusal::not_found(format!("the transcript has no line {at}")))?;
        Ok(Self {
            name: mask.text(session.as_str()),
            relatives: Relatives::of(&transcript),
            session,
            at,
            told,
        })
    }

    fn content(&self, costs: &Costs, clock: Clock) -> Content {
        let WholeLine { entries, records } = &self.told;
        let stage = Stage::new(&self.session, None, costs, &self.relatives, clock).of_a_line();
        Content {
            title: format!("Line {}", self.at),
            section: Section::Sessions,
            scripts: Scripts::Usual,
            body: html! {
                h1 { "Line " (self.at) }
                p {
                    a href=(address(&self.session, self.at)) { "The session at this line" }
                    " " span.soft { (shown(&self.name)) }
                }
                div.conversation { (stage.conversation(entries)) }
                @for record in records {
                    details.card open[entries.iter().all(|entry| !entry.is_said())] {
                        summary { "Record" }
                        pre.said { (shown(&record.text)) }
                        (stage.whole(self.at).rest(record.left_out))
                    }
                }
            },
        }
    }
}
