//! The lines of a transcript: read leniently, lazily and without copying.
//!
//! The format has no specification and changes between versions of the agent, and transcripts are large. Reading is
//! therefore
//!
//! - *lenient*: a field that is absent or of an unexpected type is empty, and the fields around it are not affected. Unknown
//!   fields and types are not errors, and the last of repeated keys counts. Only a line that is not a JSON object is an
//!   error.
//! - *lazy*: large values stay raw [`Json`] or [`Text`]. They are parsed or unescaped only when you ask for it.
//! - *without copying*: text without escapes is borrowed from the transcript.
//!
//! ```
//! use session_plugin_api::transcript::{Block, Event, EventKind};
//!
//! let line = br#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","is_error":true}]}}"#;
//! let event = Event::parse(line)?;
//! assert_eq!(event.kind, EventKind::User);
//! let failed = event.message.content.blocks().into_iter().any(|block| match block {
//!     Block::ToolResult(result) => result.is_error,
//!     _ => false,
//! });
//! assert!(failed);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod call_id;
mod content;
mod context;
mod cursor;
mod escapes;
mod event;
mod json;
mod lenient;
mod marks;
mod members;
mod message;
mod progress;
#[cfg(test)]
mod properties;
mod provenance;
mod skim;
mod splice;
mod text;
mod typed;
mod utf8;

pub use call_id::is_unique_call_id;
pub use content::{Block, Content, ToolResult, ToolUse};
pub use context::Context;
pub use escapes::{unescape, unescape_into};
pub(crate) use event::EventKinds;
pub use event::{Event, EventKind};
pub use json::Json;
pub(crate) use marks::{is_known, is_object};
pub use message::{Advisor, CacheCreation, Message, ServerToolUse, Usage};
pub use provenance::{ForkedFrom, Origin};
pub(crate) use splice::{Part, Parts};
pub use text::Text;
