//! Checks who may write a plugin file, because a library in the plugins directory runs with the host's rights.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Whether to load plugins that somebody other than their owner and root could have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginTrust {
    /// No: the default.
    OwnersOnly,
    /// Yes: `--allow-insecure-plugins`.
    Anyone,
}

/// Why a file or folder is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// Everyone may write it.
    #[error("everyone may write {0}: `chmod o-w` it, or pass --allow-insecure-plugins")]
    WorldWritable(String),
    /// It belongs to somebody else.
    #[error(
        "{path} belongs to user {owner}, neither to this user nor to root: `chown` it, or pass --allow-insecure-plugins"
    )]
    Foreign {
        /// The file or folder.
        path: String,
        /// The owner's number.
        owner: u32,
    },
    /// Its permissions cannot be read.
    #[error("cannot check the permissions of {path}: {source}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the system says.
        r#source: io::Error,
    },
}

const OTHERS_MAY_WRITE: u32 = 0o002;
const GROUP_MAY_WRITE: u32 = 0o020;

/// A remark: members of a group can run code with this host's rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupMayWrite;

impl GroupMayWrite {
    /// Warns of it.
    pub(super) fn warn(self, path: &Path) {
        tracing::warn!(path = %path.display(), "its group may write it: members of the group can run code with this host's rights");
    }
}

/// Checks that nobody but this user and root can have written an open file or folder, and remarks if its group may write
/// it. The path only names it in messages.
pub(super) fn check(opened: &File, path: &Path, trust: PluginTrust) -> Result<Option<GroupMayWrite>, Untrusted> {
    let metadata = refuse(opened, path, trust)?;
    let may_write = trust == PluginTrust::OwnersOnly && metadata.mode() & GROUP_MAY_WRITE != 0;
    Ok(may_write.then_some(GroupMayWrite))
}

/// Rejects a file or folder that somebody other than this user and root can have written.
pub(super) fn refuse(opened: &File, path: &Path, trust: PluginTrust) -> Result<Metadata, Untrusted> {
    let metadata = opened.metadata().map_err(|source| Untrusted::Unreadable {
        path: path.display().to_string(),
        source,
    })?;
    if trust == PluginTrust::Anyone {
        return Ok(metadata);
    }
    if metadata.mode() & OTHERS_MAY_WRITE != 0 {
        return Err(Untrusted::WorldWritable(path.display().to_string()));
    }
    if metadata.uid() != 0 && metadata.uid() != effective_user() {
        return Err(Untrusted::Foreign {
            path: path.display().to_string(),
            owner: metadata.uid(),
        });
    }
    Ok(metadata)
}

/// Whether a file belongs to this user, and nobody else may write it.
pub(super) fn is_ours(opened: &File) -> io::Result<bool> {
    let metadata = opened.metadata()?;
    Ok(metadata.uid() == effective_user() && metadata.mode() & (OTHERS_MAY_WRITE | GROUP_MAY_WRITE) == 0)
}

fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
