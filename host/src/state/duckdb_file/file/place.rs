//! Rejects unfit paths for a state before DuckDB opens anything.
//!
//! DuckDB would wait for a pipe, write to a device, follow a link, or create an empty state where a volume is not
//! mounted.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::paths::{files_of, folder_of};
use crate::{
    clock,
    folders::make_private,
    state::error::{Result, StateError},
};

/// Rejects a state file that does not exist. If the folder cannot be read, the file may exist, and opening it decides.
///
/// # Errors
/// When it does not exist.
pub(crate) fn refuse_missing(path: &Path) -> Result<()> {
    match path.try_exists() {
        Ok(false) => Err(StateError::Missing { path: path.to_owned() }),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Rejects an open state whose file is gone, because reopening its path would create an empty state.
///
/// # Errors
/// When it is gone.
pub(crate) fn refuse_gone(path: &Path) -> Result<()> {
    match path.try_exists() {
        Ok(false) => Err(StateError::Gone { path: path.to_owned() }),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Rejects anything but a regular file at the path of the state and of the files beside it: DuckDB would wait for a
/// pipe and write to a device. The state itself may be a link, but the files beside it may not.
///
/// # Errors
/// When one of them is not a regular file.
pub(crate) fn refuse_odd_files(path: &Path) -> Result<()> {
    let [state, beside @ ..] = files_of(path);
    // A path that cannot be read is reported when it is opened.
    if fs::metadata(&state).is_ok_and(|found| !found.is_file()) {
        return Err(StateError::NotAFile { path: state });
    }
    for file in beside {
        match fs::symlink_metadata(&file) {
            // Whoever made the link would make the host write or create a file elsewhere.
            Ok(found) if found.is_symlink() => return Err(StateError::IsALink { path: file }),
            Ok(found) if !found.is_file() => return Err(StateError::NotAFile { path: file }),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Creates the folder of a state file, if it does not exist.
///
/// # Errors
/// When the system refuses.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    make_private(folder).map_err(|source| StateError::Folder {
        path: folder.to_owned(),
        source,
    })
}

/// Rejects a folder in which neither the WAL nor the backup of a checkpoint can be created. Reported at once, because
/// DuckDB's later error would point to something else.
///
/// # Errors
/// When this user may not write there.
pub(crate) fn refuse_unwritable_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    access(folder, Access::WRITE_OK).map_err(|error| StateError::of_folder(folder, error.into()))
}

/// Creates a folder for an export, named by the time.
///
/// # Errors
/// When the system refuses.
pub(crate) fn new_export_folder(exports: &Path) -> Result<PathBuf> {
    let name = clock::text_of(clock::now()).replace(':', "-");
    let folder = exports.join(name);
    let made = fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
    made.map_err(|source| StateError::Folder { path: folder, source })
}
