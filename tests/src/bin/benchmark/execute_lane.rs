//! What a statement of a session costs, beside rows and a view that give the same result.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, ensure};

use crate::programs::Host;
use crate::series::Series;

const SESSIONS: u32 = 2_000;

/// First passes of the plugins `upserts` and `viewed`, in turns.
pub(crate) fn compare(host: &Host, repetitions: u32) -> Result<()> {
    let folder = host.scratch.with_extension("counted");
    write_sessions(&folder)?;
    let mut of_statements = Series::default();
    let mut of_rows = Series::default();
    for _ in 0..repetitions {
        of_statements.add(microseconds(host, "upserts", &folder)?);
        of_rows.add(microseconds(host, "viewed", &folder)?);
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nA count over {SESSIONS} small sessions: the run, for each session"
    )?;
    writeln!(out, "  by a statement (`execute`)      {}", of_statements.show("µs"))?;
    writeln!(out, "  by a row and a view (`replace`) {}", of_rows.show("µs"))?;
    Ok(())
}

fn microseconds(host: &Host, processor: &str, folder: &Path) -> Result<f64> {
    host.forget()?;
    let (_, result) = host.run_processor(processor, folder)?;
    // The table of one and the view of the other have the plugin's name.
    let counted = host.query(&format!("SELECT sum(sessions) AS sessions FROM {processor}"))?;
    let counted = String::from_utf8_lossy(&counted);
    let expected = format!(r#"{{"sessions":{SESSIONS}}}"#);
    ensure!(
        counted.trim() == expected,
        "{processor} counted {counted} instead of {expected}"
    );
    Ok(1e6 * result.seconds() / f64::from(SESSIONS))
}

fn write_sessions(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("alice"))?;
    for session in 0..SESSIONS {
        fs::write(folder.join(format!("alice/{session}.jsonl")), "{\"type\":\"user\"}\n")?;
    }
    Ok(())
}
