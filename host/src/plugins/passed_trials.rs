//! Which libraries have passed their trial: they were opened, described and configured in a worker process.
//!
//! A library that is new is tried in a worker before the host opens it, so that one that crashes or hangs never reaches the
//! host. The data directory remembers each library that passed, by its digest: a start with known files tries none again.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::own_files;

/// The libraries that have passed.
pub(super) struct Trials {
    file: PathBuf,
    passed: BTreeMap<String, Passed>,
}

/// What the trial of a library told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Passed {
    /// The name of its processor.
    pub(super) processor: String,
    /// The output version of its processor.
    pub(super) output_version: u32,
}

/// Its name in the data directory.
pub const FILE: &str = "plugin-trials.json";

/// How many bytes of the file are read.
const MOST_BYTES: u64 = 16 << 20;

impl Trials {
    /// The trials that the data directory remembers. A file that cannot be read counts as none.
    pub(super) fn in_data_directory(data: &Path) -> Self {
        let file = data.join(FILE);
        let bytes = own_files::read(&file, MOST_BYTES).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let file = file.display();
                tracing::warn!("cannot read {file}, so the host tries every plugin in a worker again: {error}");
            }
            Vec::new()
        });
        let passed = serde_json::from_slice(&bytes).ok();
        Self {
            file,
            passed: passed.unwrap_or_default(),
        }
    }

    /// What the trial of a library told, if it has passed.
    pub(super) fn passed(&self, copy: &str) -> Option<&Passed> {
        self.passed.get(copy)
    }

    /// Remembers that a library has passed.
    pub(super) fn remember(&mut self, copy: &str, passed: Passed) {
        self.passed.insert(copy.to_owned(), passed);
        if let Err(error) = self.write() {
            let file = self.file.display();
            tracing::warn!("cannot write {file}, so the next start tries the plugin in a worker again: {error}");
        }
    }

    /// Forgets all libraries but these.
    pub(super) fn forget_all_but(&mut self, is_used: impl Fn(&str) -> bool) {
        let known = self.passed.len();
        self.passed.retain(|copy, _| is_used(copy));
        if self.passed.len() < known {
            // A library that stays remembered without need does no harm.
            let _ = self.write();
        }
    }

    fn write(&self) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut aside = tempfile::NamedTempFile::new_in(folder)?;
        aside.write_all(&serde_json::to_vec_pretty(&self.passed)?)?;
        aside.persist(&self.file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn passed(processor: &str) -> Passed {
        Passed {
            processor: processor.to_owned(),
            output_version: 2,
        }
    }

    #[test]
    fn the_next_start_knows_what_has_passed() {
        let data = tempfile::tempdir().unwrap();
        let mut trials = Trials::in_data_directory(data.path());
        assert_eq!(trials.passed("a.so"), None);
        trials.remember("a.so", passed("usage"));
        trials.remember("b.so", passed("errors"));
        let mut again = Trials::in_data_directory(data.path());
        assert_eq!(again.passed("a.so"), Some(&passed("usage")));
        again.forget_all_but(|copy| copy == "b.so");
        let later = Trials::in_data_directory(data.path());
        assert_eq!(
            (later.passed("a.so"), later.passed("b.so")),
            (None, Some(&passed("errors")))
        );
    }

    #[test]
    fn a_damaged_file_counts_as_none() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE), "{\"a.so\": 3").unwrap();
        assert_eq!(Trials::in_data_directory(data.path()).passed("a.so"), None);
    }
}
