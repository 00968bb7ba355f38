//! What a thread does in a plugin, and its form as the text of a slot.

use std::{path::Path, sync::Arc};

use super::slot::{Stage, TEXT_BYTES};
use crate::names::{FileHash, ProcessorName, SessionKey};

/// A file of the plugins directory, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// The file's name.
    pub file: Arc<str>,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub digest: Arc<str>,
}

impl Plugin {
    /// The plugin at a path whose content has this digest.
    #[must_use]
    pub fn new(path: &Path, digest: &str) -> Self {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Self {
            file: file.into(),
            digest: digest.into(),
        }
    }
}

/// An attempt: which processor, which session, which version of it.
#[derive(Clone, Copy, Debug)]
pub struct AttemptOf<'a> {
    /// The processor.
    pub processor: &'a ProcessorName,
    /// The session.
    pub session: &'a SessionKey,
    /// The user that it is recorded for.
    pub username: &'a str,
    /// The version of the transcript.
    pub hash: &'a FileHash,
}

/// What a thread is about to do.
#[derive(Clone, Copy, Debug)]
pub enum Work<'a> {
    /// It makes an attempt.
    Attempt(AttemptOf<'a>),
    /// It loads the plugin.
    Loading,
    /// It drops what the plugin made.
    Drop,
}

impl Work<'_> {
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Attempt(_) => Stage::Attempt,
            Self::Loading => Stage::Opening,
            Self::Drop => Stage::Drop,
        }
    }

    /// The text of the slot; `None` if it does not fit.
    pub(super) fn text(&self, plugin: &Plugin) -> Option<Vec<u8>> {
        let mut text = Vec::with_capacity(256);
        push(&mut text, &plugin.file)?;
        push(&mut text, &plugin.digest)?;
        if let Self::Attempt(attempt) = self {
            for field in [
                attempt.processor.as_str(),
                attempt.session.as_str(),
                attempt.username,
                attempt.hash.as_str(),
            ] {
                push(&mut text, field)?;
            }
        }
        (text.len() <= TEXT_BYTES).then_some(text)
    }
}

/// What an earlier process did in a plugin when it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeftWork {
    pub(super) plugin: Plugin,
    pub(super) attempt: Option<LeftAttempt>,
}

/// An attempt that an earlier process did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftAttempt {
    /// The processor.
    pub processor: ProcessorName,
    /// The session.
    pub session: SessionKey,
    /// The user that it is recorded for.
    pub username: String,
    /// The version of the transcript.
    pub hash: FileHash,
}

impl LeftWork {
    /// Reads the text of a slot; `None` if it is something else.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let mut rest = text;
        let plugin = Plugin {
            file: pull(&mut rest)?.into(),
            digest: pull(&mut rest)?.into(),
        };
        if rest.is_empty() {
            return Some(Self { plugin, attempt: None });
        }
        let attempt = LeftAttempt {
            processor: pull(&mut rest)?.parse().ok()?,
            session: SessionKey::new(pull(&mut rest)?),
            username: pull(&mut rest)?.to_owned(),
            hash: FileHash::from_hex(pull(&mut rest)?),
        };
        Some(Self {
            plugin,
            attempt: Some(attempt),
        })
    }
}

fn push(text: &mut Vec<u8>, field: &str) -> Option<()> {
    let length = u16::try_from(field.len()).ok()?;
    text.extend(length.to_ne_bytes());
    text.extend(field.as_bytes());
    Some(())
}

fn pull<'a>(text: &mut &'a [u8]) -> Option<&'a str> {
    let (length, rest) = text.split_first_chunk()?;
    let (field, rest) = rest.split_at_checked(u16::from_ne_bytes(*length).into())?;
    *text = rest;
    str::from_utf8(field).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_is_not() {
        let plugin = Plugin::new(Path::new("/plugins/usage.so"), "ab12");
        let (processor, session) = ("usage".parse().unwrap(), SessionKey::new("alice/a.jsonl"));
        let hash = FileHash::from_hex("00ff");
        let attempt = AttemptOf {
            processor: &processor,
            session: &session,
            username: "alice",
            hash: &hash,
        };
        let text = Work::Attempt(attempt).text(&plugin).unwrap();
        let read = LeftWork::read(&text).unwrap();
        assert_eq!(read.plugin, plugin);
        let read = read.attempt.unwrap();
        assert_eq!((&read.processor, &read.session), (&processor, &session));
        assert_eq!((read.username.as_str(), &read.hash), ("alice", &hash));
        let loading = Work::Loading.text(&plugin).unwrap();
        assert_eq!(LeftWork::read(&loading).unwrap().attempt, None);
        for length in 0..text.len() {
            let is_loading = length == loading.len();
            assert_eq!(LeftWork::read(&text[..length]).is_some(), is_loading, "{length}");
        }
    }

    #[test]
    fn what_does_not_fit_has_no_text() {
        let plugin = Plugin::new(Path::new(&"x".repeat(TEXT_BYTES)), "ab12");
        assert_eq!(Work::Loading.text(&plugin), None);
    }
}
