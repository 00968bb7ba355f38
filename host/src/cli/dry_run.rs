//! `session-host run --dry-run`: what a run would attempt, here or from the server that holds the state.
//!
//! No code of a plugin runs: the data directory says which processors the host loaded from the files, and a server has
//! loaded them already.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    Exit,
    arguments::RunOptions,
    inspect_state::processor_name,
    output::{self, UsageError},
    server::{Access, Server, open_or_ask, target},
};
use crate::{
    amounts::grouped,
    clock,
    config::Settings,
    plugins::{Holds, KnownFile, LookOptions, PluginTrust, known_files},
    runner::{Preview, ProcessorPreview, Retries, RetryPolicy, Volume},
    sessions::Transcript,
    state::Reader,
};

/// What is told of a processor or of a file.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    /// A processor, and what its run would attempt.
    Processor(ProcessorPreview),
    /// A file that the host has never loaded.
    Unknown {
        file: String,
        status: &'static str,
        /// All transcripts.
        at_most: Volume,
    },
    /// A file that the host rejects.
    Rejected {
        file: String,
        status: &'static str,
        reason: String,
    },
}

#[derive(Deserialize)]
struct Candidates {
    candidates: Vec<ProcessorPreview>,
}

/// Prints what runs would attempt. Nothing is written.
pub(super) fn dry_run(settings: &Settings, trust: PluginTrust, options: &RunOptions) -> anyhow::Result<Exit> {
    let lines = match open_or_ask(settings, || Reader::look_at_place(&settings.state))? {
        Access::Here(reader) => look_here(settings, trust, reader.as_ref(), &options.processors)?,
        Access::Server(server) => ask(&server, &options.processors)?,
    };
    match options.json {
        true => lines.iter().try_for_each(output::print_json)?,
        false => print_table(&lines)?,
    }
    Ok(Exit::Done)
}

fn ask(server: &Server, names: &[String]) -> anyhow::Result<Vec<Line>> {
    let ask = |name: Option<&str>| -> anyhow::Result<Vec<ProcessorPreview>> {
        let route = target("/api/admin/candidates", &[("processor", name)]);
        Ok(server.get::<Candidates>(&route)?.candidates)
    };
    let previews = match names {
        [] => ask(None)?,
        names => {
            let asked: anyhow::Result<Vec<Vec<ProcessorPreview>>> = names.iter().map(|name| ask(Some(name))).collect();
            asked?.concat()
        }
    };
    Ok(previews.into_iter().map(Line::Processor).collect())
}

fn look_here(
    settings: &Settings,
    trust: PluginTrust,
    reader: Option<&Reader>,
    names: &[String],
) -> anyhow::Result<Vec<Line>> {
    if reader.is_none() && settings.state.file().is_some_and(std::path::Path::exists) {
        anyhow::bail!(
            "cannot tell what a run would attempt, because the state must be restored first: `session-host status` restores it"
        );
    }
    let mut files = known_files(&LookOptions {
        folder: settings.plugins()?,
        data: &settings.data,
        trust,
        pinning: &settings.pinning,
        disabled: &settings.disabled_plugins,
    })?;
    if !names.is_empty() {
        files = named(files, names)?;
    }
    let transcripts = settings.scanner()?.scan()?.transcripts;
    files
        .into_iter()
        .map(|file| line_of(file, &transcripts, reader, &settings.limits.retry))
        .collect()
}

/// The files of the named processors.
fn named(files: Vec<KnownFile>, names: &[String]) -> Result<Vec<KnownFile>, UsageError> {
    let is_of = |file: &KnownFile, wanted: &str| matches!(&file.holds, Holds::Processor { name, .. } if name == wanted);
    for name in names {
        if !files.iter().any(|file| is_of(file, name)) {
            return Err(unknown(name, &files));
        }
    }
    let is_wanted = |file: &KnownFile| names.iter().any(|name| is_of(file, name));
    Ok(files.into_iter().filter(is_wanted).collect())
}

fn unknown(name: &str, files: &[KnownFile]) -> UsageError {
    let known: Vec<&str> = files
        .iter()
        .filter_map(|file| match &file.holds {
            Holds::Processor { name, .. } => Some(name.as_str()),
            Holds::Unknown | Holds::Rejected { .. } => None,
        })
        .collect();
    let known = match known.as_slice() {
        [] => "none".to_owned(),
        known => known.join(", "),
    };
    let hint = match files.iter().any(|file| file.holds == Holds::Unknown) {
        true => "; a run has not loaded all plugin files yet, and a dry run loads none",
        false => "",
    };
    UsageError(format!(
        "there is no processor `{name}`; the known ones are: {known}{hint}"
    ))
}

fn line_of(
    file: KnownFile,
    transcripts: &[Transcript],
    reader: Option<&Reader>,
    policy: &RetryPolicy,
) -> anyhow::Result<Line> {
    let path = file.path.display().to_string();
    match file.holds {
        Holds::Processor { name, output_version } => {
            let processor = processor_name(&name)?;
            let (states, failing) = match reader {
                Some(reader) => (reader.sessions(&processor)?, reader.failing(&processor)?),
                None => (HashMap::new(), HashMap::new()),
            };
            let retries = Retries {
                failing: &failing,
                policy,
                plugin: None,
                now: clock::now(),
            };
            Ok(Line::Processor(ProcessorPreview {
                candidates: Preview::of(transcripts, &states, &retries, output_version),
                processor: name,
            }))
        }
        Holds::Unknown => Ok(Line::Unknown {
            file: path,
            status: "unknown",
            at_most: Volume::of(transcripts),
        }),
        Holds::Rejected { reason } => Ok(Line::Rejected {
            file: path,
            status: "rejected",
            reason,
        }),
    }
}

fn print_table(lines: &[Line]) -> anyhow::Result<()> {
    let header = ["processor", "sessions", "bytes", "new", "changed", "outdated", "failed"];
    let rows = lines.iter().filter_map(|line| match line {
        Line::Processor(preview) => Some(row(preview)),
        Line::Unknown { .. } | Line::Rejected { .. } => None,
    });
    let rows: Vec<[String; 7]> = rows.collect();
    if !rows.is_empty() {
        let mut table = output::table(header, rows);
        output::let_columns_give_way(&mut table, &["bytes"]);
        output::print(table)?;
    }
    for line in lines {
        match line {
            Line::Processor(_) => {}
            Line::Unknown { file, at_most, .. } => output::print(format!(
                "{file} has never been loaded: its first run attempts at most {} sessions ({} bytes)",
                grouped(at_most.sessions),
                grouped(at_most.bytes)
            ))?,
            Line::Rejected { file, reason, .. } => output::print(format!("{file} is rejected: {reason}"))?,
        }
    }
    Ok(())
}

fn row(preview: &ProcessorPreview) -> [String; 7] {
    let candidates = &preview.candidates;
    [
        preview.processor.clone(),
        grouped(candidates.all.sessions),
        grouped(candidates.all.bytes),
        grouped(candidates.new.sessions),
        grouped(candidates.changed.sessions),
        grouped(candidates.outdated.sessions),
        grouped(candidates.failed.sessions),
    ]
}
