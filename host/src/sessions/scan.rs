//! Finds the transcripts below the sessions directories. Opens none, so that a scan of thousands is cheap.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsStr,
    fs::Metadata,
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use rustix::fs::{Access, access};
use session_plugin_api::Timestamp;
use walkdir::{DirEntry, WalkDir};

use super::{
    this_user::name_of_this_user,
    transcript::{Scan, Transcript, Unreadable},
};
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

/// A sessions directory that cannot be scanned.
#[derive(Debug, thiserror::Error)]
#[error("cannot scan the sessions directory {}: {source}; name another directory with --sessions", folder.display())]
pub struct ScanError {
    /// The directory.
    pub folder: PathBuf,
    /// What the system says.
    pub r#source: io::Error,
}

/// Scans the sessions directories repeatedly; reports each problem there once.
#[derive(Debug)]
pub struct Scanner {
    pub(super) folders: Vec<PathBuf>,
    pub(super) depth: Depth,
    users: Users,
    this_user: OnceLock<String>,
    reported: Mutex<HashSet<PathBuf>>,
}

/// A transcript that a walk found below a sessions directory.
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Its path below the directory.
    pub(super) below: PathBuf,
    pub(super) metadata: Metadata,
}

/// What a walk found below a sessions directory.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) files: Vec<File>,
    unreadable: Vec<Unreadable>,
}

impl Scanner {
    /// Creates a scanner of these directories. If two of them hold the same key, the first one counts.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>, depth: Depth, users: Users) -> Self {
        Self {
            folders,
            depth,
            users,
            this_user: OnceLock::new(),
            reported: Mutex::default(),
        }
    }

    /// The sessions directories, as a list for people.
    #[must_use]
    pub fn named_folders(&self) -> String {
        let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        folders.join(" and ")
    }

    /// How many sessions directories there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.folders.len()
    }

    /// The sessions directories that do not exist.
    #[must_use]
    pub fn missing(&self) -> Vec<&Path> {
        let is_missing = |folder: &&Path| folder.try_exists().is_ok_and(|exists| !exists);
        self.folders.iter().map(PathBuf::as_path).filter(is_missing).collect()
    }

    /// Lists the current transcripts. A missing directory has none, and counts as unreadable.
    ///
    /// # Errors
    /// When the only directory cannot be read. The scan lists everything else that cannot be read.
    pub fn scan(&self) -> Result<Scan, ScanError> {
        let mut scan = Scan::default();
        for folder in &self.folders {
            self.scan_folder(folder, &mut scan)?;
        }
        self.report_unreadable(&scan);
        Ok(scan)
    }

    fn scan_folder(&self, folder: &Path, scan: &mut Scan) -> Result<(), ScanError> {
        let root = match folder.canonicalize().and_then(|root| root.read_dir().map(|_| root)) {
            Ok(root) => root,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.report(
                    folder,
                    "the sessions directory does not exist: there is nothing to process",
                );
                scan.unreadable.push(Unreadable {
                    path: folder.to_owned(),
                    reason: "it does not exist".to_owned(),
                });
                return Ok(());
            }
            // The other directories are scanned.
            Err(error) if self.folders.len() > 1 => {
                scan.unreadable.push(Unreadable {
                    path: folder.to_owned(),
                    reason: error.to_string(),
                });
                return Ok(());
            }
            Err(source) => {
                let folder = folder.to_owned();
                return Err(ScanError { folder, source });
            }
        };
        let mut walked = self.walk(&root);
        let project = project_of(&root, &walked.files);
        match project {
            Some(project) => self.report_project(&root, project),
            None => walked.files.retain(|file| self.lies_in_a_folder(file)),
        }
        scan.unreadable.append(&mut walked.unreadable);
        let transcripts = walked.files.into_iter().map(|file| {
            if let Err(error) = access(&file.path, Access::READ_OK) {
                scan.unreadable.extend(unreadable(&file.path, &error.into()));
            }
            self.describe(file, project)
        });
        let transcripts = transcripts.collect();
        self.add(&root, transcripts, &mut scan.transcripts);
        Ok(())
    }

    pub(super) fn walk(&self, root: &Path) -> Walked {
        let walk = WalkDir::new(root).follow_links(true).min_depth(1).sort_by_file_name();
        let walk = match self.depth {
            Depth::Flat => walk.max_depth(2),
            Depth::Recursive => walk,
        };
        let mut walked = Walked::default();
        for entry in walk.into_iter().filter_entry(|entry| self.stays_below(root, entry)) {
            self.take(root, entry, &mut walked);
        }
        walked
    }

    fn stays_below(&self, root: &Path, entry: &DirEntry) -> bool {
        if !entry.path_is_symlink() {
            return true;
        }
        let stays = leads_below(root, entry.path());
        if !stays {
            self.report(
                entry.path(),
                "a symbolic link leads out of the sessions directory: the scan does not follow it",
            );
        }
        stays
    }

    fn take(&self, root: &Path, entry: walkdir::Result<DirEntry>, walked: &mut Walked) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.leave_out(root, &error, walked),
        };
        if !entry.file_type().is_file() || entry.path().extension().is_none_or(|extension| extension != "jsonl") {
            return;
        }
        match entry.metadata() {
            Ok(metadata) => walked.files.push(File {
                below: entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned(),
                path: entry.into_path(),
                metadata,
            }),
            Err(error) => self.leave_out(root, &error, walked),
        }
    }

    fn leave_out(&self, root: &Path, error: &walkdir::Error, walked: &mut Walked) {
        let path = error.path().unwrap_or(root);
        let unreadable = error.io_error().and_then(|error| unreadable(path, error));
        match unreadable {
            Some(unreadable) => walked.unreadable.push(unreadable),
            None => self.report(path, &format!("the scan ignores it: {error}")),
        }
    }

    pub(super) fn lies_in_a_folder(&self, file: &File) -> bool {
        let lies = !file.is_direct();
        if !lies {
            self.report(&file.path, "the transcript is ignored: it must lie in a user's folder");
        }
        lies
    }

    fn report_project(&self, root: &Path, project: &OsStr) {
        let (project, user) = (project.to_string_lossy(), self.person());
        self.report(
            root,
            &format!("the sessions directory is the folder of one project: its sessions are recorded as `{project}/...`, of the user {user}"),
        );
    }

    /// Adds the transcripts of a further sessions directory, without those whose keys are there already.
    fn add(&self, root: &Path, further: Vec<Transcript>, transcripts: &mut Vec<Transcript>) {
        if transcripts.is_empty() {
            *transcripts = further;
            return;
        }
        let known: HashSet<SessionKey> = transcripts.iter().map(|known| known.session.clone()).collect();
        let is_known = |transcript: &Transcript| known.contains(&transcript.session);
        let (hidden, further): (Vec<_>, Vec<_>) = further.into_iter().partition(is_known);
        if let Some(first) = hidden.first() {
            let (count, root) = (hidden.len(), root.display());
            self.report(
                &first.path,
                &format!("the scan ignores {count} transcripts in {root}, this one first: another sessions directory holds transcripts of the same names"),
            );
        }
        transcripts.extend(further);
        transcripts.sort_by(|one, other| one.session.cmp(&other.session));
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

    pub(super) fn describe(&self, file: File, project: Option<&OsStr>) -> Transcript {
        let session = match project {
            Some(project) => key_of(&Path::new(project).join(&file.below)),
            None => key_of(&file.below),
        };
        let username = match (&self.users, project) {
            (Users::Person(_), _) | (_, Some(_)) => self.person(),
            (Users::Folders(mapped), None) => mapped.get(session.folder()).map_or(session.folder(), String::as_str),
        };
        Transcript {
            username: username.to_owned(),
            session,
            path: file.path,
            size: file.metadata.len(),
            modified: modified(&file.metadata),
            changed: timestamp(file.metadata.ctime(), file.metadata.ctime_nsec()),
        }
    }

    /// The one person whose transcripts these are.
    fn person(&self) -> &str {
        match &self.users {
            Users::Person(name) => name,
            Users::Folders(_) => self.this_user.get_or_init(name_of_this_user),
        }
    }

    fn report(&self, path: &Path, what: &str) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.insert(path.to_owned()) {
            tracing::warn!(path = %path.display(), "{what}");
        }
    }
}

impl File {
    /// Whether it lies directly in the sessions directory.
    fn is_direct(&self) -> bool {
        self.below.components().nth(1).is_none()
    }

    /// Whether it is the transcript of an agent that a session of a project started: `<session>/subagents/...`.
    fn is_of_a_subagent(&self) -> bool {
        self.below
            .components()
            .nth(1)
            .is_some_and(|folder| folder.as_os_str() == "subagents")
    }
}

/// The name of the project, if the directory is the folder of one project. It then has transcripts directly in it, and
/// no others except those of their subagents. One misplaced file in a tree of users does not make the tree a project.
pub(super) fn project_of<'a>(root: &'a Path, files: &[File]) -> Option<&'a OsStr> {
    let is_project =
        files.iter().any(File::is_direct) && files.iter().all(|file| file.is_direct() || file.is_of_a_subagent());
    root.file_name().filter(|_| is_project)
}

/// Whether a link leads to something below the directory.
pub(super) fn leads_below(root: &Path, link: &Path) -> bool {
    link.canonicalize().is_ok_and(|target| target.starts_with(root))
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
pub(super) fn key_of(path: &Path) -> SessionKey {
    let mut key = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        key.push_str(&chunk.valid().replace('\\', "\\x5C"));
        key.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    SessionKey::new(key)
}

#[cfg(test)]
mod tests {
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
