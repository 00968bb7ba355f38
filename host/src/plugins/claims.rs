//! Makes sure that only one thing at a time happens to a processor: a run, a change of its tables, or a correction.
//!
//! # Threads
//! Any thread may claim a processor. The lock is held only while the list is read or changed. Nobody waits for a claim:
//! a caller that does not get one learns what the processor is occupied with.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::names::ProcessorName;

/// The processors that are occupied. Clones share the list.
///
/// A claim is on a name, not on a loaded library: while old code runs, new code of the same processor waits.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    claimed: Arc<Mutex<BTreeMap<ProcessorName, Occupation>>>,
}

/// What a processor is occupied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupation {
    /// A run of it.
    Run,
    /// A new version of it is being put into service.
    Replacement,
    /// Sessions are being marked for reprocessing, or forgotten.
    Correction,
}

/// The sole right to use a processor, given up when it is dropped.
#[derive(Debug)]
pub struct Claim {
    claims: Claims,
    name: ProcessorName,
}

impl Claims {
    /// Claims a processor.
    ///
    /// # Errors
    /// When it is occupied; the error says with what.
    pub fn claim(&self, name: &ProcessorName, occupation: Occupation) -> Result<Claim, Occupation> {
        let mut claimed = self.lock();
        if let Some(other) = claimed.get(name) {
            return Err(*other);
        }
        claimed.insert(name.clone(), occupation);
        Ok(Claim {
            claims: self.clone(),
            name: name.clone(),
        })
    }

    /// Whether a processor is occupied.
    #[must_use]
    pub fn is_claimed(&self, name: &ProcessorName) -> bool {
        self.lock().contains_key(name)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ProcessorName, Occupation>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.name);
    }
}

impl fmt::Display for Occupation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Run => "already running",
            Self::Replacement => "being replaced by a new version",
            Self::Correction => "having its state corrected",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_claimed_once_until_the_claim_is_dropped() {
        let claims = Claims::default();
        let usage: ProcessorName = "usage".parse().unwrap();
        let errors: ProcessorName = "errors".parse().unwrap();
        let claim = claims.claim(&usage, Occupation::Run).unwrap();
        assert_eq!(
            claims.claim(&usage, Occupation::Correction).unwrap_err(),
            Occupation::Run
        );
        assert!(claims.claim(&errors, Occupation::Run).is_ok());
        drop(claim);
        assert!(!claims.is_claimed(&usage));
        assert!(claims.claim(&usage, Occupation::Correction).is_ok());
    }
}
