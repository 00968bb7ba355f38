//! Finds the transcripts below the sessions directory.

use std::{
    collections::{BTreeMap, HashSet},
    fs::Metadata,
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use session_plugin_api::Timestamp;
use walkdir::{DirEntry, WalkDir};

use crate::names::SessionKey;

/// How far below the users' folders transcripts are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Directly in them: `<sessions>/<username>/*.jsonl`.
    Flat,
    /// In any folder below them.
    Recursive,
}

/// Whom sessions are recorded for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Users {
    /// The name of the first folder, or what it is mapped to.
    Folders(BTreeMap<String, String>),
    /// One person: the tree is of that person's projects.
    Person(String),
}

/// A transcript as the scan found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The session.
    pub session: SessionKey,
    /// Where it lies.
    pub path: PathBuf,
    /// The user that it is recorded for.
    pub username: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// When its content or its attributes were last changed: no program can set this time back.
    pub changed: Timestamp,
}

/// A sessions directory that cannot be scanned.
#[derive(Debug, thiserror::Error)]
#[error("scan the sessions directory {}: {source}; name it with --sessions", folder.display())]
pub struct ScanError {
    /// The directory.
    pub folder: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Scans one sessions directory, again and again; what is amiss there is reported once.
#[derive(Debug)]
pub struct Scanner {
    folder: PathBuf,
    depth: Depth,
    users: Users,
    reported: Mutex<HashSet<PathBuf>>,
}

impl Scanner {
    /// A scanner of this directory.
    #[must_use]
    pub fn new(folder: PathBuf, depth: Depth, users: Users) -> Self {
        Self {
            folder,
            depth,
            users,
            reported: Mutex::default(),
        }
    }

    /// The sessions directory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The transcripts that there are now, in the order of their keys. A missing directory has none.
    ///
    /// # Errors
    /// When the directory itself cannot be read. What cannot be read below it is reported and left out.
    pub fn scan(&self) -> Result<Vec<Transcript>, ScanError> {
        let root = match self
            .folder
            .canonicalize()
            .and_then(|root| root.read_dir().map(|_| root))
        {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.report(
                    &self.folder,
                    "the sessions directory does not exist: there is nothing to process",
                );
                return Ok(Vec::new());
            }
            Err(source) => {
                return Err(ScanError {
                    folder: self.folder.clone(),
                    source,
                });
            }
        };
        let walk = WalkDir::new(&root).follow_links(true).min_depth(1).sort_by_file_name();
        let walk = match self.depth {
            Depth::Flat => walk.max_depth(2),
            Depth::Recursive => walk,
        };
        let entries = walk.into_iter().filter_entry(|entry| self.stays_below(&root, entry));
        let found = entries.filter_map(|entry| self.transcript(&root, entry)).collect();
        Ok(found)
    }

    fn stays_below(&self, root: &Path, entry: &DirEntry) -> bool {
        if !entry.path_is_symlink() {
            return true;
        }
        let stays = entry.path().canonicalize().is_ok_and(|target| target.starts_with(root));
        if !stays {
            self.report(
                entry.path(),
                "a symbolic link out of the sessions directory is not followed",
            );
        }
        stays
    }

    fn transcript(&self, root: &Path, entry: walkdir::Result<DirEntry>) -> Option<Transcript> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                self.report(error.path().unwrap_or(root), &format!("left out: {error}"));
                return None;
            }
        };
        if !entry.file_type().is_file() || entry.path().extension().is_none_or(|extension| extension != "jsonl") {
            return None;
        }
        if entry.depth() == 1 {
            self.report(entry.path(), "a transcript must lie in a user's folder: left alone");
            return None;
        }
        match entry.metadata() {
            Ok(metadata) => Some(self.describe(root, entry.into_path(), &metadata)),
            Err(error) => {
                self.report(entry.path(), &format!("left out: {error}"));
                None
            }
        }
    }

    fn describe(&self, root: &Path, path: PathBuf, metadata: &Metadata) -> Transcript {
        let session = key_of(path.strip_prefix(root).unwrap_or(&path));
        let username = match &self.users {
            Users::Person(name) => name.clone(),
            Users::Folders(mapped) => mapped
                .get(session.folder())
                .map_or(session.folder(), String::as_str)
                .to_owned(),
        };
        Transcript {
            username,
            session,
            path,
            size: metadata.len(),
            modified: modified(metadata),
            changed: timestamp(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn report(&self, path: &Path, what: &str) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.insert(path.to_owned()) {
            tracing::warn!(path = %path.display(), "{what}");
        }
    }
}

/// When a file was last written.
pub(super) fn modified(metadata: &Metadata) -> Timestamp {
    timestamp(metadata.mtime(), metadata.mtime_nsec())
}

fn timestamp(seconds: i64, nanoseconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000).saturating_add(nanoseconds / 1_000))
}

/// A path as a session key; bytes that are no UTF-8 stand as `\xNN`, and so do backslashes, so that two names never
/// become one.
fn key_of(path: &Path) -> SessionKey {
    let mut key = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        key.push_str(&chunk.valid().replace('\\', "\\x5C"));
        key.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    SessionKey::new(key)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn names_that_are_no_text_stay_apart() {
        let key = |bytes: &[u8]| key_of(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(key(b"al/caf\xe9.jsonl").as_str(), "al/caf\\xE9.jsonl");
        assert_ne!(key(b"al/\xe8.jsonl"), key(b"al/\xe9.jsonl"));
        assert_ne!(key(b"al/\\xE9.jsonl"), key(b"al/\xe9.jsonl"));
        assert_eq!(key("al/é.jsonl".as_bytes()).as_str(), "al/é.jsonl");
    }
}
