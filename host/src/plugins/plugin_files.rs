//! The files of the plugins directory, which are read and checked ahead of their loading.
//!
//! A start hashes every file. It does so while it opens the state, and while it prepares the tables of the file before.
//!
//! # Threads
//! One thread reads the files in their order. At most [`WAITING`] of them wait to be taken, so that a large directory is
//! not in memory at once. The thread ends when it has read all, or when nobody takes any more.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
};

use super::{
    folder::Folder,
    permissions::{PluginTrust, Untrusted},
    pins::Pins,
    reading::{Checked, NotRead, ReadFile, read},
};
use crate::threads;

/// How many files may wait.
const WAITING: usize = 4;

/// The files of the plugins directory.
pub struct PluginFiles {
    source: Arc<Source>,
    candidates: Vec<PathBuf>,
    ahead: Receiver<ReadFile>,
}

/// Where the files are, and what they must fulfil.
struct Source {
    folder: Folder,
    trust: PluginTrust,
    pins: Pins,
}

impl PluginFiles {
    /// These libraries of a directory. Those that are `wanted` are read from now on.
    pub(super) fn of(
        folder: Folder,
        trust: PluginTrust,
        pins: Pins,
        candidates: Vec<PathBuf>,
        wanted: Vec<PathBuf>,
    ) -> Self {
        let source = Arc::new(Source { folder, trust, pins });
        let (sender, ahead) = sync_channel(WAITING);
        let of_thread = Arc::clone(&source);
        let read_ahead = move || {
            let read = |path| ReadFile::read(&of_thread.folder, path, of_thread.trust, &of_thread.pins);
            for path in wanted {
                if sender.send(read(path)).is_err() {
                    return;
                }
            }
        };
        // Without the thread, whoever takes a file reads it.
        let _ = threads::start("plugin-read", read_ahead);
        Self {
            source,
            candidates,
            ahead,
        }
    }

    /// The libraries, sorted by name.
    pub(super) fn candidates(&self) -> &[PathBuf] {
        &self.candidates
    }

    /// Rejects the directory if anybody but this user and root can change it, and warns if its group can.
    pub(super) fn check_folder(&self) -> Result<(), Untrusted> {
        self.source.folder.check(self.source.trust)
    }

    /// A file with its content. The wanted ones are taken in their order.
    pub(super) fn take(&self, path: &Path) -> Result<Checked, NotRead> {
        match self.ahead.recv() {
            Ok(ahead) if ahead.path() == path => ahead.take(),
            _ => read(&self.source.folder, path, self.source.trust, &self.source.pins),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn files_of(folder: &Path, names: &[String]) -> PluginFiles {
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        for path in &paths {
            fs::write(path, "no library").unwrap();
        }
        let pins = Pins::read(None, PluginTrust::Anyone).unwrap();
        let opened = Folder::open(folder).unwrap();
        PluginFiles::of(opened, PluginTrust::Anyone, pins, paths.clone(), paths)
    }

    #[test]
    fn files_are_taken_in_their_order_or_read_when_they_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..3 * WAITING).map(|number| format!("{number:02}.so")).collect();
        let files = files_of(folder.path(), &names);
        for path in files.candidates() {
            assert!(
                matches!(files.take(path), Err(NotRead::NotAPlugin(_))),
                "{}",
                path.display()
            );
        }
        // Nothing waits any more.
        let [first, ..] = files.candidates() else {
            panic!("there is no candidate")
        };
        assert!(matches!(files.take(first), Err(NotRead::NotAPlugin(_))));
        assert!(matches!(
            files.take(&folder.path().join("gone.so")),
            Err(NotRead::Read(_))
        ));
    }
}
