//! Whether a place is fit for a state: what is refused before DuckDB opens anything.
//!
//! DuckDB would wait for a pipe, write to a device, follow a link, or make an empty state where a volume is not mounted.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::paths::{exports_of, files_of, folder_of};
use crate::{
    clock,
    folders::make_private,
    state::error::{Result, StateError},
};

/// Refuses a state file that is not there. A folder that may not be looked into may well hold it: opening it tells.
///
/// # Errors
/// When there is none.
pub(crate) fn refuse_missing(path: &Path) -> Result<()> {
    match path.try_exists() {
        Ok(false) => Err(StateError::Missing { path: path.to_owned() }),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Refuses to go on where the file of an open state is gone: what opened its path would make an empty state.
///
/// # Errors
/// When it is gone.
pub(crate) fn refuse_gone(path: &Path) -> Result<()> {
    match path.try_exists() {
        Ok(false) => Err(StateError::Gone { path: path.to_owned() }),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Refuses what is no file in the place of the state or of what belongs to it: a pipe would be waited for, and a device
/// would be written to. The state itself may be a link, what lies beside it may not.
///
/// # Errors
/// When there is such a thing.
pub(crate) fn refuse_odd_files(path: &Path) -> Result<()> {
    let [state, beside @ ..] = files_of(path);
    // What cannot be looked at is told by whoever opens it.
    if fs::metadata(&state).is_ok_and(|found| !found.is_file()) {
        return Err(StateError::NotAFile { path: state });
    }
    for file in beside {
        match fs::symlink_metadata(&file) {
            // Whoever made it would have the host write, or make, a file elsewhere.
            Ok(found) if found.is_symlink() => return Err(StateError::IsALink { path: file }),
            Ok(found) if !found.is_file() => return Err(StateError::NotAFile { path: file }),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Makes the folder of a state file, where there is none.
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

/// Without the right to write there, neither the WAL nor the backup of a checkpoint can be made: said at once,
/// since what DuckDB says of it later tells of something else.
///
/// # Errors
/// When this user may not write there.
pub(crate) fn refuse_unwritable_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    access(folder, Access::WRITE_OK).map_err(|error| StateError::of_folder(folder, error.into()))
}

/// Makes a folder for an export, named by the time.
///
/// # Errors
/// When the system refuses.
pub(crate) fn new_export_folder(state: &Path) -> Result<PathBuf> {
    let name = clock::text_of(clock::now()).replace(':', "-");
    let folder = exports_of(state).join(name);
    let made = fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
    made.map_err(|source| StateError::Folder { path: folder, source })
}
