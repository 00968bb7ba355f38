//! What people do in the page. Each action is that of the HTTP interface, leaves the same row in the audit log, and leads
//! to a page that tells how it ended.

use std::collections::BTreeSet;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::Value;

use super::{
    addresses::{self, PROCESSORS},
    entry::{act::Act, notices::Notice, visitor::Visitor},
    recorded,
    redirect::redirect,
    state::Web,
};
use crate::{
    http::{
        Service, admin,
        answer::Refusal,
        audit::Note,
        authentication::Caller,
        parameters::{OneProcessor, Parameters, Pausing, processor_name},
        paths,
    },
    names::SessionKey,
    runner::Selection,
    state::of_the_same_cause,
};

/// Why a processor is paused.
#[derive(Deserialize)]
pub(super) struct Reason {
    reason: Option<String>,
}

/// Which failing sessions of a processor are retried: all if none is named.
#[derive(Deserialize)]
pub(super) struct WhichFailing {
    processor: String,
    session: Option<String>,
    /// A session that fails from the cause of all that are retried.
    like: Option<String>,
}

/// `POST /processors/NAME/run`: begins a run, and does not wait for its end.
pub(super) async fn run(State(web): State<Web>, Path(name): Path<String>, act: Act<()>) -> Response {
    let answering = begin(
        web.service.clone(),
        act.visitor.caller(),
        "run_session_processor",
        name.clone(),
        Selection::All,
    );
    let answer = recorded::response(&web, &act.visitor, paths::RUN, answering).await;
    let done = format!("A run of {name} has begun.");
    told(&web, &act.visitor, &addresses::processor(&name), done, answer).await
}

/// `POST /processors/NAME/pause`
pub(super) async fn pause(State(web): State<Web>, Path(name): Path<String>, act: Act<Reason>) -> Response {
    let asked = Pausing {
        processor: name.clone(),
        reason: act.form.reason,
    };
    let answering = admin::pause(State(web.service.clone()), act.visitor.caller(), Parameters(asked));
    let answer = recorded::response(&web, &act.visitor, paths::PAUSE, answering).await;
    let done = format!("{name} is paused: no run of it begins until somebody resumes it.");
    told(&web, &act.visitor, &addresses::processor(&name), done, answer).await
}

/// `POST /processors/NAME/resume`
pub(super) async fn resume(State(web): State<Web>, Path(name): Path<String>, act: Act<()>) -> Response {
    let asked = OneProcessor {
        processor: name.clone(),
    };
    let answering = admin::resume(State(web.service.clone()), Parameters(asked));
    let answer = recorded::response(&web, &act.visitor, paths::RESUME, answering).await;
    let done = format!("{name} is resumed.");
    told(&web, &act.visitor, &addresses::processor(&name), done, answer).await
}

/// `POST /failures/retry`: begins a run over failing sessions.
pub(super) async fn retry(State(web): State<Web>, act: Act<WhichFailing>) -> Response {
    let WhichFailing {
        processor,
        session,
        like,
    } = act.form;
    let to = addresses::failures_of(&processor);
    let (selection, what) = match (session, like) {
        (Some(session), _) => (Selection::one_failing(&session), session),
        (None, Some(like)) => match sessions_like(&web, &processor, like).await {
            Ok(sessions) => {
                let what = format!("{} sessions of one cause", sessions.len());
                (Selection::These(sessions), what)
            }
            Err(refusal) => return told(&web, &act.visitor, &to, String::new(), refusal.into_response()).await,
        },
        (None, None) => (Selection::Failing, "all failing sessions".to_owned()),
    };
    let answering = begin(
        web.service.clone(),
        act.visitor.caller(),
        "retry",
        processor.clone(),
        selection,
    );
    let answer = recorded::response(&web, &act.visitor, paths::RETRY, answering).await;
    let done = format!("A run of {processor} over {what} has begun.");
    told(&web, &act.visitor, &to, done, answer).await
}

/// The sessions that fail from the cause from which this one fails.
async fn sessions_like(web: &Web, processor: &str, session: String) -> Result<BTreeSet<SessionKey>, Refusal> {
    let name = processor_name(processor)?;
    let found = web.read(move |reader| {
        let failures = reader.failures(Some(&name), None)?;
        Ok(of_the_same_cause(&failures, name.as_str(), &session))
    });
    match found.await? {
        sessions if sessions.is_empty() => Err(Refusal::not_found("no session fails from this cause any more")),
        sessions => Ok(sessions.into_iter().map(SessionKey::new).collect()),
    }
}

/// `POST /plugins/reload`: loads new, changed and removed plugins.
pub(super) async fn reload(State(web): State<Web>, act: Act<()>) -> Response {
    let answering = admin::reload_plugins(State(web.service.clone()));
    let answer = recorded::response(&web, &act.visitor, paths::RELOAD, answering).await;
    told(
        &web,
        &act.visitor,
        PROCESSORS,
        "The plugins are reloaded.".to_owned(),
        answer,
    )
    .await
}

/// Begins a run in a thread of its own.
async fn begin(
    service: Service,
    caller: Caller,
    verb: &'static str,
    processor: String,
    selection: Selection,
) -> Response {
    match admin::begun(&service, caller, verb, &processor, selection) {
        Err(refused) => *refused,
        Ok(run) => {
            // The run logs its error, and records it in the audit log.
            run.execute_in_a_thread(service.stop.clone(), drop);
            let mut response = StatusCode::OK.into_response();
            response.extensions_mut().insert(Note::Written);
            response
        }
    }
}

/// Leads the visitor to a page, which tells how the action ended.
pub(super) async fn told(web: &Web, visitor: &Visitor, to: &str, done: String, answer: Response) -> Response {
    let notice = match answer.status().is_success() {
        true => Notice::Done(done),
        false => Notice::Refused(detail(answer).await),
    };
    web.memory.notices.leave(visitor.visit(), notice);
    redirect(to)
}

/// Why the interface refuses something.
async fn detail(answer: Response) -> String {
    let status = answer.status();
    let body = answer.into_body().collect().await.map(|body| body.to_bytes());
    let body: Option<Value> = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
    let detail = body.as_ref().and_then(|body| body.get("detail")?.as_str());
    detail.map_or_else(|| status.to_string(), str::to_owned)
}
