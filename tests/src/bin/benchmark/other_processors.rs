//! How fast the processors that need no network are, beside the floor.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;

use crate::programs::{Floor, Host};
use crate::series::Series;

/// First passes of `processors` over `corpus`, in turns with the floor.
pub(crate) fn compare(host: &Host, floor: &Floor, processors: &[&str], corpus: &Path, repetitions: u32) -> Result<()> {
    writeln!(
        io::stdout(),
        "\nOther processors over the same corpus: the run of a first pass"
    )?;
    for processor in processors {
        let mut speed = Series::default();
        let mut share = Series::default();
        for _ in 0..repetitions {
            host.forget()?;
            let (_, result) = host.run_processor(processor, corpus)?;
            let of_run = result.megabytes_per_second();
            speed.add(of_run);
            share.add(100.0 * of_run / floor.run(corpus)?.megabytes_per_second);
        }
        let mut out = io::stdout().lock();
        writeln!(out, "  {processor:<30}  {}", speed.show("MB/s"))?;
        writeln!(out, "    milliseconds per MB           {:>8.1}", 1e3 / speed.median())?;
        writeln!(out, "    of the baseline               {}", share.show("%"))?;
    }
    Ok(())
}
