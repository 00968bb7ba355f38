//! The summary for status bars: what today and the open block of five hours cost.
//!
//! A status bar asks every few seconds. If it opened the state, a run would find the state in use. So each run that changes
//! the figures writes them into a small file, and the status line reads that file alone.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread::{self, ScopedJoinHandle},
};

use jiff::{civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use session_plugin_api::Timestamp;

use crate::{
    clock,
    config::Settings,
    own_files,
    plugins::Catalogue,
    reports::{AskedReport, Question, ReportError, ReportResult, value},
    state::{QueryLimits, Reader},
    threads,
    zone::Zone,
};

/// The name of the file, in the data directory.
pub const SUMMARY_FILE: &str = "summary.json";

/// The processor whose reports have the figures.
pub const SUMMARY_PROCESSOR: &str = "usage";

/// The report of days, and the report of blocks.
const REPORTS: [&str; 2] = ["usage.daily", "usage.blocks"];

/// The file is smaller than this, in bytes.
const LARGEST: u64 = 64 << 10;

/// The figures, and when they were true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// When they were true.
    pub written_at: String,
    /// The day in the time zone of the settings, such as `2026-11-29`.
    pub day: String,
    /// What the day cost by then, in USD.
    pub day_cost_usd: f64,
    /// The block that was open; `None` if none was, or those of several users.
    pub block: Option<OpenBlock>,
}

/// A block of five hours that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenBlock {
    /// When it ends.
    pub ends_at: String,
    /// What it cost so far, in USD.
    pub cost_usd: f64,
}

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// A report has no answer.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The file cannot be read or written.
    #[error("cannot {doing} {}: {source}; make room there, or let this user read and write it", path.display())]
    File {
        /// What was to be done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        r#source: io::Error,
    },
}

impl Summary {
    /// The figures of now. Each report has a reader of its own, so that they are computed side by side.
    ///
    /// # Errors
    /// When a report has no answer, for example because the processor is not loaded.
    pub fn of(
        catalogue: &Catalogue,
        settings: &Settings,
        reader: impl Fn() -> Result<Reader, ReportError> + Sync,
    ) -> Result<Self, ReportError> {
        let run = |name: &str, last: &str| {
            let reader = reader()?;
            let asked = AskedReport {
                last: Some(last.to_owned()),
                ..AskedReport::default()
            };
            Question::of(catalogue, settings, &reader, name, &asked, QueryLimits::NONE)?.figures()
        };
        let [daily, blocks] = REPORTS;
        let now = clock::now();
        let of_today = || run(daily, "1d");
        let (daily, blocks) = thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(threads::STACK);
            let daily = thread.spawn_scoped(scope, of_today);
            // A block may have begun yesterday.
            let blocks = run(blocks, "2d");
            (daily.map_or_else(|_| of_today(), joined), blocks)
        });
        Ok(Self {
            written_at: clock::text_of(now),
            day: day_of(now, &settings.timezone),
            day_cost_usd: daily?.total("cost_usd").unwrap_or(0.0),
            block: open_block(&blocks?),
        })
    }

    /// Reads the summary; `None` if there is none yet.
    ///
    /// # Errors
    /// When it cannot be read. A file that is no summary counts as none: the next run replaces it.
    pub fn read(data: &Path) -> Result<Option<Self>, SummaryError> {
        let path = data.join(SUMMARY_FILE);
        match own_files::read(&path, LARGEST) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SummaryError::File {
                doing: "read",
                path,
                source,
            }),
        }
    }

    /// Replaces the summary at once, so that no reader sees a part of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, data: &Path) -> Result<(), SummaryError> {
        let path = data.join(SUMMARY_FILE);
        let replace = || {
            fs::create_dir_all(data)?;
            let mut file = tempfile::NamedTempFile::new_in(data)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.persist(&path)?;
            Ok(())
        };
        replace().map_err(|source| SummaryError::File {
            doing: "write",
            path: path.clone(),
            source,
        })
    }

    /// Removes the summary, for example because a user whose cost it counts is forgotten. The next run of a new day, or with
    /// a new session, writes another one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(data: &Path) -> Result<(), SummaryError> {
        let path = data.join(SUMMARY_FILE);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(SummaryError::File {
                doing: "remove",
                path,
                source,
            }),
            _ => Ok(()),
        }
    }

    /// Whether its day is the day of this time.
    #[must_use]
    pub fn is_of_day(&self, time: Timestamp, zone: &Zone) -> bool {
        self.day == day_of(time, zone)
    }
}

/// The day of a time, as the time zone's calendar shows it.
fn day_of(time: Timestamp, zone: &Zone) -> String {
    let time = jiff::Timestamp::from_microsecond(time.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned_datetime(zone.rules().clone()).date().to_string()
}

/// What a thread returns. Its panic goes on here.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn open_block(result: &ReportResult) -> Option<OpenBlock> {
    let (status, ends, cost) = (
        result.place("status")?,
        result.place("ends")?,
        result.place("cost_usd")?,
    );
    let is_open = |row: &&Vec<_>| value(row, status).is_some_and(|status: String| status == "open");
    let mut open = result.rows.iter().filter(is_open);
    let row = open.next()?;
    // Each user has a block: none of several is the block.
    if open.next().is_some() {
        return None;
    }
    let ends_at: DateTime = value::<String>(row, ends)?.parse().ok()?;
    Some(OpenBlock {
        ends_at: ends_at.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp().to_string(),
        cost_usd: value(row, cost).unwrap_or(0.0),
    })
}
