//! A transcript's lines as the agent wrote them: read leniently, lazily and without copying.
//!
//! - *Leniently*: a field that is absent or of an unexpected type is empty, and costs nothing around it. Unknown fields
//!   and types are no error, the last of repeated keys counts, and only a line that is no JSON object at all is an error.
//! - *Lazily*: what may be large stays raw [`Json`] or [`Text`], which is parsed or unescaped when asked for.
//! - *Without copying*: whatever is written without escapes is borrowed from the transcript.
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

mod content;
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

pub use content::{Block, Content, ToolResult, ToolUse};
pub use event::{Event, EventKind};
pub use json::Json;
pub(crate) use marks::{is_known, is_object};
pub use message::{Advisor, CacheCreation, Message, ServerToolUse, Usage};
pub use provenance::{ForkedFrom, Origin};
pub(crate) use splice::{Part, Parts};
pub use text::Text;
