//! Writes rows: the one writer, the transactions of attempts, and the rows of reference tables.

pub(crate) mod reference;
pub(crate) mod rules;
pub(crate) mod transaction;
pub(crate) mod writer;
