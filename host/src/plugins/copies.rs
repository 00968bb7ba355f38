//! The private copies that libraries are loaded from, each named by the hash of its content.
//!
//! A library that is loaded from the plugins directory itself would change under the running code when someone copies
//! over it, and a file of the same path is not loaded twice.

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

/// The folder of the private copies: it belongs to this user, and nobody else may write it.
pub(super) struct Copies {
    folder: Folder,
}

/// A copy that is open. What was compared is what is loaded.
pub(super) struct Copy {
    /// Its name, which tells the content.
    pub(super) name: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// The copy itself.
    pub(super) file: File,
}

/// Why there is no place for copies.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoCopies {
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Copies {
    /// The copies in the host's data directory. Folders that are missing are made, for this user alone.
    pub(super) fn in_data_directory(data: &Path, trust: PluginTrust) -> Result<Self, NoCopies> {
        let data = Folder::make(data)?;
        data.check(trust)?;
        let folder = data.make_within("plugin-copies")?;
        folder.check(trust)?;
        Ok(Self { folder })
    }

    /// Makes the copy of these bytes, unless it is there, and opens it.
    pub(super) fn keep(&self, bytes: &[u8]) -> io::Result<Copy> {
        let hash = hex(Sha256::digest(bytes));
        let name = format!("{hash}{}", std::env::consts::DLL_SUFFIX);
        let file = match self.open(&name, bytes) {
            Ok(Some(file)) => file,
            // One that an interrupted system left damaged, or that is not this user's, gives way.
            Ok(None) | Err(_) => self.make(&hash, &name, bytes)?,
        };
        Ok(Copy {
            path: self.folder.path().join(&name),
            name,
            file,
        })
    }

    fn make(&self, hash: &str, name: &str, bytes: &[u8]) -> io::Result<File> {
        let aside = format!("{hash}.{}.aside", std::process::id());
        self.folder.remove(aside.as_ref())?;
        let mut file = self.folder.make_file(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.folder.rename(&aside, name)?;
        let changed = || io::Error::other("another process changes the copies in the data directory");
        self.open(name, bytes)?.ok_or_else(changed)
    }

    /// Opens a copy; `None` where it is another content, or others may write it.
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

    /// Removes the copies that nothing uses.
    pub(super) fn remove_all_but(&self, used: &HashSet<&str>) -> io::Result<()> {
        let is_used = |name: &OsStr| name.to_str().is_some_and(|name| used.contains(name));
        let names = self.folder.names()?;
        names
            .iter()
            .filter(|name| !is_used(name))
            .try_for_each(|name| self.folder.remove(name))
    }
}
