//! The sessions that the state knows.

mod asked;
pub(super) mod forget;
pub(super) mod list;
