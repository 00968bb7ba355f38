//! How long a user waits for the host, and for ccusage, which keeps nothing.

use std::io::{self, Write};

use anyhow::Result;

use crate::programs::{Ccusage, Floor, Host};
use crate::series::Series;

/// First and later passes over the same transcripts, in turns with ccusage.
pub(crate) fn compare(host: &Host, floor: &Floor, ccusage: &Ccusage, repetitions: u32) -> Result<()> {
    let projects = ccusage.projects();
    let whole = floor.run(&projects)?;
    let mut other = Series::default();
    let mut first = Series::default();
    let mut first_share = Series::default();
    let mut later = Series::default();
    let mut later_share = Series::default();
    for _ in 0..repetitions {
        host.forget()?;
        let of_first = host.run(&projects)?.0.milliseconds();
        let of_other = ccusage.run()?.milliseconds();
        let of_later = host.run(&projects)?.0.milliseconds();
        other.add(of_other);
        first.add(of_first);
        first_share.add(100.0 * of_first / of_other);
        later.add(of_later);
        later_share.add(100.0 * of_later / of_other);
    }
    let mut out = io::stdout().lock();
    let megabytes = whole.bytes as f64 / 1e6;
    writeln!(
        out,
        "\nCompared with ccusage: {} transcripts, {megabytes:.0} MB, whole processes",
        whole.files
    )?;
    writeln!(out, "  ccusage                         {}", other.show("ms"))?;
    writeln!(out, "  session-host, first pass        {}", first.show("ms"))?;
    writeln!(out, "    of ccusage's time             {}", first_share.show("%"))?;
    writeln!(out, "  session-host, later pass        {}", later.show("ms"))?;
    writeln!(out, "    of ccusage's time             {}", later_share.show("%"))?;
    Ok(())
}
