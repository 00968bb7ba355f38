//! The folders that the host creates.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::Path};

/// The mode of such a folder: only its owner has access.
pub const PRIVATE: u32 = 0o700;

/// Creates a folder and its missing parents, with access for their owner alone.
///
/// # Errors
/// When the system refuses.
pub fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE).create(path)
}
