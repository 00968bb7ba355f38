//! Copies of sources, from which cargo builds in the target directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use crate::documentation::repository;

/// The text of a file.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder.
pub(crate) fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = WalkDir::new(folder).into_iter();
    let paths = entries.map(|entry| entry.expect("the repository can be read").into_path());
    paths.filter(|path| path.is_file())
}

/// Leaves a file alone that is as it should be, so that cargo has nothing to build anew.
pub(crate) fn write_where_it_differs(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return;
    }
    let folder = path.parent().expect("a file lies in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.expect("a copy can be written");
}

/// Gives a copy of a workspace the lock file of this one, so that it needs no package that is not there.
pub(crate) fn lock(copy: &Path) {
    let lock = copy.join("Cargo.lock");
    if !lock.exists() {
        write_where_it_differs(&lock, &read(&repository().join("Cargo.lock")));
    }
}
