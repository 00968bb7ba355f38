//! Whether the host wants a session to stop, for all that waits.

#[cfg(test)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fmt, time::Duration};

use session_plugin_api::Session;

/// How often somebody who waits asks whether to stop.
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Tells whether to stop.
pub(crate) trait Cancellation {
    /// Whether the session is to be left for a later run.
    fn is_cancelled(&self) -> bool;
}

impl Cancellation for Session<'_> {
    fn is_cancelled(&self) -> bool {
        self.cancelled()
    }
}

#[cfg(test)]
impl Cancellation for AtomicBool {
    fn is_cancelled(&self) -> bool {
        self.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for dyn Cancellation + '_ {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Cancellation")
            .field(&self.is_cancelled())
            .finish()
    }
}

/// Nothing stops the session.
#[cfg(test)]
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);
