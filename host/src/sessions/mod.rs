//! Finds and reads transcripts: a scan lists them, and a run opens each and reads it once.

mod discovery;
mod encoding;
mod lanes;
mod locate;
mod scan;
mod snapshot;
mod this_user;
mod transcript;

pub use discovery::{Discovery, NamedBy, Place, SessionsDirectory};
pub(crate) use encoding::decoded_utf_16;
pub use scan::{Depth, ScanError, Scanner, Users};
pub use snapshot::{OpenTranscript, Snapshot, SnapshotError, UnhashedTranscript, hash_all};
pub use this_user::name_of_this_user;
pub use transcript::{Scan, Transcript, Unreadable};
