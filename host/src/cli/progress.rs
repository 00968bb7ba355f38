//! The progress bar on the terminal.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::log::BARS;
use crate::{amounts::grouped, runner::Progress, threads::Ending};

/// The progress of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// How many candidates it has; 0 before it knows them.
    pub(super) scanned: u64,
    /// How many of them have ended.
    pub(super) ended: u64,
    /// How many bytes it has read.
    pub(super) bytes_read: u64,
}

impl Counters {
    /// The progress of several runs.
    pub(super) fn of_all(runs: &[Arc<Progress>]) -> Self {
        let sum = |counter: fn(&Progress) -> u64| runs.iter().map(|run| counter(run)).sum();
        Self {
            scanned: sum(Progress::scanned),
            ended: sum(Progress::ended),
            bytes_read: sum(Progress::bytes_read),
        }
    }
}

/// Whether stderr is a terminal, so that a bar is visible.
pub(super) fn is_seen() -> bool {
    io::stderr().is_terminal()
}

/// One bar for runs that follow each other; it disappears when it is dropped.
pub(super) struct RunsBar {
    bar: ProgressBar,
    place: Place,
}

/// Where in the runs the bar is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// How many candidates each run is expected to have.
    expected: Vec<u64>,
    /// Which run is under way, from 0.
    run: usize,
    /// How many candidates the runs before it had.
    before: u64,
    /// How many bytes they read.
    bytes_before: u64,
}

impl RunsBar {
    /// A bar for runs that are expected to have so many candidates.
    pub(super) fn new(expected: Vec<u64>) -> Self {
        let bar = BARS.add(ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {percent}% {msg}") {
            bar.set_style(style);
        }
        let place = Place {
            expected,
            ..Place::default()
        };
        Self { bar, place }
    }

    /// Does `work`, the next run, while the bar shows its progress; the bar calls `look` every `pause`.
    pub(super) fn watch<T>(
        &mut self,
        name: &str,
        pause: Duration,
        look: impl FnMut() -> Option<Counters> + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        let ended = AtomicBool::new(false);
        let (bar, place) = (&self.bar, &self.place);
        let (result, last) = thread::scope(|scope| {
            let drawing = scope.spawn(|| draw(bar, place, name, pause, look, &ended));
            let ending = Ending::new(&ended, drawing.thread().clone());
            let result = work();
            drop(ending);
            // A bar that cannot be drawn costs no run.
            (result, drawing.join().unwrap_or_default())
        });
        self.place.pass(last);
        result
    }
}

impl Drop for RunsBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Place {
    /// How many candidates all runs have, as far as it is known.
    fn length(&self, counters: Counters) -> u64 {
        let mut later = self.expected.iter().skip(self.run);
        let expected = later.next().copied().unwrap_or(0);
        let of_this_run = match counters.scanned {
            0 => expected,
            scanned => scanned,
        };
        self.before + of_this_run + later.sum::<u64>()
    }

    /// Goes on to the next run.
    fn pass(&mut self, last: Counters) {
        self.run += 1;
        self.before += last.scanned;
        self.bytes_before += last.bytes_read;
    }

    /// The run under way, and which of how many it is.
    fn title(&self, name: &str) -> String {
        match self.expected.len() {
            0 | 1 => name.to_owned(),
            runs => format!("{name} ({} of {runs})", self.run + 1),
        }
    }
}

/// Draws the bar until the run has ended; returns its last counters.
fn draw(
    bar: &ProgressBar,
    place: &Place,
    name: &str,
    pause: Duration,
    mut look: impl FnMut() -> Option<Counters>,
    ended: &AtomicBool,
) -> Counters {
    bar.set_prefix(place.title(name));
    let mut last = Counters::default();
    loop {
        // A look after the end still counts what was counted last.
        let is_last = ended.load(Ordering::Acquire);
        if let Some(counters) = look() {
            last = counters;
        }
        bar.set_length(place.length(last));
        bar.set_position(place.before + last.ended);
        let megabytes = (place.bytes_before + last.bytes_read) / 1_000_000;
        let (done, all) = (grouped(last.ended), grouped(last.scanned));
        bar.set_message(format!("{done} of {all} sessions, {megabytes} MB"));
        if is_last {
            return last;
        }
        thread::park_timeout(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(scanned: u64, ended: u64) -> Counters {
        Counters {
            scanned,
            ended,
            bytes_read: 10,
        }
    }

    #[test]
    fn the_length_counts_the_candidates_of_all_runs() {
        let mut place = Place {
            expected: vec![100, 50, 7],
            ..Place::default()
        };
        assert_eq!(place.length(Counters::default()), 157);
        assert_eq!(place.length(counters(101, 3)), 158);
        place.pass(counters(101, 101));
        assert_eq!(place.title("errors"), "errors (2 of 3)");
        assert_eq!(place.length(Counters::default()), 158);
        place.pass(counters(50, 50));
        place.pass(counters(7, 7));
        assert_eq!((place.length(Counters::default()), place.bytes_before), (158, 30));
    }
}
