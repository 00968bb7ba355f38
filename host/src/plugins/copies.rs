//! The private copies that libraries are loaded from, each named by the hash of its content.
//!
//! A library that is loaded from the plugins directory itself would change under the running code when someone copies
//! over it, and a file of the same path is not loaded twice.

use std::{
    collections::HashSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// The folder of the private copies.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    folder: PathBuf,
}

impl Copies {
    /// The copies in the host's data directory.
    pub(super) fn in_data_directory(data: &Path) -> Self {
        Self {
            folder: data.join("plugin-copies"),
        }
    }

    /// Makes the copy of these bytes, unless it is there, and gives its canonical path.
    pub(super) fn keep(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        make_private_folder(&self.folder)?;
        let digest = Sha256::digest(bytes);
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.folder.join(format!("{name}{}", std::env::consts::DLL_SUFFIX));
        // A copy that an interrupted system left damaged would crash the host when it is opened.
        if fs::read(&path).is_ok_and(|copy| copy == bytes) {
            return path.canonicalize();
        }
        let aside = self.folder.join(format!("{name}.{}.aside", std::process::id()));
        let mut file = fs::File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, &path)?;
        path.canonicalize()
    }

    /// Removes the copies that nothing uses.
    pub(super) fn remove_all_but(&self, used: &HashSet<&Path>) -> io::Result<()> {
        let Ok(folder) = self.folder.canonicalize() else {
            return Ok(());
        };
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !used.contains(path.as_path()) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
