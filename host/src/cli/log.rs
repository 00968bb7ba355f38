//! Writes log lines to stderr, without disturbing a progress bar there.
//!
//! # Threads
//! Every thread logs. Each complete line is written in one call, so that lines do not mix. Progress bars are hidden
//! meanwhile.

use std::{
    env,
    io::{self, IsTerminal, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};

use indicatif::MultiProgress;
use session_plugin_api::panic_text;
use tracing::Metadata;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::{
    arguments::{LogFormat, Usual},
    output::UsageError,
};
use crate::{
    printable::{self, Printable},
    recent_log::RecentLog,
    threads::{BEGINS, catches_panics},
};

/// The terminal's progress bars; drawing and logging must not cross.
pub(super) static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Installs the log; the host's panics are logged too.
///
/// # Errors
/// When the variable SESSION_HOST_LOG holds no valid filter.
pub(super) fn install(format: LogFormat, verbose: u8, usual: Usual) -> Result<(), UsageError> {
    let level = match verbose {
        0 => match usual {
            Usual::Progress => "info",
            Usual::Warnings => "warn",
            Usual::PluginWarnings => "error,plugin=warn",
        },
        1 => "info",
        _ => "debug",
    };
    let filter = match env::var("SESSION_HOST_LOG") {
        Ok(filter) => EnvFilter::try_new(&filter).map_err(|error| {
            UsageError(format!(
                "SESSION_HOST_LOG=`{filter}` is not a valid filter ({error}): try `info,plugin=debug`"
            ))
        })?,
        Err(_) => EnvFilter::new(level),
    };
    let has_colours = io::stderr().is_terminal();
    let shown = match (format, has_colours) {
        (LogFormat::Json, _) => Shown::Json,
        (LogFormat::Text, true) => Shown::Coloured,
        (LogFormat::Text, false) => Shown::Plain,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(PastBars(shown))
        .with_ansi(has_colours);
    match format {
        LogFormat::Text => log.finish().with(RecentLog).init(),
        LogFormat::Json => log.json().finish().with(RecentLog).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        if catches_panics() {
            return;
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic_text(panic.payload());
        tracing::error!(
            place,
            "a thread of the host panicked: {message}; please report this bug in session-host"
        );
    }));
    Ok(())
}

/// How a line is escaped. Log lines hold texts from plugins, file names and transcripts.
#[derive(Clone, Copy)]
enum Shown {
    /// All of it.
    Plain,
    /// All of it except the log's own colours.
    Coloured,
    /// By the rules of JSON.
    Json,
}

impl Shown {
    fn escaped(self, line: &str) -> String {
        match self {
            Self::Plain => Printable(line).to_string(),
            Self::Coloured => printable::coloured(line),
            Self::Json => printable::json(line.to_owned()),
        }
    }
}

struct PastBars(Shown);

impl<'a> MakeWriter<'a> for PastBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            text: Vec::new(),
            shown: self.0,
            is_written: true,
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line {
        let mut line = self.make_writer();
        line.is_written = event.target() != BEGINS;
        line
    }
}

/// One log line, written whole when it is complete.
struct Line {
    text: Vec<u8>,
    shown: Shown,
    is_written: bool,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let line = match text.strip_suffix('\n') {
            Some(line) if self.is_written => format!("{}\n", self.shown.escaped(line)),
            // Every complete line ends in a line break. Without one, nothing was or should be written.
            _ => return,
        };
        let write = || io::stderr().write_all(line.as_bytes());
        // There is nowhere left to report that stderr cannot be written, nor that the bars cannot be drawn.
        let _ = catch_unwind(AssertUnwindSafe(|| match BARS.is_hidden() {
            true => write(),
            false => BARS.suspend(write),
        }));
    }
}
