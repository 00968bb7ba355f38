//! The attempts at one session: what each processor made of it, how it failed, and when it is attempted again.

use std::time::Duration;

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use session_plugin_api::Timestamp;

use super::retry;
use crate::{
    amounts::grouped,
    clock,
    http::answer::Refusal,
    names::SessionKey,
    runner::RetryPolicy,
    state::{FailedAttempts, ProcessedVersion, SessionAttempts, is_quarantined},
    web::{
        addresses,
        asked::asked,
        content::{Content, Scripts, Section},
        entry::visitor::Visitor,
        parts::{Tone, foreign, pill},
        shell::page,
        state::Web,
        texts::Clock,
    },
};

/// Which session.
#[derive(Deserialize)]
struct Which {
    key: String,
}

/// `GET /failures/session?key=KEY`
pub(in crate::web) async fn show(State(web): State<Web>, visitor: Visitor, uri: Uri) -> Response {
    let content = content(&web, &visitor, &uri).await;
    page(&web, &visitor, content)
}

async fn content(web: &Web, visitor: &Visitor, uri: &Uri) -> Result<Content, Refusal> {
    let Which { key } = asked(uri)?;
    let session = SessionKey::new(&*key);
    let shared = web.clone();
    let attempts = web.read(move |reader| {
        let mut attempts = reader.attempts(&session)?;
        hide_secrets(&shared, &mut attempts);
        Ok(attempts)
    });
    let attempts = attempts.await?;
    if attempts.is_empty() {
        return Err(Refusal::not_found(format!("the state knows no session {key}")));
    }
    let (clock, policy) = (web.clock(), web.service.host.settings().limits.retry);
    Ok(Content {
        title: format!("Attempts at {key}"),
        section: Section::Failures,
        scripts: Scripts::Usual,
        body: html! {
            div.head {
                div {
                    h1 { "Attempts" }
                    p { a href=(addresses::session(&key)) { (foreign(&key)) } }
                }
                @if visitor.may_act() {
                    div.actions { a.button href=(addresses::forget(&key)) { "Forget this session" } }
                }
            }
            @for one in &attempts { (of_processor(&key, one, &policy, visitor, &clock)) }
        },
    })
}

/// Masks the secrets of errors, which may quote the transcript. Nothing is shown if nobody knows what to mask.
fn hide_secrets(web: &Web, attempts: &mut [SessionAttempts]) {
    let mask = web.memory.transcripts.mask(web.service.host.settings());
    for failed in attempts.iter_mut().filter_map(|one| one.failed.as_mut()) {
        failed.error = match &mask {
            Ok(mask) => mask.text(&failed.error).as_str().to_owned(),
            Err(refusal) => refusal.detail.clone(),
        };
    }
}

fn of_processor(key: &str, one: &SessionAttempts, policy: &RetryPolicy, visitor: &Visitor, clock: &Clock) -> Markup {
    let processed = one.processed.as_ref();
    html! {
        section.card {
            div.head {
                h2 { a href=(addresses::processor(&one.processor)) { (one.processor) } }
                @match &one.failed {
                    Some(failed) => (pill(Tone::Bad, &failed.kind)),
                    None if processed.is_some_and(ProcessedVersion::is_marked) => (pill(Tone::Busy, "to be processed again")),
                    None => (pill(Tone::Good, "processed")),
                }
            }
            dl {
                dt { "Last processed" } dd { (clock.time_or_dash(processed.map(|processed| &*processed.at))) }
                @if let Some(processed) = processed { dt { "Items" } dd { (grouped(processed.items)) } }
                @if let Some(failed) = &one.failed { (failures(key, failed, policy, clock)) }
            }
            @if let Some(failed) = &one.failed {
                pre { @for line in failed.error.lines() { (foreign(line)) "\n" } }
                (retry(visitor, &one.processor, key, "Retry"))
            }
        }
    }
}

fn failures(key: &str, failed: &FailedAttempts, policy: &RetryPolicy, clock: &Clock) -> Markup {
    html! {
        dt { "Failed attempts" } dd { (failed.attempts) }
        dt { "First failed" } dd { (clock.time(&failed.first_failed_at)) }
        dt { "Last failed" } dd { (clock.moment(failed.last_failed_at)) }
        dt { "Next attempt" } dd { (next(key, failed, policy, clock)) }
    }
}

/// When a run attempts the session again, if neither its transcript nor the plugin changes before.
fn next(key: &str, failed: &FailedAttempts, policy: &RetryPolicy, clock: &Clock) -> Markup {
    if is_quarantined(failed.counted, policy.max_attempts) {
        return html! { "none: it is in quarantine until it or the plugin changes, or somebody retries it" };
    }
    match policy.delay(&SessionKey::new(key), failed.counted) {
        Duration::ZERO => html! { "with the next run" },
        delay => {
            let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
            let due = Timestamp::from_micros(failed.last_failed_at.as_micros().saturating_add(micros));
            html! { "with the first run after " (clock.time(&clock::text_of(due))) }
        }
    }
}
