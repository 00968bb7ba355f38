//! Tells an attempt when it will be abandoned, and whether it should stop before.
//!
//! # Threads
//! A plugin may ask from any thread of its own, as often as it likes: an answer takes the locks of the flight and of the
//! wish to end for a moment.

use std::time::{Duration, Instant};

use super::{
    dispatch::Dispatcher,
    flight::{Flight, TimeOver},
    limits::RunLimits,
};
use crate::plugins::Cancel;

/// How long before its deadline an attempt is told to stop, at most.
const LONGEST_NOTICE: Duration = Duration::from_secs(5);

/// Answers how long one attempt may go on.
#[derive(Clone, Copy)]
pub(super) struct Cancellation<'a> {
    flight: &'a Flight,
    dispatcher: &'a Dispatcher,
    limits: &'a RunLimits,
}

impl<'a> Cancellation<'a> {
    pub(super) fn new(flight: &'a Flight, dispatcher: &'a Dispatcher, limits: &'a RunLimits) -> Self {
        Self {
            flight,
            dispatcher,
            limits,
        }
    }

    fn until_deadline(&self) -> Duration {
        // An abandoned attempt is no longer busy.
        let Some(busy_since) = self.flight.busy_since() else {
            return Duration::ZERO;
        };
        let of_attempt = left(busy_since, self.limits.attempt_timeout);
        match self.dispatcher.stopped_at() {
            Some(stopped_at) => of_attempt.min(left(stopped_at, self.limits.shutdown_grace)),
            None => of_attempt,
        }
    }

    /// The flight remembers if a later run would not get further: an attempt that gives up then has failed.
    fn should_stop(&self) -> bool {
        if self.dispatcher.stopped_at().is_some() {
            return true;
        }
        let notice = LONGEST_NOTICE.min(self.limits.attempt_timeout / 10);
        if self.until_deadline() <= notice {
            self.flight.tell_time_over(TimeOver::OfAttempt);
            return true;
        }
        let is_over = self.dispatcher.time_is_up();
        if is_over && self.has_had_the_time_budget() {
            self.flight.tell_time_over(TimeOver::OfRun);
        }
        is_over
    }

    /// Whether the attempt has had nearly all of the run's time budget.
    fn has_had_the_time_budget(&self) -> bool {
        let had = self.flight.busy_since().map_or(Duration::ZERO, |since| since.elapsed());
        had >= self.limits.time_budget * 9 / 10
    }
}

impl Cancel for Cancellation<'_> {
    fn time_left(&self) -> Duration {
        self.until_deadline()
    }

    fn is_cancelled(&self) -> bool {
        self.should_stop()
    }
}

fn left(since: Instant, allowed: Duration) -> Duration {
    allowed.saturating_sub(since.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::{lane::Lane, retry_policy::RetryPolicy, sample, stop::StopToken};

    const HOUR: Duration = Duration::from_secs(3600);

    fn limits(attempt_timeout: Duration) -> RunLimits {
        RunLimits {
            max_sessions: None,
            time_budget: HOUR,
            workers: 1,
            attempt_timeout,
            shutdown_grace: Duration::from_secs(60),
            max_session_bytes: 1,
            retry: RetryPolicy::default(),
        }
    }

    fn dispatcher(ends_at: Option<Instant>, stop: &StopToken) -> Dispatcher {
        Dispatcher::new(Vec::new(), None, ends_at, stop.clone())
    }

    #[test]
    fn a_stop_cancels_at_once_and_brings_the_deadline_nearer() {
        let (flight, stop, limits) = (sample::flight(), StopToken::default(), limits(HOUR));
        flight.enters(|| Lane::new(1).enter(|| false));
        let dispatcher = dispatcher(None, &stop);
        let cancellation = Cancellation::new(&flight, &dispatcher, &limits);
        assert!(!cancellation.is_cancelled());
        assert!(cancellation.time_left() > HOUR / 2);
        stop.stop();
        assert!(cancellation.is_cancelled());
        assert!(cancellation.time_left() <= limits.shutdown_grace);
        assert_eq!(flight.told_time_over(), None);
    }

    #[test]
    fn the_end_of_the_time_budget_cancels_and_leaves_the_deadline() {
        let (flight, stop, limits) = (sample::flight(), StopToken::default(), limits(HOUR));
        flight.enters(|| Lane::new(1).enter(|| false));
        let dispatcher = dispatcher(Some(Instant::now()), &stop);
        let cancellation = Cancellation::new(&flight, &dispatcher, &limits);
        assert!(cancellation.is_cancelled());
        assert!(cancellation.time_left() > HOUR / 2);
        assert_eq!(flight.told_time_over(), None);
    }

    #[test]
    fn an_attempt_that_had_the_whole_time_budget_would_get_no_further_in_the_next_run() {
        let (flight, stop) = (sample::flight(), StopToken::default());
        let limits = RunLimits {
            time_budget: Duration::ZERO,
            ..limits(HOUR)
        };
        flight.enters(|| Lane::new(1).enter(|| false));
        let dispatcher = dispatcher(Some(Instant::now()), &stop);
        assert!(Cancellation::new(&flight, &dispatcher, &limits).is_cancelled());
        assert_eq!(flight.told_time_over(), Some(TimeOver::OfRun));
    }

    #[test]
    fn an_attempt_whose_own_time_is_over_is_known_to_have_heard_so() {
        let (flight, stop, limits) = (sample::flight(), StopToken::default(), limits(Duration::ZERO));
        flight.enters(|| Lane::new(1).enter(|| false));
        let dispatcher = dispatcher(None, &stop);
        let cancellation = Cancellation::new(&flight, &dispatcher, &limits);
        assert_eq!(flight.told_time_over(), None);
        assert!(cancellation.is_cancelled());
        assert_eq!(flight.told_time_over(), Some(TimeOver::OfAttempt));
    }
}
