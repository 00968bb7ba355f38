//! The search for texts of transcripts.

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};

use super::{
    addresses,
    asked::{asked, filled},
    content::{Content, Scripts, Section},
    entry::visitor::Visitor,
    parts::foreign,
    recorded,
    shell::page,
    state::Web,
    texts::Clock,
};
use crate::{
    http::{
        answer::Refusal,
        paths,
        search::{answer_to, note},
    },
    search::{AskedSearch, Hit, SearchAnswer},
};

/// `GET /search?words=&regex=&username=&project=&since=&until=&limit=&before=`
pub(super) async fn show(State(web): State<Web>, visitor: Visitor, uri: Uri) -> Response {
    let content = content(&web, &visitor, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, visitor: &Visitor, uri: &Uri) -> Result<Content, Refusal> {
    let asked: AskedSearch = asked(uri)?;
    let found = match asked.words.is_empty() {
        true => None,
        false => Some(answer(web, visitor, asked.clone()).await),
    };
    let clock = web.clock();
    Ok(Content {
        title: "Search".to_owned(),
        section: Section::Search,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Search" }
            (form(&asked))
            @match &found {
                None => p.soft {
                    "Finds prompts, answers, tool calls and their results that have all words, and phrases in \"double quotes\". \
                     Secrets are not in the texts."
                },
                Some(Ok(answer)) => (answered(answer, uri, &clock)),
                // The form stays, so that people can correct it.
                Some(Err(refusal)) => p.note.bad role="alert" { (foreign(&refusal.detail)) },
            }
        },
    })
}

/// Asks as `GET /api/search` does, and with the same row in the audit log.
async fn answer(web: &Web, visitor: &Visitor, asked: AskedSearch) -> Result<SearchAnswer, Refusal> {
    let (service, note) = (web.service.clone(), note(&asked));
    recorded::answer(web, visitor, paths::SEARCH, note, async move {
        answer_to(&service, asked).await
    })
    .await
}

/// The words and the filters, in a form whose fields stand in the address.
fn form(asked: &AskedSearch) -> Markup {
    html! {
        form.row.card method="get" action=(addresses::SEARCH) role="search" {
            label { "Words" input name="words" value=(asked.words) size="28" data-search; }
            label.check { input type="checkbox" name="regex" value="true" checked[asked.regex]; "regular expression" }
            (field("username", "User", "", asked.username.as_deref()))
            (field("project", "Project", "", asked.project.as_deref()))
            (field("since", "Since", "2026-01-31", asked.since.as_deref()))
            (field("until", "Until", "2026-12-31", asked.until.as_deref()))
            button.main { "Search" }
        }
    }
}

fn field(name: &str, label: &str, example: &str, value: Option<&str>) -> Markup {
    html! {
        label {
            (label)
            input name=(name) value=[value] placeholder=(example) size="12";
        }
    }
}

fn answered(answer: &SearchAnswer, uri: &Uri, clock: &Clock) -> Markup {
    html! {
        @for warning in &answer.warnings { p.card { (foreign(warning)) } }
        section.card aria-label="Hits" {
            @if answer.hits.is_empty() { p.soft { "Nothing was found." } }
            ol.hits { @for found in &answer.hits { (hit(found, clock)) } }
            @if let Some(older) = &answer.older {
                p { a.button href=(address_of_older(uri, older)) rel="next" { "Older hits" } }
            }
        }
    }
}

fn hit(hit: &Hit, clock: &Clock) -> Markup {
    let place = addresses::session_at(&hit.session, hit.line.unsigned_abs());
    html! {
        li {
            a href=(place) { (foreign(&hit.session)) ":" (hit.line) }
            div.soft {
                (clock.time(&hit.time))
                @for told in [&hit.username, &hit.project].into_iter().flatten() { " · " (foreign(told)) }
                " · " (foreign(&hit.kind.replace('_', " ")))
                @if let Some(tool) = &hit.tool { " " code { (foreign(tool)) } }
            }
            p.excerpt {
                @for piece in &hit.excerpt.0 {
                    @if piece.hit { mark { (foreign(&piece.text)) } } @else { (foreign(&piece.text)) }
                }
            }
        }
    }
}

/// The address of the hits that are older than those of this page.
fn address_of_older(uri: &Uri, older: &str) -> String {
    let query = filled(uri);
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "before");
    let mut address = form_urlencoded::Serializer::new(String::new());
    address.extend_pairs(pairs).append_pair("before", older);
    format!("{}?{}", addresses::SEARCH, address.finish())
}
