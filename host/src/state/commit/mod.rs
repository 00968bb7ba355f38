//! Writes rows: the one writer, the transactions of attempts, and the rows of reference tables.

pub(crate) mod before;
pub(crate) mod destination;
pub(crate) mod executed;
pub(crate) mod guard;
pub(crate) mod reference;
mod rows;
pub(crate) mod rules;
pub(crate) mod session;
mod states;
#[cfg(test)]
mod tests;
pub(crate) mod transaction;
pub(crate) mod transaction_error;
mod transaction_id;
mod write;
pub(crate) mod writer;
