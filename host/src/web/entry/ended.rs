//! Visits that somebody has ended before their time. A file keeps them, so a restart revives none.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use session_plugin_api::Timestamp;

use super::{
    spent::{Spending, Spent},
    ticket::Ticket,
};
use crate::{
    config::{ConfigError, PageSecrets},
    own_files,
};

/// The name of the file in the data directory.
const FILE: &str = "page-ended-visits";

/// The largest size of the file.
const LARGEST: u64 = 4 << 20;

/// The visits that have ended before their time.
#[derive(Debug)]
pub(in crate::web) struct EndedVisits {
    ended: Spent,
    file: PathBuf,
    /// Held while the file is written, so that the latest contents are written last.
    writing: Mutex<()>,
}

/// Why a visit may be good again after a restart.
#[derive(Debug, thiserror::Error)]
pub(in crate::web) enum NotKept {
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
    /// The secret cannot be changed.
    #[error(transparent)]
    Secret(#[from] ConfigError),
}

impl EndedVisits {
    /// Those that the data directory knows.
    pub(in crate::web) fn of(data: &Path) -> Self {
        let file = data.join(FILE);
        let ended = match own_files::read(&file, LARGEST) {
            Ok(bytes) => Spent::read(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Spent::default(),
            Err(error) => {
                tracing::warn!(
                    "visits that have ended may be good again: cannot read {}: {error}",
                    file.display()
                );
                Spent::default()
            }
        };
        Self {
            ended,
            file,
            writing: Mutex::default(),
        }
    }

    /// Whether a visit has ended.
    pub(in crate::web) fn has(&self, ticket: &Ticket) -> bool {
        self.ended.has(ticket)
    }

    /// Ends a visit. If too many are remembered, ends all. Waits for the disk.
    ///
    /// # Errors
    /// When that cannot be kept: the visit has ended, but a restart may revive it.
    pub(in crate::web) fn end(&self, ticket: &Ticket, secrets: &PageSecrets, now: Timestamp) -> Result<(), NotKept> {
        if self.ended.spend(ticket, now) == Spending::NoRoom {
            if let Err(error) = secrets.end_every_visit() {
                // Each such ticket took a sign-in while the disk fails, so there are few.
                self.ended.spend_without_room(ticket);
                return Err(error.into());
            }
            self.ended.clear();
        }
        let _until_it_is_written = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        own_files::replace(&self.file, self.ended.text().as_bytes()).map_err(|source| NotKept::Write {
            path: self.file.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn what_has_ended_stays_ended_in_the_next_service() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = PageSecrets::start(folder.path()).unwrap();
        let ended = EndedVisits::of(folder.path());
        let [one, other] = [(); 2].map(|()| Ticket::new(clock::now(), Duration::from_secs(60)).unwrap());
        ended.end(&one, &secrets, clock::now()).unwrap();
        for ended in [&ended, &EndedVisits::of(folder.path())] {
            assert!(ended.has(&one) && !ended.has(&other));
        }
    }

    /// The visits of a folder whose file is full.
    fn full(folder: &Path) -> EndedVisits {
        let ends_at = i64::MAX;
        let lines: String = (0..10_000).map(|number| format!("{ends_at} {number}\n")).collect();
        std::fs::write(folder.join(FILE), lines).unwrap();
        EndedVisits::of(folder)
    }

    #[test]
    fn a_visit_ends_even_if_nothing_can_be_remembered_or_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let secrets = PageSecrets::start(&data).unwrap();
        let ended = full(&data);
        // A file in the place of the folder.
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::write(&data, "").unwrap();
        let ticket = Ticket::new(clock::now(), Duration::from_secs(60)).unwrap();
        assert!(ended.end(&ticket, &secrets, clock::now()).is_err());
        assert!(ended.has(&ticket));
    }

    #[test]
    fn more_than_can_be_remembered_end_every_visit() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = PageSecrets::start(folder.path()).unwrap();
        let before = secrets.of_visits();
        let ended = full(folder.path());
        let ticket = Ticket::new(clock::now(), Duration::from_secs(60)).unwrap();
        ended.end(&ticket, &secrets, clock::now()).unwrap();
        assert!(!secrets.of_visits().matches(before.reveal().as_bytes()));
        assert_eq!(std::fs::read(folder.path().join(FILE)).unwrap(), b"");
    }
}
