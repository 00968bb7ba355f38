//! Which processors are due.

use std::{collections::BTreeMap, time::Duration};

use session_plugin_api::Timestamp;

use super::cadence::{Cadence, checked_add};
use crate::names::ProcessorName;

/// Which processors are due, by their cadences and last runs. Whoever asks says what time it is.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    started_at: Timestamp,
    /// The end of the start-up grace.
    not_before: Timestamp,
    processors: BTreeMap<ProcessorName, Planned>,
}

/// A processor in the plan.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) cadence: Cadence,
    pub(super) last_run: Option<Timestamp>,
}

/// The shortest time from one look at the plan to the next.
const SHORTEST_TICK: Duration = Duration::from_secs(1);

impl Plan {
    /// A plan without processors, by which nothing is due until `startup_grace` has passed since `started_at`.
    #[must_use]
    pub(super) fn new(started_at: Timestamp, startup_grace: Duration) -> Self {
        Self {
            started_at,
            not_before: checked_add(started_at, startup_grace).unwrap_or(Timestamp::from_micros(i64::MAX)),
            processors: BTreeMap::new(),
        }
    }

    /// Plans a processor that last ran at `last_run`, in place of what was planned under its name.
    pub(super) fn set(&mut self, name: ProcessorName, cadence: Cadence, last_run: Option<Timestamp>) {
        self.processors.insert(name, Planned { cadence, last_run });
    }

    /// Forgets the processors that `keep` says no to.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&ProcessorName) -> bool) {
        self.processors.retain(|name, _| keep(name));
    }

    /// What is planned for a processor.
    pub(super) fn get(&self, name: &ProcessorName) -> Option<&Planned> {
        self.processors.get(name)
    }

    /// Notes that a processor ran at `at`. One that is no longer planned is let be.
    pub(super) fn has_run(&mut self, name: &ProcessorName, at: Timestamp) {
        if let Some(planned) = self.processors.get_mut(name) {
            planned.last_run = Some(at);
        }
    }

    /// The processors that are due at `now` and not in flight, in a fair order: first those that have never run, then
    /// the one whose due moment is the longest past.
    #[must_use]
    pub(super) fn due(&self, now: Timestamp, is_in_flight: impl Fn(&ProcessorName) -> bool) -> Vec<ProcessorName> {
        if !self.is_grace_over(now) {
            return Vec::new();
        }
        let mut due: Vec<(&ProcessorName, &Planned)> = self
            .processors
            .iter()
            .filter(|(name, planned)| planned.is_due(now) && !is_in_flight(name))
            .collect();
        due.sort_by_key(|(_, planned)| planned.due_since(now));
        due.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// When a processor is due next, or since when it has been: the end of the grace if it has never run. `None` if it
    /// is not planned, or never due again.
    ///
    /// That a clock which was far ahead has been set back is not seen here: [`Self::due`] does not wait for such a
    /// moment.
    #[must_use]
    pub(super) fn next_due(&self, name: &ProcessorName) -> Option<Timestamp> {
        let planned = self.processors.get(name)?;
        match planned.last_run {
            None => Some(self.not_before),
            Some(last) => planned.cadence.next_after(last).map(|due| due.max(self.not_before)),
        }
    }

    /// How long to wait from one look at the plan to the next: `wanted`, but no longer than the shortest interval among
    /// the cadences, and at least a second.
    #[must_use]
    pub(super) fn tick(&self, wanted: Duration) -> Duration {
        let intervals = self
            .processors
            .values()
            .map(|planned| planned.cadence.shortest_interval());
        intervals.fold(wanted, Duration::min).max(SHORTEST_TICK)
    }

    /// A clock that shows a time before the start was set back since: the grace would not end before it has caught up,
    /// which may take years.
    fn is_grace_over(&self, now: Timestamp) -> bool {
        now >= self.not_before || now < self.started_at
    }
}

impl Planned {
    fn is_due(&self, now: Timestamp) -> bool {
        self.cadence.is_due(self.last_run, now)
    }

    /// Since when a processor that is due has been. `None`, which sorts first, if it has never run or only in a future
    /// that a clock set back has called off.
    fn due_since(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.cadence.next_after(self.last_run?)?;
        (due <= now).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(60);
    const START: &str = "2026-03-01T10:00:00Z";
    const END_OF_GRACE: &str = "2026-03-01T10:01:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn name(text: &str) -> ProcessorName {
        text.parse().unwrap()
    }

    /// A plan that starts at [`START`] with processors of these names, cadences and last runs.
    fn plan(processors: &[(&str, &str, Option<&str>)]) -> Plan {
        let mut plan = Plan::new(at(START), GRACE);
        for (processor, cadence, last_run) in processors {
            plan.set(name(processor), cadence.parse().unwrap(), last_run.map(at));
        }
        plan
    }

    fn due(plan: &Plan, now: &str) -> Vec<String> {
        let due = plan.due(at(now), |_| false);
        due.iter().map(ToString::to_string).collect()
    }

    const NOTHING: [&str; 0] = [];

    #[test]
    fn nothing_is_due_before_the_end_of_the_grace() {
        let plan = plan(&[
            ("new", "every 1s", None),
            ("old", "every 1s", Some("2020-01-01T00:00:00Z")),
        ]);
        assert_eq!(due(&plan, START), NOTHING);
        assert_eq!(due(&plan, "2026-03-01T10:00:59.999999Z"), NOTHING);
        assert_eq!(due(&plan, END_OF_GRACE), ["new", "old"]);
    }

    #[test]
    fn a_clock_set_back_after_the_start_does_not_prolong_the_grace() {
        let plan = plan(&[("new", "every 1s", None)]);
        assert_eq!(due(&plan, "2026-03-01T09:59:59.999999Z"), ["new"]);
        assert_eq!(due(&plan, "2016-03-01T10:00:00Z"), ["new"]);
    }

    #[test]
    fn a_grace_beyond_the_end_of_time_is_survived() {
        let mut plan = Plan::new(at(START), Duration::MAX);
        plan.set(name("new"), Cadence::every_minutes(1), None);
        assert_eq!(due(&plan, "2036-03-01T10:00:00Z"), NOTHING);
        assert_eq!(plan.next_due(&name("new")), Some(Timestamp::from_micros(i64::MAX)));
    }

    #[test]
    fn those_that_never_ran_come_first_and_then_the_longest_past_its_due_moment() {
        let plan = plan(&[
            ("a-hourly", "every 1h", Some("2026-03-01T08:00:00Z")),
            ("b-daily", "daily 03:30", Some("2026-02-28T12:00:00Z")),
            ("c-quarterly", "every 15m", Some("2026-03-01T08:00:00Z")),
            ("d-new", "every 1d", None),
            ("e-fresh", "every 1h", Some("2026-03-01T10:00:00Z")),
            ("f-from-the-future", "every 1h", Some("2036-03-01T10:00:00Z")),
        ]);
        let expected = ["d-new", "f-from-the-future", "b-daily", "c-quarterly", "a-hourly"];
        assert_eq!(due(&plan, "2026-03-01T10:01:00Z"), expected);
    }

    #[test]
    fn what_is_in_flight_is_not_due() {
        let plan = plan(&[("a", "every 1m", None), ("b", "every 1m", None)]);
        assert_eq!(
            plan.due(at(END_OF_GRACE), |processor| *processor == name("a")),
            [name("b")]
        );
    }

    #[test]
    fn a_run_puts_off_the_next_one_to_exactly_the_due_moment() {
        let mut plan = plan(&[("usage", "every 15m", None)]);
        plan.has_run(&name("usage"), at("2026-03-01T10:05:00Z"));
        assert_eq!(due(&plan, "2026-03-01T10:19:59.999999Z"), NOTHING);
        assert_eq!(due(&plan, "2026-03-01T10:20:00Z"), ["usage"]);
    }

    #[test]
    fn a_restart_neither_repeats_nor_skips() {
        let before = [("usage", "daily 03:30, 15:00", Some("2026-03-01T03:30:10Z"))];
        assert_eq!(due(&plan(&before), END_OF_GRACE), NOTHING);
        assert_eq!(due(&plan(&before), "2026-03-01T15:00:00Z"), ["usage"]);

        let missed = [("usage", "daily 03:30, 15:00", Some("2026-02-28T03:30:10Z"))];
        let mut after_downtime = plan(&missed);
        assert_eq!(due(&after_downtime, END_OF_GRACE), ["usage"]);
        after_downtime.has_run(&name("usage"), at(END_OF_GRACE));
        assert_eq!(due(&after_downtime, "2026-03-01T14:59:59Z"), NOTHING);
        assert_eq!(due(&after_downtime, "2026-03-01T15:00:00Z"), ["usage"]);
    }

    #[test]
    fn a_clock_far_ahead_heals_with_one_run() {
        let mut plan = plan(&[("usage", "every 15m", Some("2036-03-01T10:00:00Z"))]);
        assert_eq!(due(&plan, END_OF_GRACE), ["usage"]);
        plan.has_run(&name("usage"), at(END_OF_GRACE));
        assert_eq!(due(&plan, "2026-03-01T10:15:59Z"), NOTHING);
        assert_eq!(due(&plan, "2026-03-01T10:16:00Z"), ["usage"]);
    }

    #[test]
    fn processors_are_replaced_and_forgotten() {
        let mut plan = plan(&[("a", "every 1m", None), ("b", "every 1m", None)]);
        plan.set(name("a"), Cadence::every_minutes(15), Some(at(START)));
        assert_eq!(due(&plan, END_OF_GRACE), ["b"]);
        plan.retain(|processor| *processor == name("a"));
        plan.has_run(&name("b"), at(START));
        assert_eq!(plan.next_due(&name("b")), None);
        assert_eq!(due(&plan, "2026-03-01T10:15:00Z"), ["a"]);
    }

    #[test]
    fn operators_see_when_a_processor_is_due_next() {
        let plan = plan(&[
            ("new", "every 1h", None),
            ("overdue", "every 1h", Some("2026-03-01T08:00:00Z")),
            ("waiting", "daily 03:30", Some("2026-03-01T03:30:10Z")),
        ]);
        assert_eq!(plan.next_due(&name("new")), Some(at(END_OF_GRACE)));
        assert_eq!(plan.next_due(&name("overdue")), Some(at(END_OF_GRACE)));
        assert_eq!(plan.next_due(&name("waiting")), Some(at("2026-03-02T03:30:00Z")));
        assert_eq!(plan.next_due(&name("unknown")), None);
    }

    #[test]
    fn the_tick_is_as_wanted_between_a_second_and_the_shortest_cadence() {
        let seconds = Duration::from_secs;
        assert_eq!(plan(&[]).tick(seconds(300)), seconds(300));
        assert_eq!(plan(&[]).tick(Duration::ZERO), seconds(1));
        let plan = plan(&[("a", "daily 03:30", None), ("b", "every 30s", None)]);
        assert_eq!(plan.tick(seconds(300)), seconds(30));
        assert_eq!(plan.tick(seconds(5)), seconds(5));
    }
}
