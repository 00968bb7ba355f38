//! The frame of every page: head, navigation, notices, scripts.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{
    addresses::{OVERVIEW, SIGN_IN, SIGN_OUT},
    content::{Content, Scripts, Section},
    entry::{
        notices::Notice,
        visitor::{SECRET, Visitor},
    },
    files::{CHARTS_JS, ECHARTS_MIN_JS, HTMX_MIN_JS, HX_SSE_MIN_JS, ICON_SVG, PAGE_CSS, PAGE_JS, PageFile},
    parts::foreign,
    protection::Nonce,
    state::Web,
};
use crate::http::answer::{Refusal, answer};

/// htmx evaluates nothing, and changes neither styles nor the history.
const HTMX: &str = r#"{"includeIndicatorCSS":false,"history":false,"noSwap":[204,304,"4xx","5xx"]}"#;

/// A page, or why there is none.
pub(super) fn page(web: &Web, visitor: &Visitor, content: Result<Content, Refusal>) -> Response {
    match content {
        Ok(content) => framed(web, visitor, StatusCode::OK, &content),
        Err(refusal) => refused(web, visitor, refusal),
    }
}

/// A page that says why something is refused.
pub(super) fn refused(web: &Web, visitor: &Visitor, refusal: Refusal) -> Response {
    let content = Content {
        title: refusal.status.canonical_reason().unwrap_or("Refused").to_owned(),
        section: Section::Overview,
        body: html! { p.note.bad role="alert" { (foreign(&refusal.detail)) } },
        scripts: Scripts::Usual,
    };
    framed(web, visitor, refusal.status, &content)
}

/// A part of a page, for a page that is open.
pub(super) fn part(part: Result<Markup, Refusal>) -> Response {
    match part {
        Ok(part) => answer(StatusCode::OK, HTML, part.into_string()),
        Err(refusal) => answer(
            StatusCode::OK,
            HTML,
            html! { p.note.bad role="alert" { (foreign(&refusal.detail)) } }.into_string(),
        ),
    }
}

/// The form that takes the token.
pub(super) fn sign_in_page(status: StatusCode, next: &str, told: Option<&str>) -> Response {
    document(
        status,
        "Sign in",
        Scripts::Usual,
        &html! {
            main #main .sign-in {
                div.card {
                    h1 { "session-host" }
                    @if let Some(told) = told { p.note.bad role="alert" { (foreign(told)) } }
                    form method="post" action=(SIGN_IN) {
                        input type="hidden" name="next" value=(next);
                        label {
                            "Token"
                            input type="password" name="token" required autofocus autocomplete="current-password";
                        }
                        button.main { "Sign in" }
                    }
                    p.soft {
                        code { "session-host token" } " prints the token. " code { "session-host open" }
                        " opens this page without it."
                    }
                }
            }
        },
    )
}

const HTML: &str = "text/html; charset=utf-8";

fn framed(web: &Web, visitor: &Visitor, status: StatusCode, content: &Content) -> Response {
    let notice = web.memory.notices.take(visitor.visit());
    let zone = web.service.host.settings().timezone.name().to_owned();
    document(
        status,
        &content.title,
        content.scripts,
        &html! {
            a.skip href="#main" { "Skip to the contents" }
            header.bar {
                a.name href=(OVERVIEW) { "session-host" }
                nav aria-label="Sections" {
                    @for section in open_sections(web, visitor) {
                        a href=(section.address()) aria-current=[(section == content.section).then_some("page")] {
                            (section.name())
                        }
                    }
                }
                button.bare type="button" data-keys aria-label="Keys" { "?" }
                form method="post" action=(SIGN_OUT) {
                    input type="hidden" name=(SECRET) value=(visitor.secret);
                    button.bare { "Sign out" }
                }
            }
            main #main {
                @match notice {
                    Some(Notice::Done(told)) => p.note.good role="status" { (foreign(&told)) },
                    Some(Notice::Refused(told)) => p.note.bad role="alert" { (foreign(&told)) },
                    None => {},
                }
                (content.body)
            }
            footer { "session-host " (env!("CARGO_PKG_VERSION")) ". Times are those of " (zone) "." }
            (keys())
        },
    )
}

/// The sections that a visitor may open.
fn open_sections(web: &Web, visitor: &Visitor) -> impl Iterator<Item = Section> {
    let (may_act, is_shared) = (visitor.may_act(), web.service.host.cluster().is_some());
    let sections = Section::ALL.iter().copied();
    sections
        .filter(move |section| may_act || !section.is_for_admins())
        .filter(move |section| is_shared || !section.is_of_shared_states())
}

fn keys() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            p { kbd { "/" } " goes to the search or the first filter." }
            p { kbd { "j" } " and " kbd { "k" } " move in a list, " kbd { "Enter" } " opens." }
            p { kbd { "?" } " shows these keys, " kbd { "Esc" } " hides them." }
            form method="dialog" { button.main { "Close" } }
        }
    }
}

fn document(status: StatusCode, title: &str, scripts: Scripts, body: &Markup) -> Response {
    let nonce = match Nonce::new() {
        Ok(nonce) => nonce,
        Err(error) => return Refusal::internal(error).into_response(),
    };
    let usual = [HTMX_MIN_JS, HX_SSE_MIN_JS, PAGE_JS];
    let of_charts: &[PageFile] = match scripts {
        Scripts::Usual => &[],
        Scripts::Charts => &[ECHARTS_MIN_JS, CHARTS_JS],
    };
    let text = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="htmx-config" content=(HTMX);
                title { (foreign(title)) " - session-host" }
                link rel="icon" href=(ICON_SVG.address());
                link rel="stylesheet" href=(PAGE_CSS.address());
            }
            body {
                (body)
                @for script in usual.iter().chain(of_charts) {
                    script nonce=(nonce.as_str()) src=(script.address()) {}
                }
            }
        }
    };
    let mut response = answer(status, HTML, text.into_string());
    if let Some(policy) = nonce.policy() {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
