//! Health: whether processors keep up, and what to do if they do not.

mod assessment;
mod board;
mod warning;

pub use assessment::{Hindrance, Observed, assess};
pub use board::{Health, HealthBoard, ObservedProcessor, ProcessorHealth};
pub use warning::{Warning, WarningKind};
