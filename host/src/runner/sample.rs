//! A session for the tests of this folder.

use std::sync::Arc;

use session_plugin_api::{Concurrency, Migration, Timestamp};

use super::{
    candidates::{Candidate, Reason},
    flight::Flight,
    prepared::ReadTranscript,
    shared_transaction::SharedTransaction,
    tables::Tables,
};
use crate::{
    names::{FileHash, ProcessorName, SessionKey},
    sessions::{Snapshot, Transcript},
    shared_memory::TranscriptBytes,
    state::{Before, DeclaredTables, Destination, Encounters, PluginVersion, Seen, State},
};

/// The session, in flight.
pub(super) fn flight() -> Arc<Flight> {
    Flight::begin(candidate())
}

/// The session, which a run is to attempt.
pub(super) fn candidate() -> Candidate {
    let transcript = Transcript {
        session: SessionKey::new("alice/a.jsonl"),
        username: "alice".to_owned(),
        path: "alice/a.jsonl".into(),
        size: 0,
        modified: Timestamp::from_micros(0),
        changed: Timestamp::from_micros(0),
    };
    Candidate {
        transcript,
        reason: Reason::Outdated,
        earlier: None,
    }
}

/// The version of the plugin that attempts it.
pub(super) fn plugin_version() -> PluginVersion {
    PluginVersion {
        output: 1,
        digest: "aa".to_owned(),
    }
}

/// The version of it that the host read.
pub(super) fn seen() -> Seen {
    Seen {
        session: SessionKey::new("alice/a.jsonl"),
        username: "alice".to_owned(),
        hash: FileHash::from_hex("d41d8cd98f00b204e9800998ecf8427e"),
        size: 0,
        modified: Timestamp::from_micros(0),
        read_at: Timestamp::from_micros(0),
    }
}

/// A snapshot of so many bytes.
pub(super) fn snapshot(size: usize) -> Arc<Snapshot> {
    Arc::new(Snapshot {
        bytes: TranscriptBytes::Own(vec![0; size]),
        hash: FileHash::from_hex("d41d8cd98f00b204e9800998ecf8427e"),
        size: size as u64,
        modified: Timestamp::from_micros(0),
        read_at: Timestamp::from_micros(0),
    })
}

/// The session, as it was read.
pub(super) fn read() -> ReadTranscript {
    ReadTranscript::new(&candidate().transcript, snapshot(0))
}

/// A state with the table `notes`, to which the processor `probe` writes.
pub(super) fn tables(state: State, concurrency: Concurrency) -> Tables {
    let processor: ProcessorName = "probe".parse().unwrap();
    let migrations = [Migration::new(1, "create notes", "CREATE TABLE notes (n BIGINT)")];
    let declared = DeclaredTables {
        processor: &processor,
        migrations: &migrations,
        session_tables: &[],
    };
    state.prepare_processor(declared).unwrap();
    Tables {
        rules: state.statement_rules(&processor).unwrap(),
        destination: Destination {
            processor,
            plugin: plugin_version(),
            tables: Vec::new(),
            before: Before::unknown(),
            encounters: Encounters::default(),
            guard: None,
        },
        state: Arc::new(state),
        concurrency,
        shared: SharedTransaction::default(),
    }
}
