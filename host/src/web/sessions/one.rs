//! One session: its transcript as a conversation, page by page, and what is stored of it.

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    costs::Costs, entries::Stage, found::Found, pager::pager, relatives::Relatives, shown::shown, stored::Stored,
};
use crate::{
    amounts::grouped,
    conversation::{Conversation, ConversationError, Entry, Extent, Mask, Masked, Page, PageCache, Speaker},
    http::answer::Refusal,
    names::SessionKey,
    printable::Printable,
    sessions::Transcript,
    state::Reader,
    web::{
        addresses,
        asked::asked,
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        parts::{Tone, foreign, pill},
        shell::page,
        state::Web,
        texts::{Clock, size},
    },
};

/// Which session, and which of its lines: the browser goes to the line `at`, and the page with the line `from` is shown from
/// its top.
#[derive(Deserialize)]
struct Which {
    key: String,
    at: Option<u64>,
    from: Option<u64>,
}

impl Which {
    /// The line whose page is shown.
    fn line(&self) -> Option<u64> {
        self.at.or(self.from)
    }
}

/// `GET /sessions/one?key=SESSION&at=LINE&from=LINE`
pub(in crate::web) async fn show(State(web): State<Web>, visitor: Visitor, uri: Uri) -> Response {
    let content = content(&web, &uri).await;
    page(&web, &visitor, content)
}

/// What is known of a session.
struct Session {
    name: Masked,
    transcript: Option<Opened>,
    relatives: Relatives,
    /// The links, without those to the entries of the page.
    links: Markup,
    found: Found,
    stored: Stored,
}

/// A page of a transcript.
struct Opened {
    username: String,
    conversation: Conversation,
    /// The page, if the transcript has any line.
    page: Option<(Page, Vec<Entry>)>,
}

async fn content(web: &Web, uri: &Uri) -> Result<Content, Refusal> {
    let which: Which = asked(uri)?;
    let line = which.line();
    let key = SessionKey::new(which.key.clone());
    let (shared, asked_for) = (web.clone(), key.clone());
    let session = web
        .read(move |reader| Session::read(&shared, reader, &asked_for, line))
        .await?;
    let entries = session.entries();
    let costs = Costs::of(web, key.clone(), entries).await;
    let clock = web.clock();
    // What others wrote makes a page long, so it is made where other requests do not wait for it.
    web.read(move |_| Ok(session.content(&key, &which, &costs, clock)))
        .await
}

impl Session {
    fn content(&self, key: &SessionKey, which: &Which, costs: &Costs, clock: Clock) -> Content {
        let stage = Stage::new(key, which.at, costs, &self.relatives, clock);
        Content {
            title: Printable(self.name.as_str()).to_string(),
            section: Section::Sessions,
            scripts: Scripts::Usual,
            body: html! {
                h1 { (shown(&self.name)) }
                (self.head(&stage))
                (costs.told())
                (self.transcript(&stage, which.line()))
            },
        }
    }

    fn read(web: &Web, reader: &Reader, key: &SessionKey, at: Option<u64>) -> Result<Self, Refusal> {
        let host = &web.service.host;
        let mask = web.memory.transcripts.mask(host.settings())?;
        let stored = Stored::of(reader.stored_of(key)?, &mask);
        let located = host.scanner().locate(key);
        if located.is_none() && stored.is_empty() {
            return Err(Refusal::not_found(
                "there is no such session: no transcript, and nothing is stored of it",
            ));
        }
        let relatives = located.as_ref().map(Relatives::of).unwrap_or_default();
        let transcript = match &located {
            Some(transcript) => Opened::read(transcript, &web.memory.transcripts.pages, &mask, at)?,
            None => None,
        };
        Ok(Self {
            name: mask.text(key.as_str()),
            transcript,
            links: relatives.shown(&mask),
            relatives,
            found: Found::of(reader.found_in(key)?, &mask),
            stored,
        })
    }

    fn entries(&self) -> &[Entry] {
        let page = self.transcript.as_ref().and_then(|opened| opened.page.as_ref());
        page.map_or(&[], |(_, entries)| entries)
    }

    /// What is known of the session as a whole.
    fn head(&self, stage: &Stage<'_>) -> Markup {
        let opened = self.transcript.as_ref();
        let username = opened
            .map(|opened| &*opened.username)
            .or_else(|| self.stored.username());
        html! {
            section.card {
                dl {
                    @if let Some(username) = username { dt { "User" } dd { (foreign(username)) } }
                    @if let Some(opened) = opened {
                        dt { "Transcript" }
                        dd {
                            (size(opened.conversation.size())) ", " (grouped(opened.conversation.pages().lines())) " lines, written "
                            (stage.clock.moment(opened.conversation.modified()))
                        }
                    }
                }
                (self.links)
                (self.found.shown(stage.session, self.entries()))
                details open[opened.is_none()] {
                    summary { "Stored by processors" }
                    (self.stored.shown(stage.session, &stage.clock))
                    p { a href=(addresses::attempts(stage.session.as_str())) { "The attempts at this session" } }
                }
            }
        }
    }

    fn transcript(&self, stage: &Stage<'_>, at: Option<u64>) -> Markup {
        let Some(opened) = &self.transcript else {
            return html! { p.note.bad role="status" { "The transcript is gone. What is stored of it is still here." } };
        };
        let Some((page, entries)) = &opened.page else {
            return html! { p.note role="status" { "The transcript is empty." } };
        };
        let pages = opened.conversation.pages();
        let unreadable = entries
            .iter()
            .filter(|entry| entry.speaker == Speaker::Unreadable)
            .count();
        html! {
            @if at.is_some_and(|at| pages.with_line(at).is_none()) {
                p.note.bad role="status" { "The transcript has no such line. These are its last ones." }
            }
            @if unreadable > 0 {
                p { (pill(Tone::Warn, "unreadable")) " " (unreadable) " pieces of this page are no records. They are shown as they stand." }
            }
            (pager(stage.session, pages, page, "Pages of the transcript"))
            div.conversation { (stage.conversation(entries)) }
            (pager(stage.session, pages, page, "Pages of the transcript, again"))
        }
    }
}

impl Opened {
    /// Reads the page with a line, or else the first one. `None` if the file has gone meanwhile.
    fn read(transcript: &Transcript, cache: &PageCache, mask: &Mask, at: Option<u64>) -> Result<Option<Self>, Refusal> {
        let conversation = match Conversation::open(&transcript.path, cache) {
            Ok(conversation) => conversation,
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        let pages = conversation.pages();
        let page = match at {
            Some(at) => pages
                .with_line(at.max(1))
                .or_else(|| pages.get(pages.count().checked_sub(1)?)),
            None => pages.get(0),
        };
        let page = page.map(|page| {
            let entries = conversation.read(&page, mask, Extent::Beginning);
            entries.map(|entries| (page, entries))
        });
        let page = page.transpose().map_err(|error| unreadable(&error))?;
        Ok(Some(Self {
            username: transcript.username.clone(),
            conversation,
            page,
        }))
    }
}

/// A transcript that cannot be read.
pub(super) fn unreadable(error: &ConversationError) -> Refusal {
    Refusal::conflict(error)
}
