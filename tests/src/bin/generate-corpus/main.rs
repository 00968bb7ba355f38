//! Generates a corpus of transcripts to measure with: the same bytes on every machine, in the shape of real ones.

mod call;
mod json;
mod plan;
mod prose;
mod random;
mod response;
mod transcript;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde::{Deserialize, Serialize};

use crate::plan::{Session, USERS};

/// Counts up whenever the generator writes other bytes for the same parameters.
const FORMAT: u32 = 1;

/// Beside the users' folders, where no session is looked for.
const MARKER: &str = "corpus.json";

/// Generate a corpus of transcripts, the same bytes on every machine.
#[derive(Parser)]
struct Arguments {
    /// The directory to generate into: a new or empty one, or one generated before.
    directory: PathBuf,
    /// How many sessions.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    sessions: u64,
    /// Another seed gives other sessions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The size of all sessions together, such as 800KB or 330MB.
    #[arg(long, default_value = "330MB", value_parser = parse_bytes)]
    bytes: u64,
}

/// What a directory holds, and whether all of it is there.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
struct Marker {
    format: u32,
    sessions: u64,
    seed: u64,
    bytes: u64,
    complete: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = &arguments.directory;
    let wanted = Marker {
        format: FORMAT,
        sessions: arguments.sessions,
        seed: arguments.seed,
        bytes: arguments.bytes,
        complete: true,
    };
    if read_marker(root)?.is_some_and(|found| found == wanted) {
        return Ok(());
    }
    clear(root)?;
    write_marker(
        root,
        &Marker {
            complete: false,
            ..wanted.clone()
        },
    )?;
    let written = generate(root, &wanted)?;
    write_marker(root, &wanted)?;
    let megabytes = written as f64 / 1e6;
    writeln!(
        io::stderr(),
        "generated {} sessions, {megabytes:.1} MB, below {}",
        wanted.sessions,
        root.display()
    )?;
    Ok(())
}

/// Writes every session and says how many bytes that made.
fn generate(root: &Path, wanted: &Marker) -> Result<u64> {
    for user in USERS {
        fs::create_dir_all(root.join(user))?;
    }
    // A file that changed just now may change again unseen, so hosts look at it twice; these have long been quiet.
    let newest = SystemTime::now() - Duration::from_secs(3600);
    let mut written = 0;
    for session in plan::plan(wanted.seed, wanted.sessions, wanted.bytes) {
        let modified = newest - Duration::from_secs(wanted.sessions - session.index);
        written += write_session(root, wanted.seed, &session, modified)?;
    }
    Ok(written)
}

fn write_session(root: &Path, seed: u64, session: &Session, modified: SystemTime) -> Result<u64> {
    let path = session.path(root);
    let text = transcript::generate(seed, session);
    let write = || -> io::Result<()> {
        let mut file = File::create(&path)?;
        file.write_all(text.as_bytes())?;
        file.set_modified(modified)
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(text.len() as u64)
}

fn read_marker(root: &Path) -> Result<Option<Marker>> {
    match fs::read(root.join(MARKER)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", root.join(MARKER).display())),
    }
}

fn write_marker(root: &Path, marker: &Marker) -> Result<()> {
    let path = root.join(MARKER);
    fs::write(&path, serde_json::to_vec(marker)?).with_context(|| format!("cannot write {}", path.display()))
}

/// Leaves an empty directory, provided that what lies in it was generated.
fn clear(root: &Path) -> Result<()> {
    fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
    if !root.join(MARKER).exists() {
        let empty = fs::read_dir(root)?.next().is_none();
        ensure!(
            empty,
            "{} is not empty and holds no generated corpus; choose another directory",
            root.display()
        );
    }
    for user in USERS {
        match fs::remove_dir_all(root.join(user)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn parse_bytes(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        other => bail!("unknown unit {other}; use B, KB, MB or GB"),
    };
    let number: u64 = digits.parse().context("not a number of bytes")?;
    number.checked_mul(unit).context("too many bytes")
}
