//! Pins: which content plugin files must have, by their digests in a lock file.
//!
//! The lock file is read at every load and reload, so that a pin counts as soon as the operator has written it.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::permissions::{PluginTrust, Untrusted, refuse};
use crate::hex::hex;

/// Where the pins are, and what becomes of a file without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinning {
    /// The file that holds the pins.
    pub lock: LockFile,
    /// What becomes of a plugin file without a pin.
    pub unpinned: Unpinned,
}

/// The file that holds the pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockFile {
    /// The configuration names this file, so it must exist.
    Named(PathBuf),
    /// It is where it lies by default. It may be missing; then no file has a pin.
    Usual(PathBuf),
}

/// What becomes of a plugin file without a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpinned {
    /// It is loaded.
    Loaded,
    /// It is rejected.
    Rejected,
}

/// The SHA-256 of a plugin file, as `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileDigest(String);

/// A text that is no [`FileDigest`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no digest: it must be `sha256:` and 64 hex digits")]
pub struct InvalidDigest(String);

/// The pins of plugin files, by the names of the files.
pub type Pinned = BTreeMap<String, FileDigest>;

/// Why the lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The configuration names a file that does not exist.
    #[error("there is no file {} with the digests of the plugins: write it with `session-host processors --lock`, or correct `digests`", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read the digests of the plugins in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
    /// Others may write it.
    #[error("the digests of the plugins are not trusted: {0}")]
    Untrusted(Untrusted),
    /// It is not what `processors --lock` writes.
    #[error("{}, line {line}: {message}; correct the line, or remove the file and run `session-host processors --lock`", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It cannot be written.
    #[error("cannot write the digests of the plugins to {}: {source}; run the command as a user who may write there, or set `digests` to another path", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
}

impl From<Untrusted> for LockError {
    fn from(error: Untrusted) -> Self {
        Self::Untrusted(error)
    }
}

/// Why a file does not have the digest that it must have.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotPinned {
    /// It has another one.
    #[error(
        "its digest is {found}, but {lock} pins {pinned}: put the pinned file back, or, if this is the file that you want, run `session-host processors --lock`; then reload"
    )]
    Other {
        found: FileDigest,
        pinned: FileDigest,
        lock: String,
    },
    /// There is no pin for it.
    #[error(
        "its digest is {found}, and {lock} has no pin for it, as `require_digests` demands: if this is a file that you want, run `session-host processors --lock`, else remove it; then reload"
    )]
    Unpinned { found: FileDigest, lock: String },
}

/// The pins in force.
pub(super) struct Pins {
    pinned: Pinned,
    unpinned: Unpinned,
    lock: String,
}

/// The lock file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    #[serde(default)]
    plugins: Pinned,
}

const HEAD: &str = "# session-host loads a plugin file that stands here only if it has this digest.\n# `session-host processors --lock` writes this file.\n\n";

/// Everyone may read the lock file, because the service may run as another user than the one who writes it.
const MODE: u32 = 0o644;

impl LockFile {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Usual(path) => path,
        }
    }

    /// The pins in it; none if it does not exist.
    ///
    /// # Errors
    /// When it cannot be read or is not trusted.
    pub fn pinned(&self, trust: PluginTrust) -> Result<Pinned, LockError> {
        Ok(read(self.path(), trust)?.unwrap_or_default())
    }

    /// Replaces its content by these pins.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, pinned: Pinned) -> Result<(), LockError> {
        let path = self.path();
        let written = toml::to_string(&Lock { plugins: pinned })
            .map_err(io::Error::other)
            .and_then(|text| replace(path, &format!("{HEAD}{text}")));
        written.map_err(|source| LockError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut aside = tempfile::NamedTempFile::new_in(folder)?;
    aside.write_all(text.as_bytes())?;
    aside.as_file().set_permissions(Permissions::from_mode(MODE))?;
    aside.as_file().sync_all()?;
    aside.persist(path)?;
    Ok(())
}

/// The pins in a lock file; `None` if there is none.
fn read(path: &Path, trust: PluginTrust) -> Result<Option<Pinned>, LockError> {
    let unread = |source| LockError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unread)?,
    };
    refuse(&file, path, trust)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unread)?;
    match toml::from_str::<Lock>(&text) {
        Ok(lock) => Ok(Some(lock.plugins)),
        Err(error) => {
            let begins = error.span().map_or(0, |span| text.floor_char_boundary(span.start));
            Err(LockError::Parse {
                path: path.to_owned(),
                line: text[..begins].matches('\n').count() + 1,
                message: error.message().to_owned(),
            })
        }
    }
}

impl Pins {
    /// Reads the lock file. Without pinning there are no pins.
    pub(super) fn read(pinning: Option<&Pinning>, trust: PluginTrust) -> Result<Self, LockError> {
        let Some(Pinning { lock, unpinned }) = pinning else {
            return Ok(Self {
                pinned: Pinned::new(),
                unpinned: Unpinned::Loaded,
                lock: String::new(),
            });
        };
        let pinned = match (read(lock.path(), trust)?, lock) {
            (Some(pinned), _) => pinned,
            (None, LockFile::Usual(_)) => Pinned::new(),
            (None, LockFile::Named(path)) => return Err(LockError::Missing(path.clone())),
        };
        Ok(Self {
            pinned,
            unpinned: *unpinned,
            lock: lock.path().display().to_string(),
        })
    }

    /// Checks the content of a file against its pin.
    pub(super) fn check(&self, file: &str, bytes: &[u8]) -> Result<(), NotPinned> {
        let pinned = self.pinned.get(file);
        if pinned.is_none() && self.unpinned == Unpinned::Loaded {
            return Ok(());
        }
        let (found, lock) = (FileDigest::of(bytes), self.lock.clone());
        match pinned {
            Some(pinned) if *pinned == found => Ok(()),
            Some(pinned) => Err(NotPinned::Other {
                found,
                pinned: pinned.clone(),
                lock,
            }),
            None => Err(NotPinned::Unpinned { found, lock }),
        }
    }
}

impl FileDigest {
    fn of(bytes: &[u8]) -> Self {
        Self::from_hex(&hex(Sha256::digest(bytes)))
    }

    /// The digest with these hex digits.
    pub(super) fn from_hex(digits: &str) -> Self {
        Self(format!("{PREFIX}{digits}"))
    }
}

const PREFIX: &str = "sha256:";

impl fmt::Display for FileDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for FileDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digits = text.strip_prefix(PREFIX).unwrap_or_default();
        match digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            true => Ok(Self::from_hex(&digits.to_ascii_lowercase())),
            false => Err(InvalidDigest(text.to_owned())),
        }
    }
}

impl TryFrom<String> for FileDigest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<FileDigest> for String {
    fn from(digest: FileDigest) -> Self {
        digest.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let lock = LockFile::Usual(folder.path().join("plugins.lock"));
        assert_eq!(lock.pinned(PluginTrust::OwnersOnly).unwrap(), Pinned::new());
        let pinned = Pinned::from([("usage.so".to_owned(), FileDigest::of(b"usage"))]);
        lock.write(pinned.clone()).unwrap();
        assert_eq!(lock.pinned(PluginTrust::OwnersOnly).unwrap(), pinned);
        let text = fs::read_to_string(lock.path()).unwrap();
        assert!(text.contains("[plugins]\n\"usage.so\" = \"sha256:"), "{text}");
    }

    #[test]
    fn a_line_that_holds_no_digest_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let lock = LockFile::Usual(folder.path().join("plugins.lock"));
        fs::write(lock.path(), "[plugins]\n\"usage.so\" = \"sha256:12\"\n").unwrap();
        let error = lock.pinned(PluginTrust::OwnersOnly).unwrap_err().to_string();
        assert!(
            error.contains("plugins.lock, line 2: `sha256:12` is no digest"),
            "{error}"
        );
    }

    #[test]
    fn digests_are_compared_whatever_the_case_of_their_digits() {
        let digest = FileDigest::of(b"usage");
        let text = digest.to_string();
        let capitals = format!("{PREFIX}{}", text[PREFIX.len()..].to_ascii_uppercase());
        assert_eq!(capitals.parse::<FileDigest>().unwrap(), digest);
        for invalid in [&text[PREFIX.len()..], "sha256:", "md5:00", ""] {
            assert!(invalid.parse::<FileDigest>().is_err(), "{invalid}");
        }
    }
}
