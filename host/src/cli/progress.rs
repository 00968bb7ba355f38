//! A progress bar on the terminal.

use std::{
    io::{self, IsTerminal},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::log::BARS;
use crate::threads::Ending;

/// The progress of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// How many candidates it has.
    pub(super) scanned: u64,
    /// How many of them have ended.
    pub(super) ended: u64,
    /// How many bytes it has read.
    pub(super) bytes_read: u64,
}

/// Whether stderr is a terminal, so that a bar is visible.
pub(super) fn is_seen() -> bool {
    io::stderr().is_terminal()
}

/// Does `work` while a bar shows its progress; the bar calls `look` every `pause`.
pub(super) fn watched<T>(
    name: &str,
    pause: Duration,
    look: impl FnMut() -> Option<Counters> + Send,
    work: impl FnOnce() -> T,
) -> T {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let drawing = scope.spawn(|| draw(name, pause, look, &ended));
        let _ending = Ending::new(&ended, drawing.thread().clone());
        work()
    })
}

fn draw(name: &str, pause: Duration, mut look: impl FnMut() -> Option<Counters>, ended: &AtomicBool) {
    let bar = BARS.add(ProgressBar::new(0));
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} sessions {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    while !ended.load(Ordering::Acquire) {
        if let Some(counters) = look() {
            bar.set_length(counters.scanned);
            bar.set_position(counters.ended);
            bar.set_message(format!("{} MB", counters.bytes_read / 1_000_000));
        }
        thread::park_timeout(pause);
    }
    bar.finish_and_clear();
}
