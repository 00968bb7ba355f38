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

use crate::{own_files, state::DUCKDB};

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
    /// The reports that passed their trial; `None` if nobody has tried them.
    #[serde(default)]
    pub(super) reports: Option<PassedReports>,
}

/// The reports of a library that passed their trial. The others are tried each time, because tables of other processors
/// may make a difference to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PassedReports {
    /// The versions of the host and of DuckDB that tried them.
    by: String,
    /// The names of the reports, with the filters of each.
    filters: BTreeMap<String, Vec<String>>,
}

impl PassedReports {
    /// What this host found.
    pub(super) fn found(filters: BTreeMap<String, Vec<String>>) -> Self {
        Self {
            by: tried_by(),
            filters,
        }
    }
}

impl Passed {
    /// The reports that this version of the host has tried, with their filters; `None` if it has tried none.
    pub(super) fn tried_reports(&self) -> Option<&BTreeMap<String, Vec<String>>> {
        let reports = self.reports.as_ref().filter(|reports| reports.by == tried_by());
        reports.map(|reports| &reports.filters)
    }
}

/// The versions on which the trial of a report depends.
fn tried_by() -> String {
    format!("session-host {} with DuckDB {DUCKDB}", env!("CARGO_PKG_VERSION"))
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

    /// Remembers which reports of a library have passed.
    pub(super) fn remember_reports(&mut self, copy: &str, reports: PassedReports) {
        let known = self
            .passed(copy)
            .filter(|passed| passed.reports.as_ref() != Some(&reports));
        if let Some(passed) = known.cloned() {
            let reports = Some(reports);
            self.remember(copy, Passed { reports, ..passed });
        }
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
            reports: None,
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
    fn the_next_start_knows_the_reports_that_passed_with_this_version() {
        let data = tempfile::tempdir().unwrap();
        let mut trials = Trials::in_data_directory(data.path());
        let filters = BTreeMap::from([("daily".to_owned(), vec!["since".to_owned()])]);
        trials.remember("a.so", passed("usage"));
        assert_eq!(trials.passed("a.so").unwrap().tried_reports(), None);
        trials.remember_reports("a.so", PassedReports::found(filters.clone()));
        let mut again = Trials::in_data_directory(data.path());
        assert_eq!(again.passed("a.so").unwrap().tried_reports(), Some(&filters));
        let by = "an earlier version".to_owned();
        again.remember_reports("a.so", PassedReports { by, filters });
        assert_eq!(again.passed("a.so").unwrap().tried_reports(), None);
    }

    #[test]
    fn a_file_of_an_earlier_version_is_read() {
        let data = tempfile::tempdir().unwrap();
        let earlier = r#"{"a.so": {"processor": "usage", "output_version": 2}}"#;
        fs::write(data.path().join(FILE), earlier).unwrap();
        let trials = Trials::in_data_directory(data.path());
        assert_eq!(trials.passed("a.so"), Some(&passed("usage")));
    }

    #[test]
    fn a_damaged_file_counts_as_none() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE), "{\"a.so\": 3").unwrap();
        assert_eq!(Trials::in_data_directory(data.path()).passed("a.so"), None);
    }
}
