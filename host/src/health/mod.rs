//! Health: whether processors keep up, and what to do where they do not.

mod assessment;
mod board;

pub use assessment::{Hindrance, Observed, Warning, WarningKind, assess};
pub use board::{Health, HealthBoard, ObservedProcessor, ProcessorHealth};
