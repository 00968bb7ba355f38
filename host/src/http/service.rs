//! The data that the routes share.
//!
//! # Threads
//! Handlers run on any thread of the runtime. Clones of [`Service`] share everything. A lock guards the token, which SIGHUP
//! can change. Readers copy the token, so no request holds the lock.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;

use super::queries::Queries;
use crate::{
    alerts::Alerts, config::ApiToken, health::HealthBoard, host::Host, metrics::Metrics, runner::StopToken,
    scheduler::Scheduler,
};

/// The data that the routes use. Clones share it.
#[derive(Clone)]
pub struct Service {
    /// The host.
    pub host: Arc<Host>,
    /// The schedule.
    pub scheduler: Arc<Scheduler>,
    /// The latest observation of health.
    pub health: Arc<HealthBoard>,
    /// The alerts.
    pub alerts: Arc<Alerts>,
    /// The metrics.
    pub metrics: Metrics,
    /// The request to stop.
    pub stop: StopToken,
    /// The places for queries.
    pub queries: Queries,
    /// The token, which can be changed while the server runs.
    pub token: Arc<RwLock<ApiToken>>,
}

impl Service {
    /// The token in force.
    #[must_use]
    pub fn token(&self) -> ApiToken {
        self.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The state of the routes, for handlers.
pub(super) type OfService = State<Service>;
