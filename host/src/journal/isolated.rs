//! The plugins that ended the host, or hung in it: they run in worker processes until the file changes or the operator says so.
//!
//! One line of JSON stands for one content of a plugin's file. An operator who deletes a line, or the whole file, lets the
//! plugin back into the host.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{ending::Crash, slot::Stage, work::Plugin};
use crate::{
    clock::{self, text_of},
    own_files,
};

/// The file's name in the data directory.
pub const FILE: &str = "crashed-plugins.jsonl";

/// How many bytes of the file are read.
const MOST_BYTES: u64 = 16 << 20;

/// How many contents of files are kept, the latest ones.
const MOST_ENTRIES: usize = 1000;

/// The plugins that ended the host.
#[derive(Clone, Debug, Default)]
pub struct Isolated {
    path: PathBuf,
    entries: Vec<Isolation>,
}

/// One content of a plugin's file that ended the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Isolation {
    digest: String,
    file: String,
    processor: Option<String>,
    since: String,
    stage: Stage,
    reason: String,
}

impl Isolated {
    /// Reads the list in the data directory. What cannot be read counts as nothing, and the log tells it.
    #[must_use]
    pub fn read(data: &Path) -> Self {
        let path = data.join(FILE);
        let text = own_files::read(&path, MOST_BYTES).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let path = path.display();
                tracing::warn!("cannot read {path}, so plugins that ended the host are loaded again: {error}");
            }
            Vec::new()
        });
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
        if let Some(place) = place {
            self.entries.remove(place);
        }
        self.entries.push(Isolation::of(crash));
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
            processor: crash.attempt.as_ref().map(|attempt| attempt.processor.to_string()),
            since: text_of(crash.at),
            stage: match crash.attempt {
                Some(_) => Stage::Attempt,
                None => crash.stage,
            },
            reason: crash.reason(),
        }
    }
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
    fn a_content_that_ended_the_host_is_known_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut isolated = Isolated::read(folder.path());
        isolated.add(&crash("ab12", Some("alice/a.jsonl"))).unwrap();
        isolated
            .note(&Plugin::new(Path::new("slow.so"), "ef56"), "it hung")
            .unwrap();
        let read = Isolated::read(folder.path());
        let told = "an attempt ended the host with SIGSEGV at 1970-01-01T00:00:00Z";
        assert_eq!(read.reason_for("ab12"), Some(told));
        assert_eq!(read.reason_for("ef56"), Some("it hung"));
        assert_eq!(read.reason_for("cd34"), None);
    }

    #[test]
    fn the_last_crash_of_a_content_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut isolated = Isolated::read(folder.path());
        isolated.add(&crash("ab12", Some("alice/a.jsonl"))).unwrap();
        isolated.add(&crash("ab12", None)).unwrap();
        let read = Isolated::read(folder.path());
        assert!(
            read.reason_for("ab12")
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
