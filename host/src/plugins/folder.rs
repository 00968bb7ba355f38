//! Folders and files that are opened once: what was checked is what is read, whoever swaps names meanwhile.

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

/// A folder that is open. What lies in it is named by its name there, and a link is never followed.
pub(super) struct Folder {
    path: PathBuf,
    handle: File,
}

impl Folder {
    /// Opens a folder that the operator names, who may do so by a link.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            path: path.to_owned(),
            handle: rustix::fs::open(path, flags, Mode::empty())?.into(),
        })
    }

    /// As [`open`](Self::open); makes it, for its owner alone, where it is missing.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        make_private(path)?;
        Self::open(path)
    }

    /// Opens a folder in this one, and makes it, for its owner alone, where it is missing.
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

    /// Where it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses it where others than this user and root can change it.
    pub(super) fn refuse(&self, trust: PluginTrust) -> Result<(), Untrusted> {
        refuse(&self.handle, &self.path, trust).map(drop)
    }

    /// As [`refuse`](Self::refuse), and warns of what its group may do.
    pub(super) fn check(&self, trust: PluginTrust) -> Result<(), Untrusted> {
        check(&self.handle, &self.path, trust)
    }

    /// The names in it.
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

    /// Opens a file in it for reading. One that would be waited for, such as a pipe, is not.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        self.open_entry(name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// Makes a file in it, for its owner alone. There must be nothing of this name.
    pub(super) fn make_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Gives what lies in it another name, in place of what may have had that.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes a file from it; that there is none is as good.
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
