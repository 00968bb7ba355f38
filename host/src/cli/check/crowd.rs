//! Many small sessions: copies of the transcripts that the plugin processes, for the rules that need more than a few.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::sessions::Transcript;

/// How many sessions there are.
const SESSIONS: u64 = 100;

/// The size of the largest transcript that is copied: many sessions should not take long.
const LARGEST: u64 = 64 << 10;

/// The sessions.
pub(super) struct Crowd {
    /// The sessions directory.
    pub(super) folder: PathBuf,
}

impl Crowd {
    /// Copies the small ones of these transcripts into a folder, again and again; `None` if all are large.
    pub(super) fn gather(transcripts: &[Transcript], folder: PathBuf) -> io::Result<Option<Self>> {
        let small: Vec<&Transcript> = transcripts.iter().filter(|one| one.size <= LARGEST).collect();
        for (number, transcript) in (0..SESSIONS).zip(small.iter().cycle()) {
            let user = folder.join(format!("copy-{number}"));
            fs::create_dir_all(&user)?;
            let name = transcript.path.file_name().unwrap_or("session.jsonl".as_ref());
            fs::copy(&transcript.path, user.join(Path::new(name)))?;
        }
        Ok((!small.is_empty()).then_some(Self { folder }))
    }
}
