//! Finds and reads transcripts: a scan lists them, and an attempt opens one and reads it once.

mod encoding;
mod scan;
mod snapshot;

pub use scan::{Depth, Scan, ScanError, Scanner, Transcript, Unreadable, Users};
pub use snapshot::{OpenTranscript, Snapshot, SnapshotError};
