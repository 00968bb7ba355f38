//! Forgetting: the rows of a subject, what else names it, and the blocks of the file that held it.

pub(crate) mod copy;
pub(crate) mod mentions;
pub(crate) mod purge;
pub(crate) mod subject;
