//! The secrets that the service creates for itself, in its data directory: its token, and those of the page.
//!
//! Anyone who can write the file has access. The host therefore refuses a file that the service may not have created.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::{
    ConfigError,
    api_token::{ApiToken, LONGEST, refused},
};
use crate::{folders::make_private, hex::hex, own_files};

/// The file's name in the data directory.
pub(super) const FILE: &str = "api-token";

/// The number of random bytes in a token.
const BYTES: usize = 32;

/// Reads the token; `None` if the file does not exist.
///
/// Others may be able to write to the data directory, so the opened file is checked: a token that somebody else wrote
/// would give them access to the admin interface.
pub(super) fn read(path: &Path) -> Result<Option<ApiToken>, ConfigError> {
    let place = path.display().to_string();
    let mut options = File::options();
    // A FIFO in its place must not block the start.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match options.read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(&place, why_not_opened(&error))),
    };
    let metadata = file.metadata().map_err(|error| refused(&place, error))?;
    if let Some(fault) = fault_of(&metadata, path) {
        let remedy = "remove it, and the service creates a new one at its start or on SIGHUP";
        return Err(refused(&place, format!("{fault}; {remedy}")));
    }
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| refused(&place, error))?;
    ApiToken::new(&text, &place).map(Some)
}

fn why_not_opened(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::PermissionDenied, _) => {
            format!("{error}; run the command as the service's user, or set SESSION_HOST_API_TOKEN")
        }
        (_, Some(libc::ELOOP)) => "it is a symbolic link, which the host does not follow; remove it".to_owned(),
        _ => error.to_string(),
    }
}

/// Why the service cannot have created the file.
fn fault_of(metadata: &Metadata, path: &Path) -> Option<&'static str> {
    if !metadata.is_file() {
        return Some("it is not a regular file");
    }
    if metadata.mode() & 0o077 != 0 {
        return Some("users other than its owner may read or write it");
    }
    if metadata.nlink() != 1 {
        return Some("it has a second hard link");
    }
    // Root reads the file that the service's user created. The owner of the folder controls everything in it.
    let folder = path.parent().and_then(|folder| fs::metadata(folder).ok());
    let is_trusted = metadata.uid() == rustix::process::geteuid().as_raw()
        || metadata.uid() == 0
        || folder.is_some_and(|folder| folder.uid() == metadata.uid());
    (!is_trusted).then_some("it belongs to another user")
}

/// The token. If there is none, creates one.
pub(super) fn find_or_make(path: &Path) -> Result<ApiToken, ConfigError> {
    read(path)?.map_or_else(|| make(path), Ok)
}

/// Creates a token in the place of whatever is there.
pub(super) fn replace(path: &Path) -> Result<ApiToken, ConfigError> {
    let (token, place) = (new(path)?, path.display().to_string());
    let folder = path.parent().unwrap_or(Path::new(""));
    let written = make_private(folder).and_then(|()| own_files::replace(path, format!("{token}\n").as_bytes()));
    written.map_err(|source| ConfigError::MakeToken {
        path: path.to_owned(),
        source,
    })?;
    ApiToken::new(&token, &place)
}

/// A token that no file keeps. The path is that of the file that should.
pub(super) fn in_memory(path: &Path) -> Result<ApiToken, ConfigError> {
    ApiToken::new(&new(path)?, &path.display().to_string())
}

fn new(path: &Path) -> Result<String, ConfigError> {
    let place = path.display().to_string();
    random().map_err(|error| refused(&place, format!("no random bytes are available: {error}")))
}

/// Creates a token, unless another process has created one meanwhile.
fn make(path: &Path) -> Result<ApiToken, ConfigError> {
    let (token, place) = (new(path)?, path.display().to_string());
    match write(path, &token) {
        Ok(()) => ApiToken::new(&token, &place),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| refused(&place, "it was removed while it was created; start again"))
        }
        Err(source) => Err(ConfigError::MakeToken {
            path: path.to_owned(),
            source,
        }),
    }
}

fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex(bytes))
}

/// Writes the file atomically, readable by its owner alone. An existing file is not overwritten.
fn write(path: &Path, token: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    make_private(folder)?;
    let mut file = tempfile::NamedTempFile::with_prefix_in(".api-token-", folder)?;
    writeln!(file, "{token}")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_token_is_created_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join(FILE);
        assert!(read(&path).unwrap().is_none());
        let made = make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(made.reveal().len(), 2 * BYTES);
        assert_eq!(read(&path).unwrap().unwrap().reveal(), made.reveal());
        assert_eq!(
            make(&path).unwrap().reveal(),
            made.reveal(),
            "an existing token is kept"
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn refuses_a_file_that_the_service_cannot_have_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let refusal = || read(&path).unwrap_err().to_string();
        fs::write(&path, "0123456789abcdef").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(refusal().contains("other than its owner"), "{}", refusal());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let other = folder.path().join("other");
        fs::hard_link(&path, &other).unwrap();
        assert!(refusal().contains("second hard link"), "{}", refusal());
        fs::remove_file(&path).unwrap();
        symlink(&other, &path).unwrap();
        assert!(refusal().contains("a symbolic link"), "{}", refusal());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(refusal().contains("not a regular file"), "{}", refusal());
    }
}
