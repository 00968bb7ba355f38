//! Sessions: the list of those that the state knows, one of them as a conversation, and what is stored of it.

mod asked;
mod costs;
mod diff;
mod entries;
pub(super) mod forget;
mod found;
pub(super) mod kept;
pub(super) mod line;
pub(super) mod list;
mod markdown;
pub(super) mod one;
mod outputs;
mod pager;
mod relatives;
pub(super) mod rows;
mod shown;
mod stored;
pub(super) mod transcripts;
