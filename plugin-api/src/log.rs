//! Logging from a plugin, with the macros of `tracing`. The host's log shows the events with the processor's name.
//!
//! ```
//! use session_plugin_api::log;
//!
//! log::info!(model = "small", "asked for {} items", 3);
//! ```

pub use tracing::{debug, error, info, trace, warn};

/// The numbers of the levels on the ABI boundary. A higher number is more detailed.
pub mod level {
    /// Something failed.
    pub const ERROR: u8 = 1;
    /// Something may be wrong.
    pub const WARN: u8 = 2;
    /// Information for operators.
    pub const INFO: u8 = 3;
    /// Details for debugging.
    pub const DEBUG: u8 = 4;
    /// Everything.
    pub const TRACE: u8 = 5;
}
