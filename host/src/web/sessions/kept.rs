//! The index of sessions that pages show, kept until it is out of date: what reports say of all sessions takes a while to
//! read, and people look at several pages.

use std::{sync::Arc, time::Duration};

use crate::{
    http::{
        answer::Refusal,
        reading::{QUERY_LIMITS, report_in_time},
    },
    reports::SessionIndex,
    state::QueryLimits,
    web::{
        kept::{Kept, Lasts},
        state::Web,
    },
};

/// How long an index is good while a run goes on, of which nobody tells what it has committed.
const GOOD: Duration = Duration::from_secs(60);

/// How long an index is kept at most: it takes memory, and names sessions that somebody may have forgotten meanwhile.
const KEPT: Duration = Duration::from_secs(600);

/// What a report may say of all sessions.
const LIMITS: QueryLimits = QueryLimits {
    rows: 2_000_000,
    bytes: 512 << 20,
    memory: QUERY_LIMITS.memory,
};

/// What an index is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) struct IndexOf {
    /// The revision of the results.
    revision: u64,
    /// Whether a run goes on.
    during_run: bool,
}

/// The index, once somebody has looked at it.
pub(in crate::web) type KeptIndex = Kept<IndexOf, Arc<SessionIndex>>;

/// The index of now.
///
/// # Errors
/// When the state cannot be read, or not in time.
pub(super) async fn current(web: &Web) -> Result<Arc<SessionIndex>, Refusal> {
    let host = &web.service.host;
    let of = || IndexOf {
        revision: host.revision(),
        during_run: !host.runs_under_way().is_empty(),
    };
    let lasts = |of: &IndexOf, _: &_| match of.during_run {
        true => Lasts::For(GOOD),
        false => Lasts::UntilChange,
    };
    web.memory.sessions.get(of, |of| read(web, of), lasts).await
}

async fn read(web: &Web, of: IndexOf) -> Result<Arc<SessionIndex>, Refusal> {
    let host = Arc::clone(&web.service.host);
    let index = report_in_time(&web.service, move |reader| {
        let catalogue = host.catalogue();
        Ok(SessionIndex::read(&catalogue, host.settings(), reader, LIMITS)?)
    });
    let index = Arc::new(index.await?);
    let memory = Arc::clone(&web.memory);
    tokio::spawn(async move {
        tokio::time::sleep(KEPT).await;
        memory.sessions.let_go(&of).await;
    });
    Ok(index)
}
