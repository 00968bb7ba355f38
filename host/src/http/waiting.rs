//! What a service answers that has not started yet, because it waits for its database: health, metrics, and to everything
//! else that it waits.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, middleware, response::Response, routing::get};

use super::{
    answer::{Refusal, answer, json_answer},
    observation::warnings_of,
    paths::{HEALTH, METRICS},
    protection,
};
use crate::{
    clock,
    health::{Health, HealthBoard, Warning, WarningKind},
    metrics::{CONTENT_TYPE, Connections, Metrics},
    state::Pauses,
};

/// A service that waits for its database. Clones share what it tells.
#[derive(Clone, Debug)]
pub struct Waiting {
    health: Arc<HealthBoard>,
    metrics: Metrics,
    /// How long after one attempt to reach the database the next one ends.
    pause: Duration,
}

impl Waiting {
    /// A service that tries to reach its database this often.
    #[must_use]
    pub fn new(pause: Duration) -> Self {
        Self {
            health: Arc::new(HealthBoard::new(clock::now(), pause)),
            metrics: Metrics::default(),
            pause,
        }
    }

    /// Lets health tell why the database cannot be reached now.
    pub fn tells(&self, error: &dyn fmt::Display) {
        let message = format!(
            "the service has not started yet, because it waits for PostgreSQL: {error}; it begins no run meanwhile, and goes on by itself once PostgreSQL answers"
        );
        let warning = Warning::new(WarningKind::State, message);
        self.health
            .put_up(clock::now(), BTreeMap::new(), vec![warning], self.pause);
    }

    /// The numbers of its connections.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        self.metrics.connections()
    }

    /// Its interface.
    pub fn router(&self) -> Router {
        Router::new()
            .route(HEALTH, get(health))
            .route(METRICS, get(metrics))
            .fallback(not_yet)
            .with_state(self.clone())
            .layer(middleware::from_fn(protection::protect))
    }

    fn current(&self) -> Health {
        self.health.read(clock::now(), &HashMap::new(), &Pauses::new())
    }
}

async fn health(State(waiting): State<Waiting>) -> Response {
    json_answer(StatusCode::OK, &waiting.current())
}

async fn metrics(State(waiting): State<Waiting>) -> Response {
    let text = waiting.metrics.encode(warnings_of(&waiting.current()));
    answer(StatusCode::OK, CONTENT_TYPE, text)
}

async fn not_yet() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the service has not started yet, because PostgreSQL, which holds the state, is out of reach; it goes on by itself when it is back",
    )
}
