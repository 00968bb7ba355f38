//! The search for texts.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    answer::{Refusal, json_answer},
    audit::Note,
    parameters::Parameters,
    reading::{QUERY_LIMITS, in_time},
    service::{OfService, Service},
};
use crate::search::{self, AskedSearch, SearchAnswer, SearchError};

/// `GET /api/search?words=&regex=&username=&project=&since=&until=&limit=&before=`: the texts that match, the newest first.
pub(super) async fn search(State(service): OfService, Parameters(asked): Parameters<AskedSearch>) -> Response {
    let note = note(&asked);
    let answered = answer_to(&service, asked).await;
    let answered = answered.map(|answer| json_answer(StatusCode::OK, &answer));
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(note);
    response
}

/// Searches within the limits of a query.
///
/// # Errors
/// When something is asked for that there is not, or the search fails or takes too long.
pub(crate) async fn answer_to(service: &Service, asked: AskedSearch) -> Result<SearchAnswer, Refusal> {
    let host = service.host.clone();
    in_time(service, move |reader| {
        let catalogue = host.catalogue();
        Ok(search::run(
            &catalogue,
            host.settings(),
            reader,
            &asked,
            QUERY_LIMITS.memory,
        )?)
    })
    .await
}

/// What the audit log says of a search: what it was asked for.
pub(crate) fn note(asked: &AskedSearch) -> Note {
    let mut params = json!(asked);
    if let Some(members) = params.as_object_mut() {
        members.retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)));
    }
    Note::Action {
        action: "search".to_owned(),
        resource: "state".to_owned(),
        params,
    }
}

impl From<SearchError> for Refusal {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Query(error) => error.into(),
            error => Self::bad_request(error),
        }
    }
}
