//! The password from the password file, by the rules of libpq.
//!
//! DuckDB's extension lets libpq read the file. This reads it in the same way, so that one file serves both.

use std::{
    env,
    fs::File,
    io::{ErrorKind, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    address::{Endpoint, PostgresAddress},
    error::PostgresError,
};

/// The longest password file that is read.
const LONGEST: u64 = 1 << 20;

/// The folder of sockets for which a password file says `localhost`.
const USUAL_SOCKETS: &str = "/tmp";

/// The file with the password: the one of the address, else that of PGPASSFILE, else `~/.pgpass`.
pub(super) fn file(address: &PostgresAddress) -> Option<PathBuf> {
    let named = || {
        env::var_os("PGPASSFILE")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let usual = || env::home_dir().map(|home| home.join(".pgpass"));
    address.passfile.clone().or_else(named).or_else(usual)
}

/// The password for this address, if the file has one.
pub(super) fn find(address: &PostgresAddress) -> Result<Option<Vec<u8>>, PostgresError> {
    let Some(path) = file(address) else {
        return Ok(None);
    };
    let unreadable = |reason| PostgresError::PasswordFile {
        file: path.clone(),
        reason,
    };
    match read(&path) {
        Ok(text) => Ok(password_in(&text, &fields_of(address))),
        // Somebody who names a file means it to be there.
        Err(Unreadable::Missing) if address.passfile.is_none() => Ok(None),
        Err(Unreadable::Missing) => Err(unreadable("there is none".to_owned())),
        Err(Unreadable::Other(reason)) => Err(unreadable(reason)),
    }
}

/// The line of a password file that gives this password wherever it is asked for.
pub(super) fn line_of_any_server(password: &[u8]) -> Vec<u8> {
    let mut line = b"*:*:*:*:".to_vec();
    for byte in password {
        if matches!(byte, b'\\' | b':') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.push(b'\n');
    line
}

enum Unreadable {
    Missing,
    Other(String),
}

fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    // A FIFO in its place must not block the start.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unreadable::Missing,
        _ => Unreadable::Other(error.to_string()),
    })?;
    let other = |error: std::io::Error| Unreadable::Other(error.to_string());
    let metadata = file.metadata().map_err(other)?;
    if !metadata.is_file() {
        return Err(Unreadable::Other("it is not a regular file".to_owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        let place = path.display();
        return Err(Unreadable::Other(format!(
            "others may read or write it; run `chmod 0600 {place}`"
        )));
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).map_err(other)?;
    Ok(text)
}

/// What the first four fields of a line must match: host, port, database and user.
fn fields_of(address: &PostgresAddress) -> [String; 4] {
    let host = match &address.endpoint {
        Endpoint::Socket { folder, .. } if folder == USUAL_SOCKETS => "localhost",
        endpoint => endpoint.host(),
    };
    let port = address.endpoint.port().to_string();
    [host.to_owned(), port, address.database.clone(), address.user.clone()]
}

/// The password of the first line that matches.
fn password_in(text: &[u8], fields: &[String; 4]) -> Option<Vec<u8>> {
    let lines = text
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    lines.find_map(|line| {
        let password = fields
            .iter()
            .try_fold(line, |rest, field| after(rest, field.as_bytes()))?;
        Some(without_escapes(password))
    })
}

/// What follows the first field of a line and its colon, if the field matches.
fn after<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut rest = line;
    for byte in field {
        rest = rest.strip_prefix(b"\\").unwrap_or(rest).strip_prefix(&[*byte])?;
    }
    rest.strip_prefix(b":")
}

fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter().copied().peekable();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match (byte, bytes.peek()) {
            (b'\\', Some(_)) => bytes.next().unwrap_or(byte),
            _ => byte,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        text.replace('\\', r"\\").replace(':', r"\:")
    }

    fn found(text: &str, fields: [&str; 4]) -> Option<String> {
        let password = password_in(text.as_bytes(), &fields.map(str::to_owned));
        password.map(|password| String::from_utf8(password).unwrap())
    }

    proptest! {
        #[test]
        fn a_line_that_somebody_escapes_is_found(
            fields in prop::array::uniform4("[^\\n\\r*#][^\\n\\r]{0,8}"),
            password in "[^\\n\\r]{0,12}",
        ) {
            let line = fields.clone().map(|field| escaped(&field)).join(":");
            let text = format!("# a comment\n\nother:*:*:*:no\n{line}:{}\r\n*:*:*:*:last\n", escaped(&password));
            prop_assume!(fields[0] != "other");
            prop_assert_eq!(found(&text, fields.each_ref().map(String::as_str)), Some(password));
        }
    }

    proptest! {
        #[test]
        fn a_password_that_is_written_is_found(password in "[^\\n\\r]{0,12}") {
            let line = String::from_utf8(line_of_any_server(password.as_bytes())).unwrap();
            prop_assert_eq!(found(&line, ["db", "5432", "a", "me"]), Some(password));
        }
    }

    #[test]
    fn the_first_line_that_matches_counts() {
        let text = "db:5432:a:me:one\ndb:*:*:me:two\n*:*:*:*:three\n";
        assert_eq!(found(text, ["db", "5432", "a", "me"]).as_deref(), Some("one"));
        assert_eq!(found(text, ["db", "5433", "a", "me"]).as_deref(), Some("two"));
        assert_eq!(found(text, ["db", "5432", "a", "you"]).as_deref(), Some("three"));
        assert_eq!(found("db:5432:a:me", ["db", "5432", "a", "me"]), None);
        assert_eq!(found("db*:*:*:*:x", ["dbx", "1", "a", "me"]), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        let mut address: PostgresAddress = "postgres://me@db/a".parse().unwrap();
        address.passfile = Some(path.clone());
        assert!(find(&address).unwrap_err().to_string().contains("there is none"));
        fs::write(&path, "db:5432:a:me:secret\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = find(&address).unwrap_err().to_string();
        assert!(error.contains("chmod 0600") && !error.contains("secret"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(find(&address).unwrap().as_deref(), Some(&b"secret"[..]));
    }
}
