//! Reads a secret from a file that the operator names.

use std::{
    fs::File,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// The text of a file that holds a secret, up to `longest` bytes.
///
/// # Errors
/// When it cannot be read, or others may read or write it: the reason, and what to do.
pub(super) fn read(path: &Path, longest: u64) -> Result<String, String> {
    let place = path.display();
    // A FIFO in its place must not block the start.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let remedy = format!("run `chmod 600 {place}`, and create a new one");
    if metadata.mode() & 0o007 != 0 {
        return Err(format!("everyone may read or write the file; {remedy}"));
    }
    if metadata.mode() & 0o020 != 0 {
        return Err(format!("its group may write the file; {remedy}"));
    }
    if metadata.uid() != 0 && metadata.uid() != rustix::process::geteuid().as_raw() {
        let owner = metadata.uid();
        return Err(format!(
            "it belongs to user {owner}, not to this user or root; `chown` it"
        ));
    }
    let mut text = String::new();
    let read = file.take(longest).read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    Ok(text)
}
