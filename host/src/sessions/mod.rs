//! Transcripts on their way into the host: scanned, then read.

mod encoding;
mod scan;
mod snapshot;

pub use scan::{Depth, Scan, ScanError, Scanner, Transcript, Unreadable, Users};
pub use snapshot::{OpenTranscript, Snapshot, SnapshotError};
