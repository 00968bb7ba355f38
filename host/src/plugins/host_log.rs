//! Writes the log records of a plugin into the host's own log.
//!
//! # Threads
//! A plugin logs from any of its threads, and no panic of the host may cross back into it. The thread that loads the
//! processor sets its name once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use abi_stable::{
    erased_types::TD_Opaque,
    std_types::{RBox, RStr},
};
use session_plugin_api::{
    abi::{RawHost, RawHost_TO},
    log::level,
};
use tracing::level_filters::LevelFilter;

use crate::abi_checks::words;

/// The name in the log records of a plugin: that of the file until the processor has reported its own.
#[derive(Clone, Debug)]
pub(super) struct LogName {
    file: Arc<str>,
    processor: Arc<OnceLock<String>>,
}

impl LogName {
    pub(super) fn of_file(file: &str) -> Self {
        Self {
            file: file.into(),
            processor: Arc::default(),
        }
    }

    pub(super) fn is_processor(&self, name: &str) {
        // Every instance of a processor has the same name.
        let _ = self.processor.set(name.to_owned());
    }

    /// The name of the file.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The processor's name, or the file's.
    pub(super) fn as_str(&self) -> &str {
        self.processor.get().map_or(&self.file, String::as_str)
    }
}

/// The host, as a plugin sees it.
pub(super) fn host_for(name: &LogName) -> RawHost_TO<'static, RBox<()>> {
    RawHost_TO::from_value(HostLog(name.clone()), TD_Opaque)
}

struct HostLog(LogName);

impl RawHost for HostLog {
    fn log_level(&self) -> u8 {
        log_level()
    }

    fn log(&self, level: u8, target: RStr<'_>, place: RStr<'_>, message: RStr<'_>) {
        // The plugin calls this across the ABI boundary, which no panic may cross; a record that cannot be written is lost.
        let write = || write_record(&self.0, level, &words(target), &words(place), &words(message));
        let _ = catch_unwind(AssertUnwindSafe(write));
    }
}

/// The most detailed level of log records that the host keeps.
pub(super) fn log_level() -> u8 {
    match LevelFilter::current() {
        LevelFilter::OFF => 0,
        LevelFilter::ERROR => level::ERROR,
        LevelFilter::WARN => level::WARN,
        LevelFilter::INFO => level::INFO,
        LevelFilter::DEBUG => level::DEBUG,
        LevelFilter::TRACE => level::TRACE,
    }
}

/// Writes a log record of a plugin.
pub(super) fn write_record(name: &LogName, level: u8, module: &str, place: &str, message: &str) {
    let processor = name.as_str();
    match level {
        level::ERROR => tracing::error!(target: "plugin", processor, module, place, "{message}"),
        level::WARN => tracing::warn!(target: "plugin", processor, module, place, "{message}"),
        level::INFO => tracing::info!(target: "plugin", processor, module, "{message}"),
        level::DEBUG => tracing::debug!(target: "plugin", processor, module, "{message}"),
        _ => tracing::trace!(target: "plugin", processor, module, "{message}"),
    }
}
