//! The data that the routes share.
//!
//! # Threads
//! Handlers run on any thread of the runtime. Clones of [`Service`] share everything. A lock guards the token, which SIGHUP
//! can change. Readers copy the token, so no request holds the lock.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;

use super::queries::Queries;
use crate::{
    alerts::Alerts,
    config::{ApiToken, NamedToken, Role},
    health::HealthBoard,
    host::Host,
    metrics::Metrics,
    runner::StopToken,
    scheduler::Scheduler,
    state::Actor,
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
    /// The main token, which can be changed while the server runs.
    pub token: Arc<RwLock<ApiToken>>,
}

/// Somebody who has a token.
#[derive(Clone, Copy, Debug)]
pub enum TokenHolder<'a> {
    /// The holder of the main token.
    Main,
    /// The holder of a token beside it.
    Named(&'a NamedToken),
}

impl TokenHolder<'_> {
    /// What the holder may do.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Main => Role::Admin,
            Self::Named(token) => token.role,
        }
    }

    /// Who the holder is in the audit log.
    #[must_use]
    pub fn actor(self) -> Actor {
        match self {
            Self::Main => Actor::Admin,
            Self::Named(token) => Actor::Token(format!("{}:{}", token.role.as_str(), token.name()).into()),
        }
    }
}

impl Service {
    /// Whose token this is; `None` if it is nobody's.
    #[must_use]
    pub fn holder_of(&self, given: &[u8]) -> Option<TokenHolder<'_>> {
        if self.token().matches(given) {
            return Some(TokenHolder::Main);
        }
        let mut named = self.host.settings().service.tokens.iter();
        named.find(|token| token.matches(given)).map(TokenHolder::Named)
    }

    /// The main token in force.
    #[must_use]
    pub fn token(&self) -> ApiToken {
        self.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The state of the routes, for handlers.
pub(super) type OfService = State<Service>;
