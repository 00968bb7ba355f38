//! One run: one pass of one processor over all sessions that it has yet to process.

mod attempt;
mod candidates;
mod conductor;
mod connection;
mod context;
mod dispatch;
mod error;
mod executor;
mod flight;
mod flights;
mod group;
mod lane;
mod limits;
mod memory;
mod message;
mod outcome;
mod own_transaction;
mod progress;
mod result;
mod run;
mod run_log;
mod selection;
mod stop;
mod tally;
mod worker;

pub use candidates::{Backlog, backlog};
pub use error::RunError;
pub use limits::RunLimits;
pub use memory::MemoryBudget;
pub use progress::Progress;
pub use result::{RunResult, SessionError};
pub use run::Run;
pub use selection::Selection;
pub use stop::StopToken;
