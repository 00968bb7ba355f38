//! Plugins' files, put where they belong as an operator would.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A library's name in the plugins directory: `probe.so` for `probe`.
#[must_use]
pub fn library_name(name: &str) -> String {
    format!("{name}{}", env::consts::DLL_SUFFIX)
}

/// Where a library's bytes come from.
#[derive(Clone, Copy, Debug)]
pub enum LibraryFile<'a> {
    /// A file of this path.
    At(&'a Path),
    /// These bytes.
    Bytes(&'a [u8]),
}

/// Writes a library aside and renames it into its place, so that no half of it is ever seen there.
pub fn place(library: LibraryFile<'_>, path: &Path) {
    let aside = path.with_extension("aside");
    let written = match library {
        LibraryFile::At(source) => fs::copy(source, &aside).map(drop),
        LibraryFile::Bytes(bytes) => fs::write(&aside, bytes),
    };
    written.expect("a library can be written into the plugins directory");
    set_mode(&aside, 0o755);
    fs::rename(&aside, path).expect("a library can be renamed into its place");
}

/// Sets who may read, write and execute a file or folder.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions can be set");
}

/// A folder that is there, for its owner alone to write.
pub(crate) fn make_folder(path: PathBuf) -> PathBuf {
    fs::create_dir_all(&path).expect("a folder can be made");
    set_mode(&path, 0o755);
    path
}
