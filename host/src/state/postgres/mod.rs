//! A state in a PostgreSQL database, which several hosts share.
//!
//! DuckDB attaches the database through its own extension, so plugins, their SQL and the rows that they get are those of
//! a state in a file. All tables are in PostgreSQL's schema `main`, which has the name of DuckDB's, so that the same SQL
//! reaches both.
//!
//! - `extension`: finds DuckDB's extension.
//! - `attach`: an instance that attaches the database.
//! - `mirror`: an instance with the same tables without rows, which judges statements.
//! - `era`: the instances that belong together, until the schema or the host's membership changes.
//! - `bootstrap`: the host's own tables.
//! - `migrate`: a processor's tables.
//! - `view_check`: whether views can read the tables as PostgreSQL has them.
//! - `fence`: what a commit checks in its own transaction.
//! - `shared_state`: the open state.
//! - `snapshot`: copies of the tables, for reports.
//! - `asking`: what hosts ask of each other.

use crate::{
    cluster::{LEASE, MACHINE, REPORT, REQUEST, TAKE_OVER},
    state::engine::attached::LANE,
};

pub(crate) mod asking;
pub(crate) mod attach;
pub(crate) mod bootstrap;
pub(crate) mod era;
pub(crate) mod extension;
pub(crate) mod fence;
mod migrate;
pub(crate) mod mirror;
pub(crate) mod shared_state;
mod snapshot;
mod view_check;

/// Whether a table is one of those that only a state in PostgreSQL has.
pub(in crate::state) fn is_of_shared_state(table: &str) -> bool {
    [LEASE, MACHINE, REPORT, REQUEST, TAKE_OVER, LANE, mirror::SCHEMA_TEXT].contains(&table)
}
