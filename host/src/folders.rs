//! Folders that the host makes.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::Path};

/// What the mode of such a folder is: it is for its owner alone.
pub const PRIVATE: u32 = 0o700;

/// Makes a folder for its owner alone, and those above it, where they are missing.
///
/// # Errors
/// When the system refuses.
pub fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE).create(path)
}
