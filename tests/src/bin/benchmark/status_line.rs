//! How long the line for the status bar of an agent takes, beside a run with nothing to do.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;

use crate::programs::Host;
use crate::series::Series;

/// How many lines are measured for each run: one takes a few milliseconds.
const LINES: u32 = 10;

/// Status lines over the state of a first pass over `corpus`, in turns with later passes.
pub(crate) fn compare(host: &Host, corpus: &Path, repetitions: u32) -> Result<()> {
    let mut of_run = Series::default();
    let mut of_line = Series::default();
    let mut share = Series::default();
    host.forget()?;
    drop(host.run(corpus)?);
    for _ in 0..repetitions {
        let run = host.run(corpus)?.0.milliseconds();
        let mut lines = Series::default();
        for _ in 0..LINES {
            lines.add(host.status_line()?.milliseconds());
        }
        of_run.add(run);
        of_line.add(lines.median());
        share.add(100.0 * lines.median() / run);
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nThe status line, beside a run with nothing to do: whole processes"
    )?;
    writeln!(out, "  run                             {}", of_run.show("ms"))?;
    writeln!(out, "  statusline                      {}", of_line.show("ms"))?;
    writeln!(out, "    of a run                      {}", share.show("%"))?;
    Ok(())
}
