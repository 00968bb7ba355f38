//! Determines which processors are due, and in which order.

use std::{collections::BTreeMap, time::Duration};

use session_plugin_api::Timestamp;

use super::cadence::Cadence;
use crate::names::ProcessorName;

/// The scheduled processors, each with its cadence and its last run.
///
/// It reads no clock: every method takes the time.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    started_at: Timestamp,
    not_before: Timestamp,
    entries: BTreeMap<ProcessorName, Entry>,
}

/// A processor in the plan.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) cadence: Cadence,
    /// When its last run began.
    pub(super) last_run: Option<Timestamp>,
}

/// The shortest tick.
const SHORTEST_TICK: Duration = Duration::from_secs(1);

impl Plan {
    /// A plan without processors. No processor is due until the start-up grace is over.
    pub(super) fn new(started_at: Timestamp, startup_grace: Duration) -> Self {
        let grace = i64::try_from(startup_grace.as_micros()).unwrap_or(i64::MAX);
        Self {
            started_at,
            not_before: Timestamp::from_micros(started_at.as_micros().saturating_add(grace)),
            entries: BTreeMap::new(),
        }
    }

    /// Adds a processor, or replaces its entry. `last_run` is `None` if it never ran.
    pub(super) fn set(&mut self, name: ProcessorName, cadence: Cadence, last_run: Option<Timestamp>) {
        self.entries.insert(name, Entry { cadence, last_run });
    }

    /// Keeps only the processors for which `is_kept` returns true.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&ProcessorName) -> bool) {
        self.entries.retain(|name, _| is_kept(name));
    }

    /// The entry of a processor.
    pub(super) fn get(&self, name: &ProcessorName) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Records that a processor ran at this time. A processor that is not in the plan is ignored.
    pub(super) fn has_run(&mut self, name: &ProcessorName, at: Timestamp) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.last_run = Some(at);
        }
    }

    /// The processors that are due and have no run under way: first those that never ran, then those that are overdue
    /// longest.
    pub(super) fn due(&self, now: Timestamp, is_under_way: impl Fn(&ProcessorName) -> bool) -> Vec<ProcessorName> {
        if self.is_in_grace(now) {
            return Vec::new();
        }
        let due = self.entries.iter().filter(|(_, entry)| entry.is_due(now));
        let free = due.filter(|(name, _)| !is_under_way(name));
        let mut waiting: Vec<_> = free.map(|(name, entry)| (entry.due_since(now), name)).collect();
        waiting.sort();
        waiting.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// When a processor is next due, for display: the end of the start-up grace if it never ran. `None` if it is not in the
    /// plan or is never due again.
    pub(super) fn next_due(&self, name: &ProcessorName) -> Option<Timestamp> {
        let entry = self.entries.get(name)?;
        match entry.last_run {
            None => Some(self.not_before),
            Some(last_run) => Some(entry.cadence.next_after(last_run)?.max(self.not_before)),
        }
    }

    /// How long to wait between two ticks: as wanted, but no longer than the shortest cadence, and at least a second.
    pub(super) fn tick(&self, wanted: Duration) -> Duration {
        let intervals = self.entries.values().map(|entry| entry.cadence.shortest_interval());
        intervals.fold(wanted, Duration::min).max(SHORTEST_TICK)
    }

    /// Whether the start-up grace still lasts. A clock set back to before the start ends it: the remainder is then unknown,
    /// and could be years.
    pub(super) fn is_in_grace(&self, now: Timestamp) -> bool {
        self.started_at <= now && now < self.not_before
    }
}

impl Entry {
    fn is_due(&self, now: Timestamp) -> bool {
        self.cadence.is_due(self.last_run, now)
    }

    /// The moment since which it has been due. `None`, which sorts first, if it never ran or if its last run lies in the
    /// future and so tells nothing.
    fn due_since(&self, now: Timestamp) -> Option<Timestamp> {
        let last_run = self.last_run.filter(|last_run| *last_run <= now)?;
        self.cadence.next_after(last_run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn name(text: &str) -> ProcessorName {
        text.parse().unwrap()
    }

    /// A plan that was started long ago, with these processors: name, cadence and last run.
    fn plan(processors: &[(&str, &str, Option<&str>)]) -> Plan {
        started_at("2026-01-01T00:00:00Z", processors)
    }

    fn started_at(start: &str, processors: &[(&str, &str, Option<&str>)]) -> Plan {
        let mut plan = Plan::new(at(start), GRACE);
        for (processor, cadence, last_run) in processors {
            plan.set(name(processor), cadence.parse().unwrap(), last_run.map(at));
        }
        plan
    }

    fn due(plan: &Plan, now: &str) -> Vec<String> {
        let due = plan.due(at(now), |_| false);
        due.iter().map(ProcessorName::to_string).collect()
    }

    #[test]
    fn nothing_is_due_before_the_grace_is_over() {
        let plan = started_at("2026-03-01T00:00:00Z", &[("usage", "every 15m", None)]);
        assert_eq!(due(&plan, "2026-03-01T00:00:00Z"), [""; 0]);
        assert_eq!(due(&plan, "2026-03-01T00:00:29.999999Z"), [""; 0]);
        assert_eq!(due(&plan, "2026-03-01T00:00:30Z"), ["usage"]);
    }

    #[test]
    fn a_clock_set_back_to_before_the_start_ends_the_grace() {
        let plan = started_at("2036-03-01T00:00:00Z", &[("usage", "every 15m", None)]);
        assert_eq!(due(&plan, "2026-03-01T00:00:00Z"), ["usage"]);
    }

    #[test]
    fn a_grace_beyond_the_last_timestamp_never_ends() {
        let mut plan = Plan::new(at("2026-03-01T00:00:00Z"), Duration::MAX);
        plan.set(name("usage"), Cadence::every_minutes(15), None);
        assert_eq!(due(&plan, "2126-03-01T00:00:00Z"), [""; 0]);
    }

    #[test]
    fn the_order_is_fair() {
        let plan = plan(&[
            ("late", "every 15m", Some("2026-03-01T09:40:00Z")),
            ("later", "daily 03:30", Some("2026-02-28T03:30:00Z")),
            ("never", "every 1d", None),
            ("ahead", "every 15m", Some("2036-03-01T00:00:00Z")),
            ("resting", "every 15m", Some("2026-03-01T09:50:00Z")),
            ("latest", "every 15m", Some("2026-02-27T00:00:00Z")),
        ]);
        let expected = ["ahead", "never", "latest", "later", "late"];
        assert_eq!(due(&plan, "2026-03-01T10:00:00Z"), expected);
    }

    #[test]
    fn a_processor_with_a_run_under_way_is_not_due() {
        let plan = plan(&[("a", "every 15m", None), ("b", "every 15m", None)]);
        let now = at("2026-03-01T00:00:00Z");
        assert_eq!(plan.due(now, |processor| processor.as_str() == "a"), [name("b")]);
    }

    #[test]
    fn a_processor_is_due_again_exactly_at_the_boundary() {
        let mut plan = plan(&[("usage", "every 15m", None)]);
        plan.has_run(&name("usage"), at("2026-03-01T00:00:00Z"));
        plan.has_run(&name("unknown"), at("2026-03-01T00:00:00Z"));
        assert_eq!(due(&plan, "2026-03-01T00:00:00Z"), [""; 0]);
        assert_eq!(due(&plan, "2026-03-01T00:14:59.999999Z"), [""; 0]);
        assert_eq!(due(&plan, "2026-03-01T00:15:00Z"), ["usage"]);
    }

    #[test]
    fn missed_times_are_caught_up_once() {
        let nightly = Some("2026-03-01T03:30:00Z");
        let mut plan = plan(&[("cron", "cron 30 3 * * *", nightly), ("daily", "daily 03:30", nightly)]);
        assert_eq!(due(&plan, "2026-03-05T12:00:00Z"), ["cron", "daily"]);
        for processor in ["cron", "daily"] {
            plan.has_run(&name(processor), at("2026-03-05T12:00:00Z"));
        }
        assert_eq!(due(&plan, "2026-03-05T12:00:01Z"), [""; 0]);
        assert_eq!(due(&plan, "2026-03-06T03:29:59Z"), [""; 0]);
        assert_eq!(due(&plan, "2026-03-06T03:30:00Z"), ["cron", "daily"]);
    }

    #[test]
    fn a_restart_neither_repeats_nor_skips() {
        let recorded = Some("2026-03-01T03:30:02Z");
        let processors = [
            ("daily", "daily 03:30, 15:00", recorded),
            ("every", "every 1h", recorded),
        ];
        let soon = started_at("2026-03-01T03:31:00Z", &processors);
        assert_eq!(due(&soon, "2026-03-01T03:31:30Z"), [""; 0]);
        assert_eq!(due(&soon, "2026-03-01T04:30:02Z"), ["every"]);
        // The host was down when one of them became due, and starts just before the other does.
        let late = started_at("2026-03-01T14:59:45Z", &processors);
        assert_eq!(due(&late, "2026-03-01T15:00:00Z"), [""; 0]);
        assert_eq!(due(&late, "2026-03-01T15:00:15Z"), ["every", "daily"]);
    }

    #[test]
    fn a_new_cadence_counts_from_the_same_last_run() {
        let last_run = Some("2026-03-01T00:00:00Z");
        let mut plan = plan(&[("usage", "every 1h", last_run)]);
        assert_eq!(due(&plan, "2026-03-01T00:15:00Z"), [""; 0]);
        plan.set(name("usage"), Cadence::every_minutes(15), last_run.map(at));
        assert_eq!(due(&plan, "2026-03-01T00:15:00Z"), ["usage"]);
    }

    #[test]
    fn a_removed_processor_is_never_due() {
        let mut plan = plan(&[("gone", "every 15m", None), ("kept", "every 15m", None)]);
        plan.retain(|processor| processor.as_str() == "kept");
        assert_eq!(due(&plan, "2026-03-01T00:00:00Z"), ["kept"]);
        assert_eq!(plan.next_due(&name("gone")), None);
    }

    #[test]
    fn operators_see_when_a_processor_is_next_due() {
        let processors = [
            ("leap", "cron 0 0 29 2 *", Some("2026-02-28T12:00:00Z")),
            ("missed", "daily 03:30", Some("2026-02-20T03:30:00Z")),
            ("never", "every 15m", None),
        ];
        let plan = started_at("2026-03-01T00:00:00Z", &processors);
        let next_due = |processor| plan.next_due(&name(processor)).unwrap().to_string();
        assert_eq!(next_due("leap"), "2028-02-29T00:00:00Z");
        assert_eq!(next_due("missed"), "2026-03-01T00:00:30Z");
        assert_eq!(next_due("never"), "2026-03-01T00:00:30Z");
    }

    #[test]
    fn the_tick_is_no_longer_than_the_shortest_cadence() {
        let seconds = Duration::from_secs;
        let plan_of = |cadence| plan(&[("slow", "every 1d", None), ("usage", cadence, None)]);
        assert_eq!(plan(&[]).tick(seconds(60)), seconds(60));
        assert_eq!(plan_of("every 20s").tick(seconds(60)), seconds(20));
        assert_eq!(plan_of("every 1h").tick(seconds(60)), seconds(60));
        assert_eq!(plan_of("every 1h").tick(Duration::ZERO), seconds(1));
    }
}
