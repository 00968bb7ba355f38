//! What several processors cost in one run, which reads each transcript once, and in runs of their own.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;

use crate::programs::Host;
use crate::series::Series;

const PROCESSORS: [&str; 3] = ["usage", "errors", "secrets"];

/// First passes over `corpus`, in turns.
pub(crate) fn compare(host: &Host, corpus: &Path, repetitions: u32) -> Result<()> {
    let mut of_one_run = Series::default();
    let mut of_own_runs = Series::default();
    let mut share = Series::default();
    for _ in 0..repetitions {
        host.forget()?;
        let together = host.run_together(&PROCESSORS, corpus)?.cpu.as_secs_f64();
        let mut alone = 0.0;
        for processor in PROCESSORS {
            host.forget()?;
            alone += host.run_processor(processor, corpus)?.0.cpu.as_secs_f64();
        }
        of_one_run.add(1e3 * together);
        of_own_runs.add(1e3 * alone);
        share.add(100.0 * together / alone);
    }
    let mut out = io::stdout().lock();
    let names = PROCESSORS.join(", ");
    writeln!(out, "\nSeveral processors ({names}): CPU time of a first pass")?;
    writeln!(out, "  a run for each                  {}", of_own_runs.show("ms"))?;
    writeln!(out, "  one run                         {}", of_one_run.show("ms"))?;
    writeln!(out, "    of a run for each             {}", share.show("%"))?;
    Ok(())
}
