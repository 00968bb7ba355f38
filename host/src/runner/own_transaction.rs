//! The transaction of an attempt's own: not begun, open, or rolled back from outside.
//!
//! One that was rolled back is not one that was never begun: what the processor wrote by SQL is gone, so the attempt must
//! fail, whatever it returns.

use crate::state::Transaction;

/// The transaction of an attempt's own.
#[derive(Default)]
pub(super) enum OwnTransaction {
    /// The attempt has run no SQL yet, or its queries are over.
    #[default]
    NotBegun,
    /// It is open.
    Open(Transaction),
    /// It was rolled back while the attempt was in flight.
    RolledBack,
}

/// The transaction is gone, and what was written in it.
#[derive(Debug, thiserror::Error)]
#[error("the attempt's transaction was rolled back: the attempt was abandoned, or the state was closed")]
pub(super) struct RolledBack;

impl OwnTransaction {
    /// The open transaction; `None` where there is none yet.
    pub(super) fn open(&mut self) -> Result<Option<&mut Transaction>, RolledBack> {
        match self {
            Self::NotBegun => Ok(None),
            Self::Open(transaction) => Ok(Some(transaction)),
            Self::RolledBack => Err(RolledBack),
        }
    }

    /// Takes the transaction out, to commit it; `None` where the attempt has begun none.
    pub(super) fn take(&mut self) -> Result<Option<Transaction>, RolledBack> {
        match std::mem::take(self) {
            Self::NotBegun => Ok(None),
            Self::Open(transaction) => Ok(Some(transaction)),
            Self::RolledBack => Err(RolledBack),
        }
    }

    /// Ends the open transaction of an attempt that has only read.
    pub(super) fn end_reading(&mut self) {
        if let Self::Open(_) = self {
            *self = Self::NotBegun;
        }
    }

    /// Rolls the transaction back, where it is open.
    pub(super) fn roll_back(&mut self) {
        if let Self::Open(_) = self {
            *self = Self::RolledBack;
        }
    }
}
