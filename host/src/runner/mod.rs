//! One run: one pass of one processor over all sessions that it has yet to process.

mod attempt;
mod candidates;
mod complaints;
mod connection;
mod dispatch;
mod flight;
mod group;
mod lane;
mod memory;
mod progress;
mod result;
mod run;
mod stop;
mod worker;

pub use candidates::{Backlog, backlog};
pub use memory::MemoryBudget;
pub use progress::Progress;
pub use result::{RunResult, SessionError};
pub use run::{Run, RunError, RunLimits, Selection};
pub use stop::StopToken;
