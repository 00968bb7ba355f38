//! The least that any processor of transcripts must do, as fast as it can be done: read every byte, take its MD5, and
//! parse every line into the fields that matter. What a host needs beyond this is its own cost.

use std::borrow::Cow;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use walkdir::WalkDir;

/// Measure how fast transcripts can be read, hashed and parsed, and nothing else.
#[derive(Parser)]
struct Arguments {
    /// Where the transcripts are, at any depth.
    directory: PathBuf,
    /// How many threads share the files; all cores by default.
    #[arg(long)]
    threads: Option<NonZero<usize>>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The fields of a line that a processor of usage needs.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of it")]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "sessionId")]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "requestId")]
    request_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of it")]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    usage: Option<Usage>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed for the cost of it")]
struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

/// What was read.
#[derive(Default, Serialize)]
struct Total {
    files: u64,
    bytes: u64,
    lines: u64,
    malformed: u64,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    total: Total,
    threads: usize,
    seconds: f64,
    megabytes_per_second: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let threads = arguments.threads.map_or_else(thread::available_parallelism, Ok)?.get();
    let files = transcripts(&arguments.directory)?;
    let begin = Instant::now();
    let total = measure(&files, threads)?;
    let seconds = begin.elapsed().as_secs_f64();
    let megabytes_per_second = total.bytes as f64 / 1e6 / seconds;
    print(
        &Report {
            total,
            threads,
            seconds,
            megabytes_per_second,
        },
        arguments.json,
    )
}

fn print(report: &Report, json: bool) -> Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
    } else {
        let (total, megabytes) = (&report.total, report.total.bytes as f64 / 1e6);
        writeln!(
            out,
            "{:.0} MB/s: {megabytes:.1} MB, {} lines ({} malformed) in {} files, {:.3} s with {} threads",
            report.megabytes_per_second, total.lines, total.malformed, total.files, report.seconds, report.threads,
        )?;
    }
    Ok(())
}

/// All transcripts below `directory`, the largest first, so that no thread ends with a large one while others wait.
fn transcripts(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in WalkDir::new(directory) {
        let entry = entry?;
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|extension| extension == "jsonl") {
            found.push((entry.metadata()?.len(), entry.into_path()));
        }
    }
    found.sort_by(|left, right| right.cmp(left));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn measure(files: &[PathBuf], threads: usize) -> Result<Total> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(files, &next))).collect();
        let mut total = Total::default();
        for worker in workers {
            let part = worker.join().map_err(|_| anyhow!("a thread panicked"))??;
            total.files += part.files;
            total.bytes += part.bytes;
            total.lines += part.lines;
            total.malformed += part.malformed;
        }
        Ok(total)
    })
}

/// Takes one file after the other until none is left.
fn work(files: &[PathBuf], next: &AtomicUsize) -> Result<Total> {
    let mut total = Total::default();
    let mut bytes = Vec::new();
    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        bytes.clear();
        let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
        total.bytes += read.with_context(|| format!("cannot read {}", path.display()))? as u64;
        total.files += 1;
        black_box(Md5::digest(&bytes));
        parse(&bytes, &mut total);
    }
    Ok(total)
}

fn parse(bytes: &[u8], total: &mut Total) {
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let line = bytes.get(begin..end).unwrap_or_default();
        begin = end + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        total.lines += 1;
        if black_box(serde_json::from_slice::<Event<'_>>(line)).is_err() {
            total.malformed += 1;
        }
    }
}
