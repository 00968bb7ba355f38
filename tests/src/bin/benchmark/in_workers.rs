//! What worker processes cost: first passes in worker processes, each beside one in the host.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;

use crate::programs::{Host, Isolation};
use crate::series::Series;

/// First passes of the usage processor over `corpus`, in turns.
pub(crate) fn compare(host: &Host, corpus: &Path, repetitions: u32) -> Result<()> {
    let mut of_host = Series::default();
    let mut of_workers = Series::default();
    let mut share = Series::default();
    for _ in 0..repetitions {
        let speed = |isolation| {
            host.forget()?;
            anyhow::Ok(host.run_isolated("usage", corpus, isolation)?.1.megabytes_per_second())
        };
        let (in_host, in_workers) = (speed(Isolation::InProcess)?, speed(Isolation::Process)?);
        of_host.add(in_host);
        of_workers.add(in_workers);
        share.add(100.0 * in_workers / in_host);
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nThe usage processor in worker processes: the run of a first pass"
    )?;
    writeln!(out, "  in the host's process           {}", of_host.show("MB/s"))?;
    writeln!(out, "  in worker processes             {}", of_workers.show("MB/s"))?;
    writeln!(out, "    of that in the host           {}", share.show("%"))?;
    Ok(())
}
