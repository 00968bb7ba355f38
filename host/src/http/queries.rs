//! The places for queries, and what happens to a query that takes too long.

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

/// How many queries are run at once; one more waits.
const AT_ONCE: usize = 2;

/// How long after its time a query may go on before health warns of it: one that hears the interrupt ends sooner.
const SOON: Duration = Duration::from_secs(5);

/// How much longer it may go on before it ends the process.
const PATIENCE: Duration = Duration::from_secs(55);

/// The places for queries. Clones share them.
#[derive(Clone, Debug)]
pub struct Queries {
    places: Arc<Semaphore>,
    stuck: Arc<AtomicUsize>,
}

/// A query that goes on although it was interrupted; counted until it is dropped.
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
    /// A place for one query, once there is one.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.places).acquire_owned().await
    }

    /// What there is to say of queries that do not end.
    pub(super) fn trouble(&self) -> Option<String> {
        let stuck = self.stuck.load(Ordering::Relaxed);
        (stuck > 0).then(|| {
            format!(
                "{stuck} of {AT_ONCE} queries were interrupted and go on, since DuckDB hears no interrupt while it plans a statement: they keep others waiting, and the service ends with exit status 1 within {} s, to be started again; the audit log names who asked for them",
                PATIENCE.as_secs()
            )
        })
    }

    /// Interrupts a query whose time is over until it has ended. One that never ends would keep its place, and the state's
    /// file, for ever: it ends the process. What is committed is safe, and systemd starts the service again.
    pub(super) async fn end<T>(self, mut running: JoinHandle<T>, interrupt: Interrupt) {
        let interrupt = || interrupt.interrupt();
        if ends_within(SOON, &mut running, interrupt).await {
            return;
        }
        let _told_by_health = Stuck::counted(&self.stuck);
        tracing::warn!("a query was interrupted and goes on: DuckDB hears no interrupt while it plans a statement");
        if ends_within(PATIENCE, &mut running, interrupt).await {
            return;
        }
        tracing::error!(
            "ending with exit status 1: a query goes on {} s after it was interrupted and keeps its place and the state's file; nothing that was committed is lost",
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

/// Interrupts again and again what runs, since between two statements nobody hears it; whether it has ended in time.
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
    async fn what_never_ends_is_interrupted_until_the_patience_is_over() {
        let mut running = tokio::spawn(pending::<()>());
        let (began, interrupts) = (Instant::now(), Cell::new(0));
        let patience = Duration::from_secs(60);
        assert!(!ends_within(patience, &mut running, || interrupts.set(interrupts.get() + 1)).await);
        assert_eq!(began.elapsed(), patience);
        assert!((500..=601).contains(&interrupts.get()), "{}", interrupts.get());
    }

    #[tokio::test(start_paused = true)]
    async fn what_hears_the_interrupt_ends_at_once() {
        let heard = Arc::new(tokio::sync::Notify::new());
        let hears = Arc::clone(&heard);
        let mut running = tokio::spawn(async move { hears.notified().await });
        assert!(ends_within(PATIENCE, &mut running, || heard.notify_one()).await);
    }

    #[test]
    fn a_query_is_told_as_long_as_it_is_stuck() {
        let queries = Queries::default();
        assert_eq!(queries.trouble(), None);
        let stuck = Stuck::counted(&queries.stuck);
        assert!(queries.trouble().unwrap().contains("1 of 2 queries"));
        drop(stuck);
        assert_eq!(queries.trouble(), None);
    }
}
