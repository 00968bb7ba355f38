//! Health: whether processors keep up, and what to do if they do not.

mod assessment;
mod board;
mod hosts;
mod warning;

pub use assessment::{Hindrance, Observed, assess};
pub use board::{Health, HealthBoard, ObservedProcessor, ProcessorHealth};
pub use hosts::{of_different_versions, of_silent_hosts, of_this_host, of_unowned_buckets};
pub use warning::{Warning, WarningKind};
