//! The transaction that an attempt has: not begun, open, or rolled back from outside.
//!
//! A transaction that was rolled back differs from one that never began: the processor's writes are lost, so the
//! attempt must fail, whatever the processor returns.

use crate::state::Transaction;

/// The transaction that an attempt has, alone or lent by the attempts before it.
#[derive(Default)]
pub(super) enum OwnTransaction {
    /// The attempt has run no SQL yet, or only queries that have ended.
    #[default]
    NotBegun,
    /// It is open.
    Open(Transaction),
    /// It was rolled back while the attempt was in flight.
    RolledBack,
}

/// The transaction was rolled back, and its writes are lost.
#[derive(Debug, thiserror::Error)]
#[error("the attempt's transaction was rolled back: the attempt was abandoned, or the state was closed")]
pub(super) struct RolledBack;

impl OwnTransaction {
    /// The open transaction; `None` if there is none.
    pub(super) fn open(&mut self) -> Result<Option<&mut Transaction>, RolledBack> {
        match self {
            Self::NotBegun => Ok(None),
            Self::Open(transaction) => Ok(Some(transaction)),
            Self::RolledBack => Err(RolledBack),
        }
    }

    /// Takes the transaction out, to commit it; `None` if the attempt has none.
    pub(super) fn take(&mut self) -> Result<Option<Transaction>, RolledBack> {
        match std::mem::take(self) {
            Self::NotBegun => Ok(None),
            Self::Open(transaction) => Ok(Some(transaction)),
            Self::RolledBack => Err(RolledBack),
        }
    }

    /// Takes the open transaction of an attempt that has only read.
    pub(super) fn end_reading(&mut self) -> Option<Transaction> {
        match std::mem::take(self) {
            Self::Open(transaction) => Some(transaction),
            standing => {
                *self = standing;
                None
            }
        }
    }

    /// Rolls the transaction back if it is open.
    pub(super) fn roll_back(&mut self) {
        if let Self::Open(_) = self {
            *self = Self::RolledBack;
        }
    }
}
