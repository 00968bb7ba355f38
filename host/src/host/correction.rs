//! Corrections of the state, each while no run of the processors involved is under way.

use super::Host;
use std::{collections::BTreeSet, sync::Arc};

use crate::{
    names::ProcessorName,
    plugins::{Claim, Occupation, Processor},
    runner::{ForgetError, Forgetter},
    state::{Forgotten, Marked, PurgeWish, ReprocessFilter, StateError},
    summary::Summary,
};

/// Why the state was not corrected.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    /// A processor is occupied.
    #[error("processor {processor} is {occupation}: nothing was changed; try again when that has ended")]
    Occupied {
        /// The processor.
        processor: ProcessorName,
        /// What occupies it.
        occupation: Occupation,
    },
    /// The state cannot be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// A hook of a processor failed.
    #[error(transparent)]
    Hook(ForgetError),
}

impl From<ForgetError> for CorrectionError {
    fn from(error: ForgetError) -> Self {
        match error {
            ForgetError::State(error) => Self::State(error),
            error => Self::Hook(error),
        }
    }
}

impl Host {
    /// Marks the selected sessions of a processor to be processed again; returns what was marked.
    ///
    /// # Errors
    /// When the processor is occupied, or the state cannot be written.
    pub fn reprocess(&self, processor: &ProcessorName, filter: &ReprocessFilter) -> Result<Marked, CorrectionError> {
        let _claim = self.claim_for_correction(processor)?;
        Ok(self.state.reprocess(processor, filter)?)
    }

    /// Removes everything about a user or a session.
    ///
    /// # Errors
    /// When any processor is occupied (its run could restore what is removed), its hook fails, or the state cannot be
    /// written.
    pub fn forget(&self, user_or_session: &str, wish: PurgeWish) -> Result<Forgotten, CorrectionError> {
        let catalogue = self.catalogue();
        let mut names: BTreeSet<ProcessorName> = catalogue.processors().map(|known| known.name().clone()).collect();
        // A run may be under way although its plugin was removed.
        names.extend(self.under_way.processors());
        let claims: Result<Vec<Claim>, CorrectionError> =
            names.iter().map(|name| self.claim_for_correction(name)).collect();
        let _claims = claims?;
        // Before the claims, newer versions may have taken the places of some.
        let processors: Vec<Arc<Processor>> = self.catalogue().processors().map(Arc::clone).collect();
        let forgetter = Forgetter {
            state: &self.state,
            processors: &processors,
            timeout: self.settings.limits.attempt_timeout,
        };
        let forgotten = forgetter.forget(user_or_session, wish)?;
        if let Err(error) = Summary::remove(&self.settings.data) {
            tracing::warn!("the status line still counts what was forgotten: {error}");
        }
        self.results_changed();
        self.read_pauses()?;
        Ok(forgotten)
    }

    fn claim_for_correction(&self, processor: &ProcessorName) -> Result<Claim, CorrectionError> {
        self.claims
            .claim(processor, Occupation::Correction)
            .map_err(|occupation| CorrectionError::Occupied {
                processor: processor.clone(),
                occupation,
            })
    }
}
