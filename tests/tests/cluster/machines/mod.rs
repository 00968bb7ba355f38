//! The machines among themselves, against a real PostgreSQL: each is a real connection with a thread of its own.

mod connecting;
mod fencing;
mod outages;
mod requests;
pub(crate) mod scene;
mod sharing;
mod take_overs;
