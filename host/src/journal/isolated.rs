//! The plugins that ended the host: what must not run in this process again, until the file changes or the operator says so.
//!
//! One line of JSON stands for one content of a plugin's file. An operator who deletes a line, or the whole file, lets the
//! plugin back in. The file holds hashes of attempts instead of sessions' names, so `forget` leaves nothing in it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::{
    ending::Crash,
    slot::Stage,
    work::{AttemptOf, Plugin},
};
use crate::{
    clock::{self, text_of},
    hex::hex,
};

/// The file's name in the data directory.
pub const FILE: &str = "crashed-plugins.jsonl";

/// How many bytes of the file are read.
const MOST_BYTES: u64 = 16 << 20;

/// How many contents of files are kept, the latest ones.
const MOST_ENTRIES: usize = 1000;

/// How many attempts of one content are kept. Each has ended the host.
const MOST_ATTEMPTS: usize = 10_000;

/// The plugins that ended the host.
#[derive(Clone, Debug, Default)]
pub struct Isolated {
    path: PathBuf,
    entries: Vec<Isolation>,
}

/// One content of a plugin's file that ended the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    digest: String,
    file: String,
    processor: Option<String>,
    since: String,
    stage: Stage,
    reason: String,
    /// What each attempt that ended the host did, by the hash of the attempt.
    #[serde(default)]
    attempts: BTreeMap<String, String>,
}

impl Isolated {
    /// Reads the list in the data directory. What cannot be read counts as nothing, and the log tells it.
    #[must_use]
    pub fn read(data: &Path) -> Self {
        let path = data.join(FILE);
        let mut text = Vec::new();
        match File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let path = path.display();
                tracing::warn!("cannot read {path}, so plugins that ended the host are loaded again: {error}");
            }
        }
        let mut entries = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(entry) => entries.push(entry),
                Err(error) => tracing::warn!("a line of {} cannot be read: {error}", path.display()),
            }
        }
        Self { path, entries }
    }

    /// Why a file of this content must not run in this process; `None` if it may.
    #[must_use]
    pub fn reason_for(&self, digest: &str) -> Option<&str> {
        self.find(digest).map(|entry| &*entry.reason)
    }

    /// What is kept of a file of this content.
    #[must_use]
    pub fn of(&self, digest: &str) -> Option<Isolation> {
        self.find(digest).cloned()
    }

    fn find(&self, digest: &str) -> Option<&Isolation> {
        self.entries.iter().find(|entry| entry.digest == digest)
    }

    /// Adds a crash, and writes the list.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn add(&mut self, crash: &Crash) -> io::Result<()> {
        let place = self
            .entries
            .iter()
            .position(|entry| *entry.digest == *crash.plugin.digest);
        let mut entry = place.map_or_else(|| Isolation::of(crash), |place| self.entries.remove(place));
        entry.take(crash);
        self.entries.push(entry);
        let surplus = self.entries.len().saturating_sub(MOST_ENTRIES);
        self.entries.drain(..surplus);
        self.write()
    }

    /// Adds a plugin that did not end the host, and must not run in it any more all the same.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn note(&mut self, plugin: &Plugin, reason: &str) -> io::Result<()> {
        if self.find(&plugin.digest).is_some() {
            return Ok(());
        }
        self.entries.push(Isolation {
            digest: plugin.digest.to_string(),
            file: plugin.file.to_string(),
            processor: None,
            since: text_of(clock::now()),
            stage: Stage::Attempt,
            reason: reason.to_owned(),
            attempts: BTreeMap::new(),
        });
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut aside = NamedTempFile::with_prefix_in(".crashed-plugins", folder)?;
        for entry in &self.entries {
            serde_json::to_writer(&mut aside, entry)?;
            aside.write_all(b"\n")?;
        }
        aside.as_file().sync_all()?;
        aside.persist(&self.path)?;
        fs::File::open(folder)?.sync_all()
    }
}

impl Isolation {
    fn of(crash: &Crash) -> Self {
        Self {
            digest: crash.plugin.digest.to_string(),
            file: crash.plugin.file.to_string(),
            processor: None,
            since: text_of(crash.at),
            stage: match crash.attempt {
                Some(_) => Stage::Attempt,
                None => crash.stage,
            },
            reason: crash.reason(),
            attempts: BTreeMap::new(),
        }
    }

    fn take(&mut self, crash: &Crash) {
        let Some(attempt) = &crash.attempt else {
            // What cannot be loaded is worse than what cannot be attempted.
            (self.stage, self.reason) = (crash.stage, crash.reason());
            return;
        };
        self.processor = Some(attempt.processor.to_string());
        if self.attempts.len() < MOST_ATTEMPTS {
            self.attempts.insert(key_of(attempt.of()), crash.reason());
        }
    }

    /// What it did, and when.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Why the file is not loaded at all; `None` if only attempts ended the host.
    #[must_use]
    pub fn rejection(&self) -> Option<&str> {
        (self.stage != Stage::Attempt).then_some(&self.reason)
    }

    /// Why this version of a session is not attempted in this process; `None` if it may be.
    #[must_use]
    pub fn refusal(&self, attempt: AttemptOf<'_>) -> Option<&str> {
        if self.attempts.is_empty() {
            return None;
        }
        self.attempts.get(&key_of(attempt)).map(String::as_str)
    }
}

fn key_of(attempt: AttemptOf<'_>) -> String {
    let mut digest = Sha256::new();
    for part in [
        attempt.processor.as_str(),
        attempt.session.as_str(),
        attempt.hash.as_str(),
    ] {
        digest.update(part.len().to_ne_bytes());
        digest.update(part);
    }
    hex(digest.finalize())
}

#[cfg(test)]
mod tests {
    use session_plugin_api::Timestamp;

    use super::{
        super::{ending::Ending, work::LeftAttempt, work::Plugin},
        *,
    };
    use crate::names::{FileHash, SessionKey};

    fn crash(digest: &str, session: Option<&str>) -> Crash {
        let attempt = session.map(|session| LeftAttempt {
            processor: "probe".parse().unwrap(),
            session: SessionKey::new(session),
            username: "alice".to_owned(),
            hash: FileHash::from_hex("00ff"),
        });
        Crash {
            plugin: Plugin::new(Path::new("probe.so"), digest),
            stage: match attempt {
                Some(_) => Stage::Attempt,
                None => Stage::Configure,
            },
            attempt,
            ending: Ending::Signal(libc::SIGSEGV),
            at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn attempts_that_ended_the_host_are_refused_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut isolated = Isolated::read(folder.path());
        for session in ["alice/a.jsonl", "alice/b.jsonl"] {
            isolated.add(&crash("ab12", Some(session))).unwrap();
        }
        let read = Isolated::read(folder.path());
        let told = "an attempt ended the host with SIGSEGV at 1970-01-01T00:00:00Z";
        assert_eq!(read.reason_for("ab12"), Some(told));
        assert_eq!(read.reason_for("cd34"), None);
        let isolation = read.of("ab12").unwrap();
        assert_eq!(isolation.rejection(), None);
        let attempt = crash("ab12", Some("alice/b.jsonl")).attempt.unwrap();
        assert_eq!(isolation.refusal(attempt.of()), Some(told));
        let changed = LeftAttempt {
            hash: FileHash::from_hex("11ff"),
            ..attempt
        };
        assert_eq!(isolation.refusal(changed.of()), None);
    }

    #[test]
    fn a_file_that_ended_the_host_while_it_was_loaded_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let mut isolated = Isolated::read(folder.path());
        isolated.add(&crash("ab12", Some("alice/a.jsonl"))).unwrap();
        isolated.add(&crash("ab12", None)).unwrap();
        let isolation = Isolated::read(folder.path()).of("ab12").unwrap();
        assert!(
            isolation
                .rejection()
                .unwrap()
                .starts_with("its `configure` ended the host")
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut isolated = Isolated::read(folder.path());
        isolated.add(&crash("ab12", None)).unwrap();
        let path = folder.path().join(FILE);
        let kept = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{{\"digest\":\n\u{0}\n{kept}{}", &kept[..20])).unwrap();
        assert!(Isolated::read(folder.path()).reason_for("ab12").is_some());
    }
}
