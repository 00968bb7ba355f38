//! Connections to PostgreSQL that do not go through DuckDB.
//!
//! A host that shares its state with others keeps it in PostgreSQL. DuckDB's extension reads and writes it there, with
//! libpq. What several hosts agree on must not wait for DuckDB, nor end with one of its instances. So the host also speaks
//! to PostgreSQL itself: [`Session`] is such a connection.
//!
//! [`ScratchDatabase`] is a database for a while: something can be tried there that must leave nothing behind.
//!
//! [`Outage`] tells in the log that PostgreSQL is out of reach.
//!
//! [`PostgresAddress`] is the one definition of where the server is and whom the host trusts. Both clients get the same
//! from it: the same password file, the same certificates, the same time limits. No password is part of an address, of a
//! conninfo string or of an error.

mod address;
mod admission;
mod conninfo;
mod error;
mod outage;
mod parsing;
mod password;
mod scratch;
mod session;
mod trust;

/// The schema that has all tables. It has the name of DuckDB's own, so that the same SQL reaches both.
pub const SCHEMA: &str = "main";

pub use address::{AddressError, Endpoint, PostgresAddress, Roots, Tls};
pub use admission::check_admission;
pub use error::PostgresError;
pub use outage::{NoticedBy, Outage};
pub use scratch::ScratchDatabase;
pub use session::{Limits, Session};
