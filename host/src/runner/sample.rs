//! A session for the tests of this folder.

use std::sync::Arc;

use session_plugin_api::Timestamp;

use super::{
    candidates::{Candidate, Reason},
    flight::Flight,
    prepared::ReadTranscript,
};
use crate::{
    names::{FileHash, SessionKey},
    sessions::Transcript,
    state::{PluginVersion, Seen},
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

/// The session, as it was read.
pub(super) fn read() -> ReadTranscript {
    ReadTranscript {
        seen: seen(),
        bytes: Vec::new(),
    }
}
