//! Reads a plugin file, and checks all that can be checked without running its code.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use session_plugin_api::abi::Handshake;

use super::{
    copies::copy_name,
    folder::Folder,
    inspect::{NotAPlugin, inspect},
    permissions::{self, GroupMayWrite, PluginTrust, Untrusted},
    pins::{NotPinned, Pins},
    plugin_file::file_name,
};

/// The maximum size of a library, in bytes.
const MAX_LIBRARY: u64 = 1 << 30;

/// Why a file is rejected before any of its code runs.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRead {
    #[error("cannot read the plugin file: {0}")]
    Read(io::Error),
    #[error("it is a symbolic link: put the file itself into the plugins directory")]
    Link,
    #[error("it has {0} bytes, more than the limit of {MAX_LIBRARY}")]
    TooLarge(u64),
    #[error("it is not a regular file")]
    NoFile,
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error(transparent)]
    NotPinned(#[from] NotPinned),
    #[error(transparent)]
    NotAPlugin(#[from] NotAPlugin),
}

/// A plugin file that has passed these checks.
pub(super) struct Checked {
    /// Its content.
    pub(super) bytes: Vec<u8>,
    /// The name of its private copy, by its content.
    pub(super) copy_name: String,
    /// What it declares of its interface.
    pub(super) handshake: Handshake,
}

/// A file that was read and checked, which nobody has heard of yet.
pub(super) struct ReadFile {
    path: PathBuf,
    remark: Option<GroupMayWrite>,
    checked: Result<Checked, NotRead>,
}

impl ReadFile {
    /// Reads a file of the plugins directory and checks it. Logs nothing.
    pub(super) fn read(folder: &Folder, path: PathBuf, trust: PluginTrust, pins: &Pins) -> Self {
        let mut remark = None;
        let checked = read_trusted(folder, &path, trust, &mut remark).and_then(|bytes| check(bytes, &path, pins));
        Self { path, remark, checked }
    }

    /// The path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Logs what there is to say of its permissions, and gives what became of it.
    pub(super) fn take(self) -> Result<Checked, NotRead> {
        if let Some(remark) = self.remark {
            remark.warn(&self.path);
        }
        self.checked
    }
}

/// Reads a file of the plugins directory and checks it.
pub(super) fn read(folder: &Folder, path: &Path, trust: PluginTrust, pins: &Pins) -> Result<Checked, NotRead> {
    ReadFile::read(folder, path.to_owned(), trust, pins).take()
}

fn check(bytes: Vec<u8>, path: &Path, pins: &Pins) -> Result<Checked, NotRead> {
    pins.check(&file_name(path), &bytes)?;
    let handshake = inspect(&bytes)?;
    Ok(Checked {
        copy_name: copy_name(&bytes),
        handshake,
        bytes,
    })
}

/// Reads the file, which is opened once, so that what was checked is what is read.
fn read_trusted(
    folder: &Folder,
    path: &Path,
    trust: PluginTrust,
    remark: &mut Option<GroupMayWrite>,
) -> Result<Vec<u8>, NotRead> {
    let name = path.file_name().ok_or(NotRead::NoFile)?;
    let mut file = folder.open_file(name).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => NotRead::Link,
        _ => NotRead::Read(error),
    })?;
    let metadata = file.metadata().map_err(NotRead::Read)?;
    if !metadata.is_file() {
        return Err(NotRead::NoFile);
    }
    *remark = permissions::check(&file, path, trust)?;
    if metadata.len() > MAX_LIBRARY {
        return Err(NotRead::TooLarge(metadata.len()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(NotRead::Read)?;
    Ok(bytes)
}
