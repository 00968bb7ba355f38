//! One run: one pass of one processor over its candidates.
//!
//! [`Run`] scans, chooses the candidates and starts the run's threads. Each worker takes candidates from the dispatcher,
//! reads their transcripts, and puts them back as attempts. A worker that takes an attempt calls the processor through the
//! executor, and sends the outcome to the conductor.
//! The conductor commits outcomes in groups, counts them in a tally, and abandons attempts that take too long.
//!
//! Two facts shape this design. A session's rows and its state row are in one transaction, and only a committed session
//! counts as processed; so an attempt ends in one step, and its session is counted in another. A plugin may never
//! return; so the threads of a run own together what they share, and a run ends without a worker that hangs.
//!
//! # Threads
//! A run has one conductor, the thread that called [`Run::execute`], and up to `workers` workers. They exchange
//! messages over one bounded channel. Locks are held only for moments, with two exceptions. The lock on an attempt's
//! transaction is held while a statement runs. The conductor does not wait for it, but interrupts the statement. The lock on
//! the transaction that serial attempts share is held while its sessions are committed.

mod attempt;
mod buffers;
mod cancellation;
mod candidates;
mod conductor;
mod connection;
mod context;
mod dispatch;
mod error;
mod executor;
mod flight;
mod flights;
mod forgetting;
mod group;
mod lane;
mod limits;
mod memory;
mod message;
mod outcome;
mod own_transaction;
mod prepared;
mod preview;
mod progress;
mod read_ahead;
mod result;
mod retry_policy;
mod run;
mod run_log;
#[cfg(test)]
mod sample;
mod selection;
mod share;
mod shared_transaction;
mod stop;
mod tables;
mod tally;
mod worker;

pub use candidates::{Backlog, backlog};
pub use error::RunError;
pub use forgetting::{ForgetError, Forgetter};
pub use limits::RunLimits;
pub use memory::MemoryBudget;
pub use prepared::seen;
pub use preview::{Preview, ProcessorPreview, Volume};
pub use progress::Progress;
pub use result::{Moved, RunResult, SessionError};
pub use retry_policy::{Retries, RetryPolicy, Turn};
pub use run::Run;
pub use selection::Selection;
pub use share::Share;
pub use stop::StopToken;
