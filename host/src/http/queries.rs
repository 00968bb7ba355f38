//! Limits the number of queries, and ends queries that take too long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::sleep,
};

use crate::{process, state::Interrupt};

/// How many queries run at once; further ones wait.
const AT_ONCE: usize = 2;

/// How long a query may still run after its timeout before health warns: a query that obeys the interrupt ends sooner.
const SOON: Duration = Duration::from_secs(5);

/// How much longer it may run before the host ends the process.
const PATIENCE: Duration = Duration::from_secs(55);

/// The places for queries. Clones share them.
#[derive(Clone, Debug)]
pub struct Queries {
    places: Arc<Semaphore>,
    stuck: Arc<AtomicUsize>,
}

/// A query that still runs although it was interrupted; counted until this is dropped.
struct Stuck(Arc<AtomicUsize>);

impl Default for Queries {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            stuck: Arc::default(),
        }
    }
}

impl Queries {
    /// Waits for a place for one query.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.places).acquire_owned().await
    }

    /// The warning about queries that do not end, if there are any.
    pub(super) fn trouble(&self) -> Option<String> {
        let stuck = self.stuck.load(Ordering::Relaxed);
        (stuck > 0).then(|| {
            format!(
                "{stuck} of {AT_ONCE} queries were interrupted but still run, because DuckDB ignores interrupts while it plans a statement: other queries may have to wait; if one does not end within {} s, the service ends with exit status 1 and must be restarted; the audit log has their SQL",
                PATIENCE.as_secs()
            )
        })
    }

    /// Interrupts a query after its timeout until it ends. A query that never ends would hold its place and the state file
    /// forever, so the host ends the process. Committed data is safe, and systemd restarts the service.
    pub(super) async fn end<T>(self, mut running: JoinHandle<T>, interrupt: Interrupt) {
        let interrupt = || interrupt.interrupt();
        if ends_within(SOON, &mut running, interrupt).await {
            return;
        }
        let _told_by_health = Stuck::counted(&self.stuck);
        tracing::warn!("a query was interrupted but still runs: DuckDB ignores interrupts while it plans a statement");
        if ends_within(PATIENCE, &mut running, interrupt).await {
            return;
        }
        tracing::error!(
            "ending with exit status 1: a query still runs {} s after it was interrupted, and holds its place and the state file; committed data is safe",
            (SOON + PATIENCE).as_secs()
        );
        process::end_at_once(1)
    }
}

impl Stuck {
    fn counted(stuck: &Arc<AtomicUsize>) -> Self {
        stuck.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(stuck))
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Interrupts the running query repeatedly, because an interrupt between two statements has no effect. Returns whether it
/// ended in time.
async fn ends_within<T>(patience: Duration, running: &mut JoinHandle<T>, interrupt: impl Fn()) -> bool {
    const AGAIN: Duration = Duration::from_millis(100);
    let interrupting = async {
        loop {
            interrupt();
            sleep(AGAIN).await;
        }
    };
    tokio::select! {
        _ = running => true,
        () = sleep(patience) => false,
        () = interrupting => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_query_that_never_ends_is_interrupted_until_the_patience_is_over() {
        let mut running = tokio::spawn(pending::<()>());
        let (began, interrupts) = (Instant::now(), Cell::new(0));
        let patience = Duration::from_secs(60);
        assert!(!ends_within(patience, &mut running, || interrupts.set(interrupts.get() + 1)).await);
        assert_eq!(began.elapsed(), patience);
        assert!((500..=601).contains(&interrupts.get()), "{}", interrupts.get());
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_obeys_the_interrupt_ends_at_once() {
        let heard = Arc::new(tokio::sync::Notify::new());
        let hears = Arc::clone(&heard);
        let mut running = tokio::spawn(async move { hears.notified().await });
        assert!(ends_within(PATIENCE, &mut running, || heard.notify_one()).await);
    }

    #[test]
    fn health_warns_of_a_query_as_long_as_it_is_stuck() {
        let queries = Queries::default();
        assert_eq!(queries.trouble(), None);
        let stuck = Stuck::counted(&queries.stuck);
        assert!(queries.trouble().unwrap().contains("1 of 2 queries"));
        drop(stuck);
        assert_eq!(queries.trouble(), None);
    }
}
