//! Finds the transcripts below the sessions directory. Opens none, so that a scan of thousands is cheap.

use std::{
    collections::{BTreeMap, HashSet},
    fs::Metadata,
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rustix::fs::{Access, access};
use session_plugin_api::Timestamp;
use walkdir::{DirEntry, WalkDir};

use crate::names::SessionKey;

/// How deep below the users' folders the scan looks for transcripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Directly in them: `<sessions>/<username>/*.jsonl`.
    Flat,
    /// In any folder below them.
    Recursive,
}

/// Which user a session is recorded for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Users {
    /// The first folder names the user; the map replaces some of these names.
    Folders(BTreeMap<String, String>),
    /// One person, who has all the projects in the tree.
    Person(String),
}

/// A transcript as the scan found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The session.
    pub session: SessionKey,
    /// Its path.
    pub path: PathBuf,
    /// The user that it is recorded for.
    pub username: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// When its content or attributes last changed. No program can set this time back.
    pub changed: Timestamp,
}

/// The result of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The transcripts, sorted by key.
    pub transcripts: Vec<Transcript>,
    /// Files and folders that cannot be read and may hold transcripts. An unreadable file in a readable folder is also
    /// among the transcripts.
    pub unreadable: Vec<Unreadable>,
}

/// A file or folder that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its path.
    pub path: PathBuf,
    /// What the system says.
    pub reason: String,
}

/// How many unreadable files and folders a message names.
const NAMED: usize = 3;

impl Scan {
    /// The first unreadable files and folders by name, and how many more there are.
    #[must_use]
    pub fn named_unreadable(&self) -> String {
        let named = self.unreadable.iter().take(NAMED);
        let mut named: Vec<String> = named
            .map(|unreadable| format!("{} ({})", unreadable.path.display(), unreadable.reason))
            .collect();
        if self.unreadable.len() > NAMED {
            named.push(format!("{} more", self.unreadable.len() - NAMED));
        }
        named.join(", ")
    }
}

/// A sessions directory that cannot be scanned.
#[derive(Debug, thiserror::Error)]
#[error("cannot scan the sessions directory {}: {source}; name it with --sessions", folder.display())]
pub struct ScanError {
    /// The directory.
    pub folder: PathBuf,
    /// What the system says.
    pub r#source: io::Error,
}

/// Scans one sessions directory repeatedly; reports each problem there once.
#[derive(Debug)]
pub struct Scanner {
    folder: PathBuf,
    depth: Depth,
    users: Users,
    reported: Mutex<HashSet<PathBuf>>,
}

impl Scanner {
    /// Creates a scanner of this directory.
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

    /// Lists the current transcripts. A missing directory has none, and counts as unreadable.
    ///
    /// # Errors
    /// When the directory itself cannot be read. The scan lists what cannot be read below it.
    pub fn scan(&self) -> Result<Scan, ScanError> {
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
                let missing = Unreadable {
                    path: self.folder.clone(),
                    reason: "it does not exist".to_owned(),
                };
                return Ok(Scan {
                    transcripts: Vec::new(),
                    unreadable: vec![missing],
                });
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
        let mut scan = Scan::default();
        for entry in entries {
            self.take(&root, entry, &mut scan);
        }
        self.report_unreadable(&scan);
        Ok(scan)
    }

    fn stays_below(&self, root: &Path, entry: &DirEntry) -> bool {
        if !entry.path_is_symlink() {
            return true;
        }
        let stays = entry.path().canonicalize().is_ok_and(|target| target.starts_with(root));
        if !stays {
            self.report(
                entry.path(),
                "a symbolic link leads out of the sessions directory: the scan does not follow it",
            );
        }
        stays
    }

    fn take(&self, root: &Path, entry: walkdir::Result<DirEntry>, scan: &mut Scan) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.leave_out(root, &error, scan),
        };
        if !entry.file_type().is_file() || entry.path().extension().is_none_or(|extension| extension != "jsonl") {
            return;
        }
        if entry.depth() == 1 {
            self.report(
                entry.path(),
                "the transcript is ignored: it must lie in a user's folder",
            );
            return;
        }
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return self.leave_out(root, &error, scan),
        };
        if let Err(error) = access(entry.path(), Access::READ_OK) {
            scan.unreadable.extend(unreadable(entry.path(), &error.into()));
        }
        scan.transcripts.push(self.describe(root, entry.into_path(), &metadata));
    }

    fn leave_out(&self, root: &Path, error: &walkdir::Error, scan: &mut Scan) {
        let path = error.path().unwrap_or(root);
        let unreadable = error.io_error().and_then(|error| unreadable(path, error));
        match unreadable {
            Some(unreadable) => scan.unreadable.push(unreadable),
            None => self.report(path, &format!("the scan ignores it: {error}")),
        }
    }

    /// Reports in one line what cannot be read, once for each file or folder.
    fn report_unreadable(&self, scan: &Scan) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let mut has_news = false;
        for unreadable in &scan.unreadable {
            has_news |= reported.insert(unreadable.path.clone());
        }
        if has_news {
            let (count, named) = (scan.unreadable.len(), scan.named_unreadable());
            tracing::warn!(
                count,
                "some files or folders cannot be read, so their transcripts are not processed: {named}"
            );
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

/// Describes a file or folder that may hide transcripts; `None` if it has gone since it was listed, or if it is a dead
/// link.
fn unreadable(path: &Path, error: &io::Error) -> Option<Unreadable> {
    let leads_nowhere = error.raw_os_error() == Some(libc::ELOOP);
    let hides = error.kind() != io::ErrorKind::NotFound && !leads_nowhere;
    hides.then(|| Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// When a file was last written.
pub(super) fn modified(metadata: &Metadata) -> Timestamp {
    timestamp(metadata.mtime(), metadata.mtime_nsec())
}

fn timestamp(seconds: i64, nanoseconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000).saturating_add(nanoseconds / 1_000))
}

/// Turns a path into a session key. Bytes that are not UTF-8 become `\xNN`, and so do backslashes, so that two
/// different names never give the same key.
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
    fn names_that_are_not_utf_8_get_different_keys() {
        let key = |bytes: &[u8]| key_of(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(key(b"al/caf\xe9.jsonl").as_str(), "al/caf\\xE9.jsonl");
        assert_ne!(key(b"al/\xe8.jsonl"), key(b"al/\xe9.jsonl"));
        assert_ne!(key(b"al/\\xE9.jsonl"), key(b"al/\xe9.jsonl"));
        assert_eq!(key("al/é.jsonl".as_bytes()).as_str(), "al/é.jsonl");
    }
}
