//! DuckDB itself: instances, connections, interrupts, the basics of its SQL, and exports of whole tables. Of PostgreSQL, what
//! a link to an attached database needs.
//!
//! The rest of the state builds on these modules and does not know how an instance is opened.

pub(crate) mod attached;
pub(crate) mod export;
pub(crate) mod instance;
pub(crate) mod interrupt;
pub(crate) mod open;
pub(crate) mod server_work;
pub(crate) mod sql;
