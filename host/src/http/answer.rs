//! Answers: JSON, including refusals.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    cluster::ClusterError,
    host::{CorrectionError, NotBegun, PauseError},
    plugins::CatalogueError,
    printable,
    runner::RunError,
    scheduler::{ReloadError, ScheduleError},
    state::{QueryError, StateError},
};

/// What a request is told that needs a state in PostgreSQL while there is none to be had. Health has the reason.
const OUT_OF_REACH: &str = "PostgreSQL, which holds the state, is out of reach or takes no writes; the service goes on by itself when it is back";

/// Why a request is refused, as the client sees it: `{"detail": "..."}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, detail: impl ToString) -> Self {
        Self {
            status,
            detail: detail.to_string(),
        }
    }

    pub(crate) fn bad_request(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(detail: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn conflict(detail: impl ToString) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// The client took too long.
    pub(crate) fn timeout(detail: impl ToString) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// A fault of the host, not of the client.
    pub(crate) fn internal(detail: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }
}

/// An answer in JSON.
pub(crate) fn json_answer(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => answer(status, "application/json", printable::json(text)),
        Err(error) => Refusal::internal(format!("cannot write the answer: {error}")).into_response(),
    }
}

/// An answer of any type.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        json_answer(self.status, &json!({"detail": self.detail}))
    }
}

impl From<NotBegun> for Refusal {
    fn from(error: NotBegun) -> Self {
        match error {
            NotBegun::NoSuchProcessor(error) => Self::bad_request(error),
            stopped @ (NotBegun::Occupied { .. } | NotBegun::Paused { .. }) => Self::conflict(stopped),
        }
    }
}

impl From<PauseError> for Refusal {
    fn from(error: PauseError) -> Self {
        match error {
            unknown @ PauseError::Unknown(_) => Self::bad_request(unknown),
            running @ PauseError::NotPaused(_) => Self::not_found(running),
            PauseError::State(error) => error.into(),
        }
    }
}

impl From<CorrectionError> for Refusal {
    fn from(error: CorrectionError) -> Self {
        match error {
            occupied @ CorrectionError::Occupied { .. } => Self::conflict(occupied),
            CorrectionError::State(error) => error.into(),
            failed @ CorrectionError::Hook(_) => Self::internal(failed),
        }
    }
}

impl From<ClusterError> for Refusal {
    fn from(error: ClusterError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::State(error) if error.is_of_the_disk() => error.into(),
            error => Self::bad_request(error),
        }
    }
}

impl From<StateError> for Refusal {
    fn from(error: StateError) -> Self {
        match error {
            closed @ StateError::Closed { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, closed),
            error if error.is_outage() => Self::new(StatusCode::SERVICE_UNAVAILABLE, OUT_OF_REACH),
            error => Self::internal(error),
        }
    }
}

impl From<ReloadError> for Refusal {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Catalogue(CatalogueError::State(error))
            | ReloadError::Schedule(ScheduleError::State(error)) => error.into(),
            error => Self::internal(error),
        }
    }
}

impl From<RunError> for Refusal {
    fn from(error: RunError) -> Self {
        match error {
            RunError::State(error) => error.into(),
            no_member @ RunError::NoMember(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, no_member),
            error => Self::internal(error),
        }
    }
}
