//! `session-host processors --lock`: pins the plugin files that load now.

use serde::Serialize;

use super::{Exit, arguments::ProcessorsOptions, output, processors::look};
use crate::{
    config::Settings,
    plugins::{Catalogue, FileDigest, LockFile, Pinned, PluginStatus, PluginTrust},
    state::Reader,
};

/// How the pin of a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    /// It had none.
    New,
    /// It had another one.
    Changed,
    /// It stays as it was.
    Unchanged,
    /// It has none any more.
    Removed,
}

/// A line of the output.
#[derive(Serialize)]
struct Line {
    /// The name of the file.
    file: String,
    digest: FileDigest,
    change: Change,
}

/// Writes the digests of the plugin files that load into the lock file, and prints what has changed there.
///
/// The command loads the files itself, even if a server holds the state, and whatever is pinned: it is what replaces pins.
pub(super) fn lock(settings: &Settings, trust: PluginTrust, options: &ProcessorsOptions) -> anyhow::Result<Exit> {
    let file = &settings.pinning.lock;
    let earlier = file.pinned(trust)?;
    // If the state cannot be read now, the plugins' tables are tried in a temporary one.
    let state = Reader::look_at_place(&settings.state).unwrap_or_default();
    let pinned = look(settings, trust, state.as_ref(), None, |catalogue| {
        pins_of(catalogue, &earlier)
    })?;
    file.write(pinned.clone())?;
    print(file, &lines(&earlier, pinned), options)
}

/// The digests of the files that load. A disabled file is not opened, so it keeps its pin.
fn pins_of(catalogue: &Catalogue, earlier: &Pinned) -> Pinned {
    let pins = catalogue.files().iter().filter_map(|file| {
        let name = file.name();
        let digest = match file.status {
            PluginStatus::Loaded(_) | PluginStatus::Unavailable { .. } => file.digest(),
            PluginStatus::Disabled => earlier.get(&name).cloned(),
            PluginStatus::Replaced(_) | PluginStatus::Removed(_) | PluginStatus::Rejected { .. } => None,
        };
        Some((name, digest?))
    });
    pins.collect()
}

fn lines(earlier: &Pinned, pinned: Pinned) -> Vec<Line> {
    let removed = earlier.iter().filter(|(file, _)| !pinned.contains_key(*file));
    let removed = removed.map(|(file, digest)| Line {
        file: file.clone(),
        digest: digest.clone(),
        change: Change::Removed,
    });
    let removed: Vec<Line> = removed.collect();
    let now = pinned.into_iter().map(|(file, digest)| Line {
        change: match earlier.get(&file) {
            None => Change::New,
            Some(pinned) if *pinned == digest => Change::Unchanged,
            Some(_) => Change::Changed,
        },
        file,
        digest,
    });
    now.chain(removed).collect()
}

fn print(file: &LockFile, lines: &[Line], options: &ProcessorsOptions) -> anyhow::Result<Exit> {
    if options.json {
        output::print_json(&lines)?;
        return Ok(Exit::Done);
    }
    let rows = lines.iter().map(|line| {
        let change = match line.change {
            Change::New => "new",
            Change::Changed => "changed",
            Change::Unchanged => "unchanged",
            Change::Removed => "removed",
        };
        [line.file.clone(), line.digest.to_string(), change.to_owned()]
    });
    output::print(output::table(["file", "digest", "pin"], rows))?;
    output::print(format!("wrote {}", file.path().display()))?;
    Ok(Exit::Done)
}
