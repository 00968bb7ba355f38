//! `session-host reprocess`, here or through the server that holds the state.

use serde::Deserialize;

use super::{
    Exit,
    arguments::ReprocessOptions,
    inspect_state::{existing, processor_name, reader},
    output::{self, UsageError},
    server::{Access, Server, target},
};
use crate::{
    amounts::grouped,
    clock,
    config::Settings,
    names::{ProcessorName, SessionKey},
    state::{Marked, ReprocessFilter},
};

/// A server's answer.
#[derive(Deserialize)]
struct Reprocessed {
    sessions: u64,
    bytes: u64,
}

/// Marks sessions to be processed again, or counts those that would be marked.
pub(super) fn reprocess(settings: &Settings, options: &ReprocessOptions) -> anyhow::Result<Exit> {
    let processor = processor_name(&options.processor)?;
    let filter = options.filter();
    if options.dry_run {
        let counted = match reader(settings)? {
            Access::Here(reader) => reader.to_reprocess(&processor, &filter)?,
            Access::Server(server) => ask(&server, &processor, options)?,
        };
        output::print(format!(
            "{} sessions ({} bytes) of {processor} would be marked to be processed again",
            grouped(counted.sessions),
            grouped(counted.bytes)
        ))?;
        return Ok(Exit::Done);
    }
    let marked = match existing(settings)? {
        Access::Here(state) => state.reprocess(&processor, &filter)?,
        Access::Server(server) => ask(&server, &processor, options)?,
    };
    if marked.sessions == 0 {
        return Err(UsageError(format!(
            "processor {processor} has processed {}: see `session-host status`",
            filter.nothing()
        ))
        .into());
    }
    output::print(format!(
        "{} sessions of {processor} will be processed again at its next run",
        marked.sessions
    ))?;
    Ok(Exit::Done)
}

fn ask(server: &Server, processor: &ProcessorName, options: &ReprocessOptions) -> anyhow::Result<Marked> {
    let (since, until) = (options.since.map(clock::text_of), options.until.map(clock::text_of));
    let asked = [
        ("processor", Some(processor.as_str())),
        ("session", options.session.as_deref()),
        ("since", since.as_deref()),
        ("until", until.as_deref()),
        ("user", options.user.as_deref()),
        ("project", options.project.as_deref()),
        ("dry_run", options.dry_run.then_some("true")),
    ];
    let answer: Reprocessed = server.post(&target("/api/admin/reprocess", &asked), String::new())?;
    Ok(Marked {
        sessions: answer.sessions,
        bytes: answer.bytes,
    })
}

impl ReprocessOptions {
    fn filter(&self) -> ReprocessFilter {
        ReprocessFilter {
            session: self.session.as_deref().map(SessionKey::new),
            since: self.since,
            until: self.until,
            user: self.user.clone(),
            project: self.project.clone(),
        }
    }
}
