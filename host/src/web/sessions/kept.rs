//! The index of sessions that pages show, kept until it is out of date: what reports say of all sessions takes a while to
//! read, and people look at several pages.
//!
//! # Threads
//! Whoever comes while the index is read waits for it, so it is read once. A task drops it later.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{
    http::{
        answer::Refusal,
        reading::{QUERY_LIMITS, in_time},
    },
    plugins::Catalogue,
    reports::SessionIndex,
    state::QueryLimits,
    web::state::Web,
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

/// The index, once somebody has looked at it.
#[derive(Default)]
pub(in crate::web) struct KeptIndex(Mutex<Option<Kept>>);

struct Kept {
    index: Arc<SessionIndex>,
    /// The revision of the results that it was read from.
    revision: u64,
    /// The plugins whose reports it holds.
    catalogue: Arc<Catalogue>,
    read_at: Instant,
}

impl KeptIndex {
    /// The index of now.
    ///
    /// # Errors
    /// When the state cannot be read, or not in time.
    pub(super) async fn current(&self, web: &Web) -> Result<Arc<SessionIndex>, Refusal> {
        let mut kept = self.0.lock().await;
        let host = Arc::clone(&web.service.host);
        let (revision, catalogue) = (host.revision(), host.catalogue());
        let is_good = |kept: &&Kept| {
            let is_of_now = kept.revision == revision && Arc::ptr_eq(&kept.catalogue, &catalogue);
            is_of_now && (host.runs_under_way().is_empty() || kept.read_at.elapsed() < GOOD)
        };
        if let Some(kept) = kept.as_ref().filter(is_good) {
            return Ok(Arc::clone(&kept.index));
        }
        // The one before goes first, so that no two are in memory.
        *kept = None;
        let (read_at, of) = (Instant::now(), Arc::clone(&catalogue));
        let index = in_time(&web.service, move |reader| {
            Ok(SessionIndex::read(&of, host.settings(), reader, LIMITS)?)
        });
        let index = Arc::new(index.await?);
        *kept = Some(Kept {
            index: Arc::clone(&index),
            revision,
            catalogue,
            read_at,
        });
        let memory = Arc::clone(&web.memory);
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            memory.sessions.let_go(read_at).await;
        });
        Ok(index)
    }

    /// Drops the index that was read then.
    async fn let_go(&self, read_at: Instant) {
        let mut kept = self.0.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.read_at == read_at) {
            *kept = None;
        }
    }
}
