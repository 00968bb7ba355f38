//! Routes that change something (runs, corrections, plugins), and the list of processors.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    answer::{Refusal, json_answer},
    audit::Note,
    authentication::Caller,
    background::in_background,
    parameters::{OneProcessor, Parameters, Pausing, ProcessorAndSession, Subject, processor_name},
    service::{OfService, Service},
};
use crate::{
    host::{BegunRun, RunListing},
    plugins::PluginListing,
    runner::{RunResult, Selection, StopToken},
    scheduler::ScheduleListing,
    state::{AuditRecord, PurgeWish},
};

/// `POST /api/admin/run-session-processor?processor=NAME`: answers when the run has ended.
pub(super) async fn run_session_processor(
    State(service): OfService,
    caller: Caller,
    Parameters(asked): Parameters<OneProcessor>,
) -> Response {
    made(
        &service,
        caller,
        "run_session_processor",
        &asked.processor,
        Selection::All,
    )
    .await
}

/// `POST /api/admin/retry?processor=NAME[&session=KEY]`: a run over the sessions whose last attempt failed.
pub(super) async fn retry(
    State(service): OfService,
    caller: Caller,
    Parameters(asked): Parameters<ProcessorAndSession>,
) -> Response {
    let selection = match asked.session {
        Some(session) => Selection::one_failing(&session),
        None => Selection::Failing,
    };
    made(&service, caller, "retry", &asked.processor, selection).await
}

async fn made(service: &Service, caller: Caller, verb: &str, processor: &str, selection: Selection) -> Response {
    let run = match begun(service, caller, verb, processor, selection) {
        Ok(run) => run,
        Err(refused) => return *refused,
    };
    let mut response = match in_a_thread(run, service.stop.clone()).await {
        Ok(result) => json_answer(StatusCode::OK, &Made::of(result)),
        Err(refusal) => refusal.into_response(),
    };
    response.extensions_mut().insert(Note::Written);
    response
}

/// Begins a run, which writes its own row of the audit log; or the answer that refuses it, with what the log says of it.
pub(crate) fn begun(
    service: &Service,
    Caller(actor): Caller,
    verb: &str,
    processor: &str,
    selection: Selection,
) -> Result<BegunRun, Box<Response>> {
    if service.stop.stopped_at().is_some() {
        let refusal = Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is shutting down and begins no run",
        );
        return Err(Box::new(noted(refusal.into_response(), verb, processor, None)));
    }
    match service.host.begin_run(processor, actor, selection) {
        Err(error) => {
            let refusal = Refusal::from(error);
            let params = json!({"detail": refusal.detail});
            Err(Box::new(noted(refusal.into_response(), verb, processor, Some(params))))
        }
        Ok(run) => {
            if run.advances_the_schedule() {
                service.scheduler.has_run(run.processor().name(), run.started_at());
            }
            Ok(run.on_all_hosts())
        }
    }
}

/// The result of a run.
#[derive(Serialize)]
struct Made {
    ok: bool,
    details: RunResult,
}

impl Made {
    fn of(details: RunResult) -> Self {
        Self {
            ok: details.is_well(),
            details,
        }
    }
}

async fn in_a_thread(run: BegunRun, stop: StopToken) -> Result<RunResult, Refusal> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    run.execute_in_a_thread(stop, move |result| {
        // The client may have left.
        let _ = sender.send(result);
    });
    let result = receiver.await;
    Ok(result.map_err(|_| Refusal::internal("the run ended without a result"))??)
}

/// `POST /api/admin/pause?processor=NAME[&reason=TEXT]`: no run of the processor begins until it is resumed.
pub(crate) async fn pause(
    State(service): OfService,
    Caller(actor): Caller,
    Parameters(asked): Parameters<Pausing>,
) -> Response {
    let name = asked.processor.clone();
    let (status, body) = in_background(&service, move |host| {
        let processor = processor_name(&asked.processor)?;
        let reason = asked.reason.as_deref().filter(|reason| !reason.is_empty());
        let pause = host.pause(&processor, reason, &actor)?;
        Ok(json!({"processor": processor, "paused": pause}))
    })
    .await;
    noted(json_answer(status, &body), "pause", &name, Some(body))
}

/// `POST /api/admin/resume?processor=NAME`
pub(crate) async fn resume(State(service): OfService, Parameters(asked): Parameters<OneProcessor>) -> Response {
    let name = asked.processor.clone();
    let (status, body) = in_background(&service, move |host| {
        let processor = processor_name(&asked.processor)?;
        host.resume(&processor)?;
        Ok(json!({"processor": processor, "paused": null}))
    })
    .await;
    noted(json_answer(status, &body), "resume", &name, Some(body))
}

/// `POST /api/admin/forget?subject=USER[/SESSION][&purge=true]`
pub(crate) async fn forget(State(service): OfService, Parameters(asked): Parameters<Subject>) -> Response {
    let subject = asked.subject.clone();
    let (status, body) = in_background(&service, move |host| {
        let wish = if asked.purge {
            PurgeWish::Now
        } else {
            PurgeWish::WhereSmall
        };
        let forgotten = host.forget(&asked.subject, wish)?;
        match forgotten.is_nothing() && !asked.purge {
            true => Err(Refusal::not_found(forgotten.unknown(&asked.subject))),
            false => Ok(json!(forgotten)),
        }
    })
    .await;
    let mut response = json_answer(status, &body);
    response.extensions_mut().insert(Note::Action {
        action: "forget".to_owned(),
        resource: format!("session:{subject}"),
        params: body,
    });
    response
}

/// `POST /api/admin/reload-plugins`
pub(crate) async fn reload_plugins(State(service): OfService) -> Response {
    let scheduler = Arc::clone(&service.scheduler);
    let (status, body) = in_background(&service, move |host| {
        let catalogue = scheduler.reload_plugins(host)?;
        host.ask_others_to_reload(&crate::state::Actor::Admin)?;
        let plugins = PluginListing::all(&catalogue, &host.pauses());
        Ok(json!({"plugins": plugins}))
    })
    .await;
    json_answer(status, &body)
}

/// `GET /api/admin/processors`: every plugin file, its schedule, and its run under way.
pub(super) async fn processors(State(service): OfService) -> Response {
    let scheduler = Arc::clone(&service.scheduler);
    let (status, body) = in_background(&service, move |host| {
        let catalogue = host.catalogue();
        let (runs, pauses) = (host.runs_under_way(), host.pauses());
        let listed = catalogue.files().iter().map(|file| {
            let processor = file.status.processor();
            ListedProcessor {
                schedule: processor.and_then(|processor| scheduler.listing(processor.name())),
                run: processor.and_then(|processor| runs.get(processor.name().as_str()).cloned()),
                plugin: PluginListing::with_pause(file, &pauses),
            }
        });
        Ok(json!({"processors": listed.collect::<Vec<_>>()}))
    })
    .await;
    json_answer(status, &body)
}

#[derive(Serialize)]
struct ListedProcessor {
    #[serde(flatten)]
    plugin: PluginListing,
    schedule: Option<ScheduleListing>,
    run: Option<RunListing>,
}

/// Notes for the audit log what was done to a processor.
pub(super) fn noted(mut response: Response, verb: &str, processor: &str, params: Option<Value>) -> Response {
    let (action, resource) = AuditRecord::names_of(verb, processor);
    let params = params.unwrap_or_else(|| json!({"status": response.status().as_u16()}));
    response.extensions_mut().insert(Note::Action {
        action,
        resource,
        params,
    });
    response
}
