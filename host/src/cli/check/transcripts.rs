//! The transcripts that a plugin is checked with: copies, so that the check can shorten them.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use walkdir::WalkDir;

use super::{super::output::UsageError, samples};

/// Copies of transcripts, and the folder in which the host finds them.
pub(super) struct Transcripts {
    originals: PathBuf,
    folder: PathBuf,
    /// Their paths below either folder.
    keys: Vec<PathBuf>,
}

impl Transcripts {
    /// Copies the transcripts of a folder, or the samples, below `scratch`.
    pub(super) fn copy(source: Option<&Path>, scratch: &Path) -> anyhow::Result<Self> {
        let originals = match source {
            Some(folder) if folder.is_dir() => folder.to_owned(),
            Some(folder) => return Err(UsageError(format!("the folder {} does not exist", folder.display())).into()),
            None => samples::write(&scratch.join("samples")).context("cannot write the sample transcripts")?,
        };
        let folder = scratch.join("sessions");
        fs::create_dir_all(&folder)?;
        let transcripts = Self {
            keys: keys(&originals),
            originals,
            folder,
        };
        transcripts.restore()?;
        Ok(transcripts)
    }

    /// The sessions directory of the check.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Cuts each transcript down to the first half of its lines: what an earlier version of it may have been.
    pub(super) fn shorten(&self) -> anyhow::Result<()> {
        self.each(|original, copy| fs::write(copy, first_half(&fs::read(original)?)))
    }

    /// Makes each transcript whole again, with its own time.
    pub(super) fn restore(&self) -> anyhow::Result<()> {
        self.each(|original, copy| {
            fs::copy(original, copy)?;
            let modified = fs::metadata(original)?.modified()?;
            File::options().write(true).open(copy)?.set_modified(modified)
        })
    }

    fn each(&self, change: impl Fn(&Path, &Path) -> io::Result<()>) -> anyhow::Result<()> {
        for key in &self.keys {
            let (original, copy) = (self.originals.join(key), self.folder.join(key));
            fs::create_dir_all(copy.parent().unwrap_or(&self.folder))?;
            change(&original, &copy).with_context(|| format!("cannot copy the transcript {}", original.display()))?;
        }
        Ok(())
    }
}

/// The regular files below a folder that the host would take for transcripts.
fn keys(folder: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(folder).follow_links(true).into_iter().flatten();
    let files =
        entries.filter(|entry| entry.file_type().is_file() && entry.path().extension() == Some("jsonl".as_ref()));
    let keys = files.filter_map(|entry| entry.path().strip_prefix(folder).ok().map(Path::to_owned));
    keys.collect()
}

/// The first half of the lines; of a single line, the first half of its bytes.
fn first_half(transcript: &[u8]) -> &[u8] {
    let ends: Vec<usize> = (1..)
        .zip(transcript)
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(end, _)| end)
        .collect();
    let end = match ends.len() {
        0 | 1 => transcript.len() / 2,
        lines => ends[lines / 2 - 1],
    };
    &transcript[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_transcript_ends_with_a_line() {
        assert_eq!(first_half(b"a\nb\nc\nd\n"), b"a\nb\n");
        assert_eq!(first_half(b"a\nb\nc\n"), b"a\n");
        assert_eq!(first_half(b"a\nb"), b"a");
        assert_eq!(first_half(b""), b"");
    }
}
