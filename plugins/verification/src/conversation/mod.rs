//! Extracts the conversation from a session, and selects the part that the model gets.

mod quote;
mod turn;
mod window;
mod wrapping;

pub(crate) use quote::{Place, UserTurns};
pub(crate) use turn::{Conversation, Speaker, Turn};
pub(crate) use window::latest;
pub(crate) use wrapping::Wrapping;
