//! Logging from a plugin: the macros of `tracing`, whose events arrive in the host's log with the processor's name.
//!
//! ```
//! use session_plugin_api::log;
//!
//! log::info!(model = "small", "asked for {} items", 3);
//! ```

pub use tracing::{debug, error, info, trace, warn};

/// The numbers by which levels cross the border: the higher, the more detailed.
pub mod level {
    /// Something failed.
    pub const ERROR: u8 = 1;
    /// Something may be wrong.
    pub const WARN: u8 = 2;
    /// What an operator wants to know.
    pub const INFO: u8 = 3;
    /// What helps to find a fault.
    pub const DEBUG: u8 = 4;
    /// Everything.
    pub const TRACE: u8 = 5;
}
