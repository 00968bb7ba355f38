//! What the end-to-end tests stand on: a [`World`] with real plugins, real transcripts and a real state file, and the
//! real `session-host` run in it as a process.
//!
//! ```no_run
//! use session_host_tests::World;
//!
//! let world = World::with(&["probe"]);
//! world.write("alice/a.jsonl", r#"{"do":"rows","count":3}"#);
//! let ran = world.run(&["probe"]);
//! assert_eq!((ran.status, ran.result().processed), (0, 1));
//! assert_eq!(world.count("probe_rows"), 3);
//! ```
//!
//! The tests are modules of one program, `tests/end-to-end`, so that plugins and host are looked after by cargo once.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set its scene fails, and says why"
)]

mod artifacts;
mod compat;
mod compile;
mod copied;
mod disk;
mod documentation;
mod grown;
mod held;
mod listing;
mod nobody;
mod page;
mod plugin_file;
mod postgres;
mod processes;
mod proxy;
mod ran;
mod service;
mod spending;
mod state;
mod world;
pub mod zoo;

pub use artifacts::{build_with, host_binary, library, target_folder, unguarded_host_binary};
pub use compat::interface_1_0;
pub use compile::Code;
pub use disk::{FailingDisk, SmallDisk, holds_bytes};
pub use documentation::{DocumentedQuery, repository};
pub use grown::grown;
pub use held::Held;
pub use listing::{Listed, Listing};
pub use page::{FORM, Visit, named_token};
pub use plugin_file::{LibraryFile, library_name, place};
pub use postgres::{
    Authority, Database, PASSWORD, Postgres, PostgresSetup, ROLE, WAITS_FOR_A_LOCK, psql, psql_in_steps,
    write_password_file,
};
pub use processes::{Cpu, Holdings, children_of, cpu_of, has_ended, variables_of};
pub use proxy::{Proxy, copying_into};
pub use ran::{Moved, Ran, RunResult, Running, SessionError, send};
pub use service::{AT_ONCE, Answer, Service};
pub use spending::Spending;
pub use world::{World, wait_until};
