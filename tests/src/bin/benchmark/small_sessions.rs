//! What many small sessions cost: a first pass, a pass with nothing new, and one after a session has changed.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;

use crate::programs::Host;
use crate::series::Series;
use crate::session_files::SessionFiles;

const FEW: u32 = 20_000;
/// As many as a large organisation has.
pub(crate) const MANY: u32 = 100_000;

/// Passes of the usage processor over few and over many sessions. If a session costs the same in both, the cost of a pass
/// does not depend on what the state holds.
pub(crate) fn measure(host: &Host, repetitions: u32) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\nSmall sessions: the usage processor, whole processes")?;
    for sessions in [FEW, MANY] {
        let folder = host.scratch.with_extension(format!("small-{sessions}"));
        SessionFiles::of_a_moment(sessions).write(&folder)?;
        let passes = Passes::measure(host, &folder, repetitions)?;
        writeln!(out, "  {sessions} sessions, first pass     {}", passes.first.show("ms"))?;
        let each = 1e6 * passes.cpu_of_first.median() / f64::from(sessions) / 1e3;
        writeln!(out, "    CPU time of a session         {each:>6.0} µs")?;
        writeln!(
            out,
            "    nothing new                   {}",
            passes.nothing_new.show("ms")
        )?;
        writeln!(
            out,
            "    one session changed           {}",
            passes.one_changed.show("ms")
        )?;
    }
    Ok(())
}

#[derive(Default)]
struct Passes {
    first: Series,
    cpu_of_first: Series,
    nothing_new: Series,
    one_changed: Series,
}

impl Passes {
    fn measure(host: &Host, folder: &Path, repetitions: u32) -> Result<Self> {
        let mut passes = Self::default();
        for _ in 0..repetitions {
            host.forget()?;
            let first = host.run(folder)?.0;
            passes.first.add(first.milliseconds());
            passes.cpu_of_first.add(1e3 * first.cpu.as_secs_f64());
            passes.nothing_new.add(host.run(folder)?.0.milliseconds());
            change_a_session(folder)?;
            passes.one_changed.add(host.run(folder)?.0.milliseconds());
        }
        Ok(passes)
    }
}

fn change_a_session(folder: &Path) -> Result<()> {
    let session = folder.join("user-0/0.jsonl");
    let mut session = OpenOptions::new().append(true).open(session)?;
    Ok(writeln!(session, r#"{{"type":"system","subtype":"turn_duration"}}"#)?)
}
