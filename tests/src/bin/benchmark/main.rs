//! Runs session-host beside what it is measured against, in turns, and prints the ratios.
//!
//! Every figure is a median over the repetitions. One pass over each directory comes first and does not count, so that
//! all that is measured finds the files in the page cache.

mod process;
mod programs;
mod series;

use std::fs;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use anyhow::Result;
use clap::Parser;

use crate::programs::{Ccusage, Floor, Host};
use crate::series::Series;

/// Measure session-host against the floor, and against ccusage.
#[derive(Parser)]
struct Arguments {
    /// The session-host binary.
    #[arg(long)]
    host: PathBuf,
    /// The plugins directory.
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
        "Medians of {repetitions} repetitions in turns, with their least and greatest; {threads} threads; files in the page cache.",
    )?;
    compare_with_floor(&host, &floor, &arguments.corpus, repetitions)?;
    if let (Some(program), Some(home)) = (arguments.ccusage, arguments.home) {
        let ccusage = Ccusage {
            program,
            home,
            scratch: scratch.join("ccusage"),
        };
        compare_with_ccusage(&host, &floor, &ccusage, repetitions)?;
    }
    Ok(())
}

fn compare_with_floor(host: &Host, floor: &Floor, corpus: &std::path::Path, repetitions: u32) -> Result<()> {
    let whole = floor.run(corpus)?;
    let megabytes = whole.bytes as f64 / 1e6;
    let mut least = Series::default();
    let mut run = Series::default();
    let mut process = Series::default();
    let mut memory = Series::default();
    let mut idle = Series::default();
    for _ in 0..repetitions {
        host.forget()?;
        let (first, result) = host.run(corpus)?;
        run.add(result.megabytes_per_second());
        process.add(megabytes / first.wall.as_secs_f64());
        memory.add(first.peak_bytes as f64 / 1e6);
        least.add(floor.run(corpus)?.megabytes_per_second);
        idle.add(host.run(corpus)?.0.wall.as_secs_f64() * 1e3);
    }
    let share = |series: &Series| format!("{:.0} % of the floor", 100.0 * series.median() / least.median());
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nThe usage processor over a generated corpus: {} sessions, {megabytes:.0} MB",
        whole.files
    )?;
    writeln!(out, "  the floor: read, MD5, parse  {}", least.show("MB/s"))?;
    writeln!(
        out,
        "  first pass, the run          {}  {}",
        run.show("MB/s"),
        share(&run)
    )?;
    writeln!(
        out,
        "  first pass, whole process    {}  {}",
        process.show("MB/s"),
        share(&process)
    )?;
    writeln!(out, "  first pass, peak memory      {}", memory.show("MB"))?;
    writeln!(out, "  pass with nothing to do      {}", idle.show("ms"))?;
    Ok(())
}

fn compare_with_ccusage(host: &Host, floor: &Floor, ccusage: &Ccusage, repetitions: u32) -> Result<()> {
    let projects = ccusage.projects();
    let whole = floor.run(&projects)?;
    let mut other = Series::default();
    let mut first = Series::default();
    let mut later = Series::default();
    for _ in 0..repetitions {
        host.forget()?;
        first.add(host.run(&projects)?.0.wall.as_secs_f64() * 1e3);
        other.add(ccusage.run()?.wall.as_secs_f64() * 1e3);
        later.add(host.run(&projects)?.0.wall.as_secs_f64() * 1e3);
    }
    let times = |series: &Series| format!("{:.2} x ccusage", series.median() / other.median());
    let mut out = io::stdout().lock();
    let megabytes = whole.bytes as f64 / 1e6;
    writeln!(
        out,
        "\nThe same question to ccusage: {} transcripts, {megabytes:.0} MB; whole processes",
        whole.files
    )?;
    writeln!(out, "  ccusage                      {}", other.show("ms"))?;
    writeln!(
        out,
        "  session-host, first pass     {}  {}",
        first.show("ms"),
        times(&first)
    )?;
    writeln!(
        out,
        "  session-host, later pass     {}  {}",
        later.show("ms"),
        times(&later)
    )?;
    Ok(())
}
