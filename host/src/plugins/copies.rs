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

    /// Makes a copy of these bytes if there is none yet, and opens it.
    pub(super) fn keep(&self, bytes: &[u8]) -> io::Result<Copy> {
        let name = copy_name(bytes);
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
        file.write_all(bytes)?;
        file.sync_all()?;
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
        let mut copy = Vec::with_capacity(bytes.len());
        file.read_to_end(&mut copy)?;
        Ok((copy == bytes).then_some(file))
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
