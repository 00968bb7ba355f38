//! The private copies that libraries are loaded from, each named by the hash of its content.
//!
//! If the host loaded a library directly from the plugins directory, copying a new file over it would change the
//! running code. Besides, the system does not load the same path twice.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    folder::Folder,
    permissions::{PluginTrust, Untrusted, is_ours},
};
use crate::hex::hex;

/// The folder of the private copies. It belongs to this user, and nobody else may write it.
pub(super) struct Copies {
    folder: Folder,
}

/// An open copy, so that the bytes that were compared are the ones that are loaded.
pub(super) struct Copy {
    /// Its name: the hash of its content.
    pub(super) name: String,
    /// Its path.
    pub(super) path: PathBuf,
    /// The open file.
    pub(super) file: File,
}

/// Why there is no folder for copies.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoCopies {
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Copy {
    /// The same copy, open once more.
    pub(super) fn duplicate(&self) -> io::Result<Self> {
        Ok(Self {
            name: self.name.clone(),
            path: self.path.clone(),
            file: self.file.try_clone()?,
        })
    }

    /// The SHA-256 of the content, in hexadecimal digits.
    pub(super) fn digest(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }
}

/// Whether a file holds these bytes.
fn holds(file: &mut File, bytes: &[u8]) -> io::Result<bool> {
    // A buffer for the whole file would cost more than the comparison, because the system clears every page of it.
    let mut buffer = vec![0; 256 << 10];
    let mut rest = bytes;
    loop {
        let read = file.read(&mut buffer)?;
        match (read, rest.split_at_checked(read)) {
            (0, _) => return Ok(rest.is_empty()),
            (_, Some((expected, after))) if *expected == buffer[..read] => rest = after,
            _ => return Ok(false),
        }
    }
}

/// The name of the copy of these bytes.
pub(super) fn copy_name(bytes: &[u8]) -> String {
    format!("{}{}", hex(Sha256::digest(bytes)), std::env::consts::DLL_SUFFIX)
}

impl Copies {
    /// Opens the copies in the host's data directory. Missing folders are created, for this user alone.
    pub(super) fn in_data_directory(data: &Path, trust: PluginTrust) -> Result<Self, NoCopies> {
        let data = Folder::make(data)?;
        data.check(trust)?;
        let folder = data.make_within("plugin-copies")?;
        folder.check(trust)?;
        Ok(Self { folder })
    }

    /// Makes a copy of these bytes, whose [`copy_name`] is given, if there is none yet, and opens it.
    pub(super) fn keep(&self, name: String, bytes: &[u8]) -> io::Result<Copy> {
        let file = match self.open(&name, bytes) {
            Ok(Some(file)) => file,
            // A copy that a crash of the system damaged, or that is not this user's, is replaced.
            Ok(None) | Err(_) => self.make(&name, bytes)?,
        };
        Ok(Copy {
            path: self.folder.path().join(&name),
            name,
            file,
        })
    }

    fn make(&self, name: &str, bytes: &[u8]) -> io::Result<File> {
        let aside = format!("{name}.{}.aside", std::process::id());
        self.folder.remove(aside.as_ref())?;
        let mut file = self.folder.make_file(&aside)?;
        // Nothing waits for the disk: a copy that a crash of the system damages is replaced at the next start.
        file.write_all(bytes)?;
        self.folder.rename(&aside, name)?;
        let changed = || io::Error::other("another process is changing the copies in the data directory");
        self.open(name, bytes)?.ok_or_else(changed)
    }

    /// Opens a copy; `None` if its content differs, or if others may write it.
    fn open(&self, name: &str, bytes: &[u8]) -> io::Result<Option<File>> {
        let mut file = self.folder.open_file(name.as_ref())?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() != bytes.len() as u64 || !is_ours(&file)? {
            return Ok(None);
        }
        Ok(holds(&mut file, bytes)?.then_some(file))
    }

    /// Removes the copies that nothing uses any more.
    pub(super) fn remove_all_but(&self, used: &HashSet<&str>) -> io::Result<()> {
        let is_used = |name: &OsStr| name.to_str().is_some_and(|name| used.contains(name));
        let names = self.folder.names()?;
        names
            .iter()
            .filter(|name| !is_used(name))
            .try_for_each(|name| self.folder.remove(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies(data: &Path) -> Copies {
        let Ok(copies) = Copies::in_data_directory(data, PluginTrust::OwnersOnly) else {
            panic!("there is no folder for copies")
        };
        copies
    }

    #[test]
    fn a_copy_that_differs_anywhere_is_replaced() {
        let data = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..600_000_u32).map(|number| number as u8).collect();
        let kept = copies(data.path()).keep(copy_name(&bytes), &bytes).unwrap();
        let mut shorter = bytes.clone();
        shorter.pop();
        let differing = |place: usize| {
            let mut differing = bytes.clone();
            differing[place] ^= 1;
            differing
        };
        let damaged = [
            differing(0),
            differing(300_000),
            differing(599_999),
            shorter,
            Vec::new(),
        ];
        for damaged in damaged {
            std::fs::write(&kept.path, damaged).unwrap();
            drop(copies(data.path()).keep(copy_name(&bytes), &bytes).unwrap());
            assert!(std::fs::read(&kept.path).unwrap() == bytes);
        }
    }
}
