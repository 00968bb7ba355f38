//! The parameters of requests.

use axum::{
    extract::{FromRequestParts, Query, rejection::QueryRejection},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::answer::Refusal;
use crate::names::{InvalidProcessorName, ProcessorName};

/// The parameters of a path. An unknown or missing one is refused with JSON.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let parsed: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        match parsed {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Refusal::bad_request(rejection.body_text())),
        }
    }
}

/// Which processor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneProcessor {
    pub(crate) processor: String,
}

/// Which processor, and which of its sessions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessorAndSession {
    pub(crate) processor: String,
    pub(crate) session: Option<String>,
}

/// Which processor to pause, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pausing {
    pub(crate) processor: String,
    pub(crate) reason: Option<String>,
}

/// The user or session to forget.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    pub(crate) subject: String,
    /// Whether to purge the state, whatever its size.
    #[serde(default)]
    pub(crate) purge: bool,
}

/// Checks a processor's name that a client sent.
pub(crate) fn processor_name(text: &str) -> Result<ProcessorName, Refusal> {
    text.parse()
        .map_err(|error: InvalidProcessorName| Refusal::bad_request(error))
}
