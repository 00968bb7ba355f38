//! A model that does what a test tells it: a real HTTP server on the loopback, which speaks both formats that the
//! verification processor knows, and misbehaves on demand.
//!
//! ```
//! use model_server::{ModelServer, Reply};
//!
//! let server = ModelServer::scripted([Reply::status(429).header("retry-after", "0"), Reply::form("{}")]);
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.requests().is_empty());
//! ```

#![allow(clippy::expect_used, reason = "a test that cannot set its scene fails, and says why")]

mod reply;
mod request;
mod server;

pub use reply::Reply;
pub use request::Request;
pub use server::ModelServer;
