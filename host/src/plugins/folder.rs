//! Folders and files that the host opens only once, so that it reads what it checked, even if somebody swaps names
//! meanwhile.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags},
    io::Errno,
};

use super::permissions::{PluginTrust, Untrusted, check, refuse};
use crate::folders::{PRIVATE, make_private};

/// An open folder. Its entries are opened by their names in it, and links are never followed.
pub(super) struct Folder {
    path: PathBuf,
    handle: File,
}

impl Folder {
    /// Opens a folder that the operator names; that path may be a link.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            path: path.to_owned(),
            handle: rustix::fs::open(path, flags, Mode::empty())?.into(),
        })
    }

    /// Like [`open`](Self::open), but creates a missing folder, for its owner alone.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        make_private(path)?;
        Self::open(path)
    }

    /// Opens a folder in this one; creates a missing one, for its owner alone.
    pub(super) fn make_within(&self, name: &str) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.handle, name, Mode::from_raw_mode(PRIVATE)) {
            Err(Errno::EXIST) => {}
            made => made?,
        }
        Ok(Self {
            path: self.path.join(name),
            handle: self.open_entry(name.as_ref(), OFlags::RDONLY | OFlags::DIRECTORY)?,
        })
    }

    /// The path by which it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Rejects the folder if anybody but this user and root can change it.
    pub(super) fn refuse(&self, trust: PluginTrust) -> Result<(), Untrusted> {
        refuse(&self.handle, &self.path, trust).map(drop)
    }

    /// Like [`refuse`](Self::refuse), and warns if its group may write it.
    pub(super) fn check(&self, trust: PluginTrust) -> Result<(), Untrusted> {
        if let Some(remark) = check(&self.handle, &self.path, trust)? {
            remark.warn(&self.path);
        }
        Ok(())
    }

    /// The names of its entries.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Opens a file in it for reading. Never waits, even if the file is a pipe.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        self.open_entry(name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// Creates a file in it, for its owner alone. Fails if the name exists.
    pub(super) fn make_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Renames an entry, and replaces what has the new name.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes a file from it; succeeds if there is none.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    fn open_entry(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?.into())
    }
}
