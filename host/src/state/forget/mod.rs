//! Forgets a subject: deletes its rows, its names elsewhere, and the blocks of the file that held it.

pub(crate) mod deletion;
pub(crate) mod mentions;
pub(crate) mod purge;
