//! What was said in a session, and what of it the model is given.

mod quote;
mod turn;
mod window;
mod wrapping;

pub(crate) use quote::{Place, UserTurns};
pub(crate) use turn::{Conversation, Speaker, Turn};
pub(crate) use window::latest;
pub(crate) use wrapping::Wrapping;
