//! The admin interface.

use std::{sync::Arc, thread, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request, State, rejection::QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    answer::{Refusal, json_answer},
    audit::Note,
    routes::{OfService, Service},
};
use crate::{
    host::{BegunRun, Host},
    names::{ProcessorName, SessionKey},
    plugins::PluginListing,
    runner::{RunError, RunResult, Selection, StopToken},
    state::{Actor, AuditRecord, QueryLimits, Reader, StateError},
};

/// The parameters of a path, strictly: one that is unknown or missing is refused in JSON.
pub(super) struct Parameters<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Refusal> {
        let parsed: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        match parsed {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Refusal::bad_request(rejection.body_text())),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneProcessor {
    processor: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProcessorAndSession {
    processor: String,
    session: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subject {
    subject: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnyProcessor {
    processor: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    #[serde(default = "some_runs")]
    limit: u32,
}

fn some_runs() -> u32 {
    20
}

/// How many runs are listed at most.
const MOST_RUNS: u32 = 1000;

/// `POST /api/admin/run-session-processor?processor=NAME`: answers when the run is done.
pub(super) async fn run_session_processor(
    State(service): OfService,
    Parameters(asked): Parameters<OneProcessor>,
) -> Response {
    made(&service, "run_session_processor", &asked.processor, Selection::All).await
}

/// `POST /api/admin/retry?processor=NAME[&session=KEY]`: a run over the sessions whose last attempt failed.
pub(super) async fn retry(State(service): OfService, Parameters(asked): Parameters<ProcessorAndSession>) -> Response {
    let selection = match asked.session {
        Some(session) => Selection::OneFailing(SessionKey::new(session)),
        None => Selection::Failing,
    };
    made(&service, "retry", &asked.processor, selection).await
}

async fn made(service: &Service, verb: &str, processor: &str, selection: Selection) -> Response {
    if service.stop.stopped_at().is_some() {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the server is ending: no run is begun");
        return noted(refusal.into_response(), verb, processor, None);
    }
    match service.host.begin_run(processor, Actor::Admin, selection) {
        Err(error) => {
            let refusal = Refusal::from(error);
            let params = json!({"detail": refusal.detail});
            noted(refusal.into_response(), verb, processor, Some(params))
        }
        Ok(run) => {
            service.scheduler.has_run(run.processor().name(), run.started_at());
            let mut response = match in_a_thread(run, service.stop.clone()).await {
                Ok(result) => json_answer(StatusCode::OK, &Made::of(result)),
                Err(refusal) => refusal.into_response(),
            };
            response.extensions_mut().insert(Note::Written);
            response
        }
    }
}

/// What came of a run.
#[derive(Serialize)]
struct Made {
    ok: bool,
    details: RunResult,
}

impl Made {
    fn of(details: RunResult) -> Self {
        Self {
            ok: details.errors == 0,
            details,
        }
    }
}

/// A run has a thread of its own: there may be more of them than threads for short work.
async fn in_a_thread(run: BegunRun, stop: StopToken) -> Result<RunResult, Refusal> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let name = format!("run-{}", run.processor().name());
    let make = move || {
        let result = run.execute(&stop);
        // Whoever asked may have left.
        let _ = sender.send(result);
    };
    thread::Builder::new()
        .name(name)
        .spawn(make)
        .map_err(|error| Refusal::internal(RunError::Worker(error)))?;
    let result = receiver.await;
    Ok(result.map_err(|_| Refusal::internal("the run ended without a result"))??)
}

/// `POST /api/admin/reprocess?processor=NAME[&session=KEY]`
pub(super) async fn reprocess(
    State(service): OfService,
    Parameters(asked): Parameters<ProcessorAndSession>,
) -> Response {
    let name = asked.processor.clone();
    let response = in_background(&service, move |host| {
        let processor = processor_name(&asked.processor)?;
        let session = asked.session.map(SessionKey::new);
        match host.reprocess(&processor, session.as_ref())? {
            0 => Err(Refusal::not_found(match session {
                Some(session) => format!("processor {processor} has processed no session {session}"),
                None => format!("processor {processor} has processed no session"),
            })),
            sessions => Ok(json!({"processor": processor, "sessions": sessions})),
        }
    });
    let response = response.await;
    let (status, body) = response;
    noted(json_answer(status, &body), "reprocess", &name, Some(body))
}

/// `POST /api/admin/forget?subject=USER[/SESSION]`
pub(super) async fn forget(State(service): OfService, Parameters(asked): Parameters<Subject>) -> Response {
    let subject = asked.subject.clone();
    let (status, body) = in_background(&service, move |host| {
        let forgotten = host.forget(&asked.subject)?;
        match forgotten.is_nothing() {
            true => Err(Refusal::not_found(format!("nothing is known of {}", asked.subject))),
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
pub(super) async fn reload_plugins(State(service): OfService) -> Response {
    let scheduler = Arc::clone(&service.scheduler);
    let (status, body) = in_background(&service, move |host| {
        let catalogue = scheduler.reload_plugins(host)?;
        let plugins: Vec<PluginListing> = catalogue.files().iter().map(PluginListing::from).collect();
        Ok(json!({"plugins": plugins}))
    })
    .await;
    json_answer(status, &body)
}

/// `GET /api/admin/processors`: every plugin's file, its schedule, and the run of it that goes on.
pub(super) async fn processors(State(service): OfService) -> Response {
    let scheduler = Arc::clone(&service.scheduler);
    let (status, body) = in_background(&service, move |host| {
        let catalogue = host.catalogue();
        let listed = catalogue.files().iter().map(|file| {
            let processor = file.status.processor();
            ListedProcessor {
                schedule: processor.and_then(|processor| scheduler.listing(processor.name())),
                run: processor.and_then(|processor| listed_run(host, processor.name())),
                plugin: PluginListing::from(file),
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
    schedule: Option<crate::scheduler::ScheduleListing>,
    run: Option<ListedRun>,
}

#[derive(Serialize)]
struct ListedRun {
    actor: &'static str,
    started_at: String,
    scanned: u64,
    settled: u64,
    bytes_read: u64,
}

fn listed_run(host: &Host, processor: &ProcessorName) -> Option<ListedRun> {
    let run = host.run_in_flight(processor)?;
    Some(ListedRun {
        actor: run.actor.as_str(),
        started_at: crate::clock::text_of(run.started_at),
        scanned: run.progress.scanned(),
        settled: run.progress.settled(),
        bytes_read: run.progress.bytes_read(),
    })
}

/// `GET /api/admin/status`: how far each processor is.
pub(super) async fn status(State(service): OfService) -> Response {
    let state = service.host.state().path().display().to_string();
    let (status, body) = reading(&service, move |reader| {
        Ok(json!({"state": state, "processors": reader.status()?}))
    })
    .await;
    json_answer(status, &body)
}

/// `GET /api/admin/runs?limit=N`: the latest runs.
pub(super) async fn runs(State(service): OfService, Parameters(asked): Parameters<Limit>) -> Response {
    if asked.limit == 0 || asked.limit > MOST_RUNS {
        return Refusal::bad_request(format!("limit must be 1 to {MOST_RUNS}")).into_response();
    }
    let (status, body) = reading(&service, move |reader| Ok(json!({"runs": reader.runs(asked.limit)?}))).await;
    json_answer(status, &body)
}

/// `GET /api/admin/failures?processor=NAME`: the sessions that fail.
pub(super) async fn failures(State(service): OfService, Parameters(asked): Parameters<AnyProcessor>) -> Response {
    let (status, body) = reading(&service, move |reader| {
        let processor = asked.processor.as_deref().map(processor_name).transpose()?;
        Ok(json!({"failures": reader.failures(processor.as_ref())?}))
    })
    .await;
    json_answer(status, &body)
}

/// A query and its parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    sql: String,
    #[serde(default)]
    params: Vec<Value>,
}

/// How long a query may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

const QUERY_LIMITS: QueryLimits = QueryLimits {
    rows: 10_000,
    bytes: 16 << 20,
};

/// `POST /api/admin/query {"sql", "params"}`: one statement that reads.
pub(super) async fn query(State(service): OfService, request: Request) -> Response {
    let answered = async {
        let body = body_of(request).await?;
        let asked: Asked = serde_json::from_slice(&body).map_err(|error| {
            Refusal::bad_request(format!(
                "the body is not {{\"sql\": \"...\", \"params\": [...]}}: {error}"
            ))
        })?;
        let sql = asked.sql.clone();
        Ok::<_, Refusal>((sql, answer_to(&service, asked).await))
    };
    let (sql, response) = match answered.await {
        Ok((sql, response)) => (sql, response),
        Err(refusal) => (String::new(), Err(refusal)),
    };
    let params = match &response {
        Ok(_) => json!({"sql": sql}),
        Err(refusal) => json!({"sql": sql, "detail": refusal.detail}),
    };
    let mut response = response.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(Note::Action {
        action: "query".to_owned(),
        resource: "state".to_owned(),
        params,
    });
    response
}

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

async fn body_of(request: Request) -> Result<Bytes, Refusal> {
    let received = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await;
    let received =
        received.map_err(|_| Refusal::timeout(format!("the body took longer than {} s", BODY_TIMEOUT.as_secs())))?;
    received.map_err(|rejection| Refusal::new(rejection.status(), rejection.body_text()))
}

async fn answer_to(service: &Service, asked: Asked) -> Result<Response, Refusal> {
    let reader = service.host.state().reader()?;
    let interrupt = reader.interrupt_handle();
    let mut running =
        tokio::task::spawn_blocking(move || reader.query_limited(&asked.sql, &asked.params, QUERY_LIMITS));
    let ended = match tokio::time::timeout(QUERY_TIMEOUT, &mut running).await {
        Ok(ended) => ended,
        Err(_) => {
            interrupt.interrupt();
            let seconds = QUERY_TIMEOUT.as_secs();
            let detail = format!("the query took longer than {seconds} s and was interrupted: ask for less");
            return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, detail));
        }
    };
    let answer = ended.map_err(Refusal::internal)??;
    Ok(json_answer(StatusCode::OK, &answer))
}

/// `POST /api/admin/export`: every table as a Parquet file, in a new folder of the data directory.
pub(super) async fn export(State(service): OfService) -> Response {
    let (status, body) = in_background(&service, |host| {
        let (folder, tables) = host.export()?;
        Ok(json!({"folder": folder, "tables": tables}))
    })
    .await;
    json_answer(status, &body)
}

/// Short work that may wait for the disk or the writer; gives status and body.
async fn in_background(
    service: &Service,
    work: impl FnOnce(&Arc<Host>) -> Result<Value, Refusal> + Send + 'static,
) -> (StatusCode, Value) {
    let host = Arc::clone(&service.host);
    let ended = tokio::task::spawn_blocking(move || work(&host)).await;
    match ended.map_err(Refusal::internal).and_then(|result| result) {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => (refusal.status, json!({"detail": refusal.detail})),
    }
}

async fn reading(
    service: &Service,
    read: impl FnOnce(&Reader) -> Result<Value, Refusal> + Send + 'static,
) -> (StatusCode, Value) {
    in_background(service, move |host| {
        let reader = host
            .state()
            .reader()
            .map_err(|error: StateError| Refusal::from(error))?;
        read(&reader)
    })
    .await
}

fn processor_name(text: &str) -> Result<ProcessorName, Refusal> {
    text.parse()
        .map_err(|error: crate::names::InvalidProcessorName| Refusal::bad_request(error))
}

/// Tells the audit log what was done to a processor.
fn noted(mut response: Response, verb: &str, processor: &str, params: Option<Value>) -> Response {
    let (action, resource) = AuditRecord::names_of(verb, processor);
    let params = params.unwrap_or_else(|| json!({"status": response.status().as_u16()}));
    response.extensions_mut().insert(Note::Action {
        action,
        resource,
        params,
    });
    response
}
