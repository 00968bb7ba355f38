//! Runs session-host beside what it is measured against, in turns, and prints the ratios.
//!
//! Every figure is a median over the repetitions. One pass over each directory comes first and does not count, so that
//! all that is measured finds the files in the page cache.

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
mod status_line;
mod together;

use std::fs;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use anyhow::Result;
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
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let threads = arguments.threads.map_or_else(thread::available_parallelism, Ok)?.get();
    fs::create_dir_all(&arguments.scratch)?;
    let scratch = fs::canonicalize(&arguments.scratch)?;
    let floor = Floor {
        program: arguments.floor,
        threads,
    };
    let host = Host {
        program: arguments.host,
        plugins: arguments.plugins,
        scratch: scratch.join("host"),
        threads,
    };
    let repetitions = arguments.repetitions.get();
    writeln!(
        io::stdout(),
        "Medians (minimum to maximum) of {repetitions} interleaved repetitions; {threads} threads; files in the page cache.",
    )?;
    against_floor::compare(&host, &floor, &arguments.corpus, repetitions)?;
    in_workers::compare(&host, &arguments.corpus, repetitions)?;
    other_processors::compare(&host, &floor, &["errors", "secrets"], &arguments.corpus, repetitions)?;
    together::compare(&host, &arguments.corpus, repetitions)?;
    small_sessions::measure(&host, repetitions)?;
    execute_lane::compare(&host, repetitions)?;
    status_line::compare(&host, &arguments.corpus, repetitions)?;
    labelled_secrets::measure(&host, &scratch)?;
    labelled_errors::measure(&host, &scratch)?;
    against_appender::compare(&host, repetitions)?;
    against_idle::compare(&host, &arguments.corpus)?;
    page::measure(&host)?;
    many_hosts::measure(&host)?;
    if let (Some(program), Some(home)) = (arguments.ccusage, arguments.home) {
        let ccusage = Ccusage {
            program,
            home,
            scratch: scratch.join("ccusage"),
        };
        against_ccusage::compare(&host, &floor, &ccusage, repetitions)?;
    }
    Ok(())
}
