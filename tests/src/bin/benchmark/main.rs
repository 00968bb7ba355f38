//! Runs session-host beside what it is measured against, in turns, and prints the ratios.
//!
//! A figure with a range is a median over the repetitions; every other was measured once. One pass over each directory comes
//! first and does not count, so that all that is measured finds the files in the page cache.

mod against_appender;
mod against_ccusage;
mod against_floor;
mod against_idle;
mod execute_lane;
mod in_workers;
mod labelled_errors;
mod labelled_secrets;
mod latencies;
mod many_hosts;
mod other_processors;
mod page;
mod process;
mod programs;
mod series;
mod service;
mod session_files;
mod small_sessions;
mod snapshots;
mod status_line;
mod together;

use std::fs;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::programs::{Ccusage, Floor, Host};

/// Measure session-host against the floor, and against ccusage.
#[derive(Parser)]
struct Arguments {
    /// The session-host binary.
    #[arg(long)]
    host: PathBuf,
    /// The folder of plugins directories: `every`, and one for each processor, which holds its plugin alone.
    #[arg(long)]
    plugins: PathBuf,
    /// The floor binary.
    #[arg(long)]
    floor: PathBuf,
    /// The generated corpus.
    #[arg(long)]
    corpus: PathBuf,
    /// The ccusage command.
    #[arg(long, requires = "home")]
    ccusage: Option<PathBuf>,
    /// The home directory whose .claude/projects ccusage reads.
    #[arg(long)]
    home: Option<PathBuf>,
    /// A directory for what the measured programs write; what they wrote before is removed.
    #[arg(long)]
    scratch: PathBuf,
    /// How often each is measured.
    #[arg(long, default_value = "5")]
    repetitions: NonZero<u32>,
    /// How many threads the host and the floor have; all cores by default.
    #[arg(long)]
    threads: Option<NonZero<usize>>,
    /// Only the measurements whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// What is measured, and with what.
struct Bench {
    host: Host,
    floor: Floor,
    ccusage: Option<Ccusage>,
    corpus: PathBuf,
    scratch: PathBuf,
    repetitions: u32,
}

/// Prints its figures.
type Measurement = fn(&Bench) -> Result<()>;

/// Every measurement with its name, in the order in which they run.
const MEASUREMENTS: &[(&str, Measurement)] = &[
    ("floor", |it| {
        against_floor::compare(&it.host, &it.floor, &it.corpus, it.repetitions)
    }),
    ("workers", |it| {
        in_workers::compare(&it.host, &it.corpus, it.repetitions)
    }),
    ("processors", |it| {
        other_processors::compare(&it.host, &it.floor, &["errors", "secrets"], &it.corpus, it.repetitions)
    }),
    ("together", |it| together::compare(&it.host, &it.corpus, it.repetitions)),
    ("small-sessions", |it| small_sessions::measure(&it.host, it.repetitions)),
    ("execute-lane", |it| execute_lane::compare(&it.host, it.repetitions)),
    ("status-line", |it| {
        status_line::compare(&it.host, &it.corpus, it.repetitions)
    }),
    ("labelled-secrets", |it| {
        labelled_secrets::measure(&it.host, &it.scratch)
    }),
    ("labelled-errors", |it| labelled_errors::measure(&it.host, &it.scratch)),
    ("appender", |it| against_appender::compare(&it.host, it.repetitions)),
    ("idle", |it| against_idle::compare(&it.host, &it.corpus)),
    ("page", |it| page::measure(&it.host)),
    ("many-hosts", |it| many_hosts::measure(&it.host)),
    ("snapshots", |it| snapshots::measure(&it.host, it.repetitions)),
    ("ccusage", |it| match &it.ccusage {
        Some(ccusage) => against_ccusage::compare(&it.host, &it.floor, ccusage, it.repetitions),
        None => Ok(()),
    }),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let only = arguments.only.clone();
    let names: Vec<_> = MEASUREMENTS.iter().map(|(name, _)| *name).collect();
    ensure!(
        names.iter().any(|name| name.contains(&only)),
        "no measurement's name contains {only:?}; they are: {}",
        names.join(", ")
    );
    let bench = arguments.prepare()?;
    writeln!(
        io::stdout(),
        "Medians (minimum to maximum) of {} interleaved repetitions, where a range is shown; {} threads; files in the page cache.",
        bench.repetitions,
        bench.host.threads,
    )?;
    for (_, measure) in MEASUREMENTS.iter().filter(|(name, _)| name.contains(&only)) {
        measure(&bench)?;
    }
    Ok(())
}

impl Arguments {
    fn prepare(self) -> Result<Bench> {
        let threads = self.threads.map_or_else(thread::available_parallelism, Ok)?.get();
        fs::create_dir_all(&self.scratch)?;
        let scratch = fs::canonicalize(&self.scratch)?;
        let ccusage = self.ccusage.zip(self.home).map(|(program, home)| Ccusage {
            program,
            home,
            scratch: scratch.join("ccusage"),
        });
        Ok(Bench {
            host: Host {
                program: self.host,
                plugins: self.plugins,
                scratch: scratch.join("host"),
                threads,
            },
            floor: Floor {
                program: self.floor,
                threads,
            },
            ccusage,
            corpus: self.corpus,
            scratch,
            repetitions: self.repetitions.get(),
        })
    }
}
