//! Alerts that the operator asks for: a budget that is exceeded, a secret that leaks, a processor that fails.
//!
//! An evaluation compares what holds now (`budgets`, `secrets`, `processors`) with the alerts that the state has recorded
//! (`changes`): what holds and has no active alert fires, and what no longer holds is resolved. The figures come from the
//! reports of the processors. The webhook takes the alerts later (`delivery`), so it delays no run and no evaluation.

mod board;
mod budgets;
mod changes;
mod condition;
mod delivery;
mod evaluation;
mod figures;
mod keeping;
mod listing;
mod periods;
mod processors;
mod secrets;
mod webhook;

pub use evaluation::Alerts;
pub use keeping::keep;
pub use listing::{AlertListing, active};
