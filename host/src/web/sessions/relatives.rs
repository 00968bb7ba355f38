//! The transcripts that belong to a session: those of its subagents, and that of the session that started one.

use std::path::{Path, PathBuf};

use maud::{Markup, html};

use super::shown::shown;
use crate::{
    conversation::{AgentId, Mask, Masked},
    names::SessionKey,
    sessions::Transcript,
    web::addresses,
};

/// How many subagents are listed.
const LISTED: usize = 200;

/// The folder of the transcripts of a session's subagents, in a folder that is called as the session.
const FOLDER: &str = "subagents";

/// The ending of transcripts.
const ENDING: &str = ".jsonl";

/// The transcripts that belong to a session.
#[derive(Debug, Default)]
pub(super) struct Relatives {
    subagents: Vec<AgentId>,
    /// The key of the session, and its file.
    session: Option<(SessionKey, PathBuf)>,
    parent: Option<SessionKey>,
    is_of_a_subagent: bool,
}

impl Relatives {
    /// Looks for them beside the transcript, where the scan finds them too.
    pub(super) fn of(transcript: &Transcript) -> Self {
        let key = &transcript.session;
        Self {
            subagents: subagents(&transcript.path),
            parent: parent(key, &transcript.path),
            is_of_a_subagent: is_of_a_subagent(key),
            session: Some((key.clone(), transcript.path.clone())),
        }
    }

    /// Whether the session is a subagent's.
    pub(super) fn is_of_a_subagent(&self) -> bool {
        self.is_of_a_subagent
    }

    /// The session of a subagent, if it has a transcript of its own.
    pub(super) fn transcript_of(&self, agent: &AgentId) -> Option<SessionKey> {
        let (key, path) = self.session.as_ref()?;
        if self.subagents.contains(agent) {
            return subagent_key(key, agent);
        }
        // Older agents put them beside the session's.
        let name = format!("agent-{}{ENDING}", agent.as_str());
        let folder = key.as_str().rsplit_once('/')?.0;
        let is_there = path.parent()?.join(&name).is_file();
        is_there.then(|| SessionKey::new(format!("{folder}/{name}")))
    }

    /// Links to them.
    pub(super) fn shown(&self, mask: &Mask) -> Markup {
        let of = |agent: &AgentId| {
            Some((
                subagent_key(&self.session.as_ref()?.0, agent)?,
                mask.text(agent.as_str()),
            ))
        };
        let subagents: Vec<(SessionKey, Masked)> = self.subagents.iter().filter_map(of).collect();
        html! {
            @if let Some(parent) = &self.parent { p { (link_to(parent, "The session that started this subagent")) } }
            @if !subagents.is_empty() {
                details {
                    summary { "Subagents: " (subagents.len()) }
                    ul.plain {
                        @for (key, name) in &subagents {
                            li { a href=(addresses::session(key.as_str())) { (shown(name)) } }
                        }
                    }
                }
            }
        }
    }
}

/// A link to a session.
pub(super) fn link_to(session: &SessionKey, label: &'static str) -> Markup {
    html! { a href=(addresses::session(session.as_str())) { (label) } }
}

fn subagent_key(session: &SessionKey, agent: &AgentId) -> Option<SessionKey> {
    let stem = session.as_str().strip_suffix(ENDING)?;
    Some(SessionKey::new(format!(
        "{stem}/{FOLDER}/agent-{}{ENDING}",
        agent.as_str()
    )))
}

fn subagents(session: &Path) -> Vec<AgentId> {
    let folder = session.with_extension("").join(FOLDER);
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        AgentId::new(name.strip_prefix("agent-")?.strip_suffix(ENDING)?)
    });
    let mut names: Vec<AgentId> = names.take(LISTED).collect();
    names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    names
}

fn is_of_a_subagent(session: &SessionKey) -> bool {
    let name = session.as_str().rsplit('/').next().unwrap_or_default();
    name.starts_with("agent-")
}

fn parent(session: &SessionKey, path: &Path) -> Option<SessionKey> {
    let (folder, _) = session.as_str().rsplit_once('/')?;
    let stem = folder.strip_suffix(FOLDER)?.strip_suffix('/')?;
    let mut file = path.parent()?.parent()?.as_os_str().to_owned();
    file.push(ENDING);
    Path::new(&file)
        .is_file()
        .then(|| SessionKey::new(format!("{stem}{ENDING}")))
}
