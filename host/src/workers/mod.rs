//! Worker processes: where the code of a plugin runs when it must not run in the host.
//!
//! A worker is this program again, started with a hidden subcommand. It has one library open and serves one request at a time
//! over a socket. The host's side of that socket is here, and so is what both sides share: the messages, and the files that
//! carry transcripts and rows. This module knows nothing of processors; `plugins` gives the requests their meaning.
//!
//! # Threads
//! One thread, which lives as long as the host, starts all workers. The kernel ends a worker when the thread that started it
//! ends. Whoever makes a request waits for its end. Any thread may kill a worker: the request then fails.

mod buffer;
mod confinement;
mod ending;
mod launcher_thread;
mod limits;
mod link;
mod numbers;
mod output;
mod process;
pub mod protocol;

pub use buffer::{RowsBuffer, WaitingRows};
pub use confinement::{Confinement, Network, confine};
pub use ending::Ending;
pub use limits::WorkerLimits;
pub use link::{Frame, Incoming, Link, LinkError, Outgoing};
pub use process::{Killer, WorkerError, WorkerProcess, begin_as_worker};
