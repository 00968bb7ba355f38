//! How near the host comes to the least that must be done.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;

use crate::programs::{Floor, Host};
use crate::series::Series;

/// First passes over `corpus` and passes with nothing to do, in turns with the floor.
pub(crate) fn compare(host: &Host, floor: &Floor, corpus: &Path, repetitions: u32) -> Result<()> {
    let whole = floor.run(corpus)?;
    let megabytes = whole.bytes as f64 / 1e6;
    let mut floor_speed = Series::default();
    let mut run_speed = Series::default();
    let mut run_share = Series::default();
    let mut process_speed = Series::default();
    let mut process_share = Series::default();
    let mut memory = Series::default();
    let mut idle = Series::default();
    for _ in 0..repetitions {
        host.forget()?;
        let (first, result) = host.run(corpus)?;
        let of_floor = floor.run(corpus)?.megabytes_per_second;
        let of_run = result.megabytes_per_second();
        let of_process = megabytes / first.wall.as_secs_f64();
        floor_speed.add(of_floor);
        run_speed.add(of_run);
        run_share.add(100.0 * of_run / of_floor);
        process_speed.add(of_process);
        process_share.add(100.0 * of_process / of_floor);
        memory.add(first.peak_bytes as f64 / 1e6);
        idle.add(host.run(corpus)?.0.milliseconds());
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nThe usage processor over a generated corpus: {} sessions, {megabytes:.0} MB",
        whole.files
    )?;
    writeln!(out, "  baseline: read, MD5, parse      {}", floor_speed.show("MB/s"))?;
    writeln!(out, "  first pass, the run             {}", run_speed.show("MB/s"))?;
    writeln!(out, "    of the baseline               {}", run_share.show("%"))?;
    writeln!(out, "  first pass, the whole process   {}", process_speed.show("MB/s"))?;
    writeln!(out, "    of the baseline               {}", process_share.show("%"))?;
    writeln!(out, "  first pass, peak memory         {}", memory.show("MB"))?;
    writeln!(out, "  pass with nothing to do         {}", idle.show("ms"))?;
    Ok(())
}
