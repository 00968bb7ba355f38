//! Bytes as text, as the processors write them too.

pub use session_plugin_api::hex;
