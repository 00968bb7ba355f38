//! What takes long to calculate, kept until it is out of date.
//!
//! # Threads
//! Whoever asks while it is calculated waits for that, but not for long. So it is calculated once.

use std::time::Duration;

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::http::answer::Refusal;

/// How long somebody waits for a calculation that somebody else began.
const PATIENCE: Duration = Duration::from_secs(35);

/// How long a calculation that failed is not repeated. Those who waited for it would each repeat it, one after the other.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// The latest result `T`, which was calculated of `K`.
#[derive(Debug)]
pub(super) struct Kept<K, T>(Mutex<Option<Latest<K, T>>>);

/// How long a result is good.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lasts {
    /// Until there is another `K`.
    UntilChange,
    /// For so long at most.
    For(Duration),
}

#[derive(Debug)]
struct Latest<K, T> {
    of: K,
    result: Result<T, Refusal>,
    until: Option<Instant>,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: Clone + PartialEq, T: Clone> Kept<K, T> {
    /// The result for the `K` of now; `of` is asked once nobody else calculates.
    ///
    /// # Errors
    /// When the calculation fails, or somebody else's takes too long.
    pub(super) async fn get<F>(
        &self,
        of: impl FnOnce() -> K,
        calculate: impl FnOnce(K) -> F,
        lasts: impl FnOnce(&K, &T) -> Lasts,
    ) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        let latest = timeout(PATIENCE, self.0.lock()).await;
        let mut latest = latest.map_err(|_| Refusal::timeout("this is still being calculated: reload the page"))?;
        let (of, began) = (of(), Instant::now());
        if let Some(known) = latest.as_ref().filter(|known| known.is_good(&of, began)) {
            return known.result.clone();
        }
        // The one before goes first, so that no two are in memory.
        *latest = None;
        let result = calculate(of.clone()).await;
        let lasts = result.as_ref().map_or(Lasts::For(PAUSE), |result| lasts(&of, result));
        let until = match lasts {
            Lasts::UntilChange => None,
            Lasts::For(time) => Some(Instant::now() + time),
        };
        let result = latest.insert(Latest { of, result, until });
        result.result.clone()
    }

    /// Drops the result, if it was calculated of this.
    pub(super) async fn let_go(&self, of: &K) {
        let mut latest = self.0.lock().await;
        if latest.as_ref().is_some_and(|latest| latest.of == *of) {
            *latest = None;
        }
    }
}

impl<K: PartialEq, T> Latest<K, T> {
    fn is_good(&self, of: &K, now: Instant) -> bool {
        self.of == *of && self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicU32, Ordering},
    };

    use super::*;

    /// A kept number, and how often it was calculated.
    #[derive(Default)]
    struct Counted {
        kept: Kept<u32, u32>,
        calculated: AtomicU32,
    }

    impl Counted {
        async fn get(&self, of: u32, result: Result<u32, Refusal>, lasts: Lasts) -> u32 {
            let calculate = |_| async {
                self.calculated.fetch_add(1, Ordering::Relaxed);
                result
            };
            let _ = self.kept.get(|| of, calculate, |_, _| lasts).await;
            self.calculated.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_result_is_kept_until_its_time_is_over_or_something_changes() {
        let counted = Counted::default();
        assert_eq!(counted.get(1, Ok(7), Lasts::UntilChange).await, 1);
        tokio::time::advance(Duration::from_secs(100_000)).await;
        assert_eq!(counted.get(1, Ok(7), Lasts::UntilChange).await, 1);
        assert_eq!(counted.get(2, Ok(8), Lasts::For(PAUSE)).await, 2);
        assert_eq!(counted.get(2, Ok(8), Lasts::For(PAUSE)).await, 2);
        tokio::time::advance(PAUSE).await;
        assert_eq!(
            counted.get(2, Err(Refusal::internal("no")), Lasts::UntilChange).await,
            3
        );
        assert_eq!(counted.get(2, Ok(8), Lasts::UntilChange).await, 3);
        tokio::time::advance(PAUSE).await;
        assert_eq!(counted.get(2, Ok(8), Lasts::UntilChange).await, 4);
        counted.kept.let_go(&1).await;
        assert_eq!(counted.get(2, Ok(8), Lasts::UntilChange).await, 4);
        counted.kept.let_go(&2).await;
        assert_eq!(counted.get(2, Ok(8), Lasts::UntilChange).await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_long_for_the_calculation_of_another() {
        let kept: Kept<u32, u32> = Kept::default();
        let never = kept.get(|| 1, |_| pending(), |_, _| Lasts::UntilChange);
        let other = kept.get(|| 1, |_| async { Ok(1) }, |_, _| Lasts::UntilChange);
        tokio::select! {
            biased;
            _ = never => panic!("it never ends"),
            other = other => assert!(other.is_err()),
        }
    }
}
