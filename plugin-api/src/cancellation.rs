//! How long an attempt may go on, and whether it should.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use abi_stable::std_types::RBox;

use crate::abi::RawCancellation_TO;

/// Tells an attempt how long it may go on.
pub(crate) trait Cancellation: Sync {
    /// The time until the host abandons the attempt; `None` if that is not known.
    fn time_left(&self) -> Option<Duration>;

    /// Whether the attempt should stop.
    fn is_cancelled(&self) -> bool;
}

impl Cancellation for RawCancellation_TO<'_, RBox<()>> {
    fn time_left(&self) -> Option<Duration> {
        match RawCancellation_TO::time_left(self) {
            u64::MAX => None,
            nanoseconds => Some(Duration::from_nanos(nanoseconds)),
        }
    }

    fn is_cancelled(&self) -> bool {
        RawCancellation_TO::is_cancelled(self)
    }
}

impl Cancellation for AtomicBool {
    fn time_left(&self) -> Option<Duration> {
        None
    }

    fn is_cancelled(&self) -> bool {
        self.load(Ordering::Relaxed)
    }
}
