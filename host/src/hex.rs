//! Bytes as hexadecimal text, in the same form as the processors write it.

pub use session_plugin_api::hex;
