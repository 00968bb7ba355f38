//! Finds the transcripts below the sessions directory.

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

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The transcripts, in the order of their keys.
    pub transcripts: Vec<Transcript>,
    /// What may hold transcripts and cannot be read. A file whose folder can be read is among the transcripts too.
    pub unreadable: Vec<Unreadable>,
}

/// A file or folder that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where it lies.
    pub path: PathBuf,
    /// What the system says.
    pub reason: String,
}

/// How many of the unreadable files and folders are named.
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

    /// The transcripts that there are now. A missing directory has none, and counts as unreadable.
    ///
    /// # Errors
    /// When the directory itself cannot be read. What cannot be read below it is told in the scan.
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
                "a symbolic link out of the sessions directory is not followed",
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
            self.report(entry.path(), "a transcript must lie in a user's folder: left alone");
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
            None => self.report(path, &format!("left out: {error}")),
        }
    }

    /// Reports what cannot be read in one line, once for each file or folder.
    fn report_unreadable(&self, scan: &Scan) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let mut has_news = false;
        for unreadable in &scan.unreadable {
            has_news |= reported.insert(unreadable.path.clone());
        }
        if has_news {
            let (count, named) = (scan.unreadable.len(), scan.named_unreadable());
            tracing::warn!(count, "what cannot be read is left out: {named}");
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

/// What hides transcripts; `None` for what has gone since it was listed, and for links that lead nowhere.
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
