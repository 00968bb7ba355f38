//! Groups failures by cause, so that a thousand sessions that fail from one bug are one line.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{cause::Cause, state::records::failures::Failure};

/// Sessions that fail from one cause, as they are listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCause {
    /// The processor.
    pub processor: String,
    /// How the attempts failed.
    pub kind: String,
    /// How many sessions have this cause.
    pub sessions: u64,
    /// How many of them are in quarantine.
    #[serde(default)]
    pub quarantined: u64,
    /// When the first of them failed for the first time, UTC.
    pub first_failed_at: String,
    /// When the last of them failed, UTC.
    pub last_failed_at: String,
    /// One of the sessions: the one that failed last.
    pub example: String,
    /// The error of its last attempt.
    pub error: String,
}

/// Groups failures by cause, the most frequent cause first.
#[must_use]
pub fn by_cause(failures: Vec<Failure>) -> Vec<FailureCause> {
    let mut causes: BTreeMap<(String, String, Cause), FailureCause> = BTreeMap::new();
    for failure in failures {
        let cause = Cause::of(&failure.session, &failure.error);
        let key = (failure.processor.clone(), failure.kind.clone(), cause);
        match causes.get_mut(&key) {
            Some(known) => known.add(failure),
            None => drop(causes.insert(key, FailureCause::of(failure))),
        }
    }
    let mut causes: Vec<FailureCause> = causes.into_values().collect();
    causes.sort_by(|one, other| {
        let order = other.sessions.cmp(&one.sessions);
        order.then_with(|| other.last_failed_at.cmp(&one.last_failed_at))
    });
    causes
}

/// The sessions of a processor that fail from the cause from which this one fails; none if it does not fail.
#[must_use]
pub fn of_the_same_cause(failures: &[Failure], processor: &str, session: &str) -> BTreeSet<String> {
    let failures = || failures.iter().filter(|failure| failure.processor == processor);
    let cause = |failure: &Failure| (failure.kind.clone(), Cause::of(&failure.session, &failure.error));
    let known = failures().find(|failure| failure.session == session).map(cause);
    let same = failures().filter(|failure| Some(cause(failure)) == known);
    same.map(|failure| failure.session.clone()).collect()
}

impl FailureCause {
    fn of(failure: Failure) -> Self {
        Self {
            processor: failure.processor,
            kind: failure.kind,
            sessions: 1,
            quarantined: failure.quarantined.into(),
            first_failed_at: failure.first_failed_at,
            last_failed_at: failure.last_failed_at,
            example: failure.session,
            error: failure.error,
        }
    }

    fn add(&mut self, failure: Failure) {
        self.sessions += 1;
        self.quarantined += u64::from(failure.quarantined);
        if failure.first_failed_at < self.first_failed_at {
            self.first_failed_at = failure.first_failed_at;
        }
        if failure.last_failed_at > self.last_failed_at {
            self.last_failed_at = failure.last_failed_at;
            self.example = failure.session;
            self.error = failure.error;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(processor: &str, session: &str, kind: &str, error: &str) -> Failure {
        Failure {
            processor: processor.to_owned(),
            session: session.to_owned(),
            username: None,
            attempts: 1,
            first_failed_at: String::new(),
            last_failed_at: String::new(),
            kind: kind.to_owned(),
            error: error.to_owned(),
            quarantined: false,
        }
    }

    #[test]
    fn sessions_of_a_cause_differ_in_name_and_number_alone() {
        let failures = [
            failure("p", "u/a", "error", "u/a: line 7 is bad"),
            failure("p", "u/b", "error", "u/b: line 12 is bad"),
            failure("p", "u/c", "panic", "u/c: line 7 is bad"),
            failure("p", "u/d", "error", "u/d: line 7 is odd"),
            failure("q", "u/b", "error", "u/b: line 7 is bad"),
        ];
        let same = |session| {
            of_the_same_cause(&failures, "p", session)
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(same("u/b"), ["u/a", "u/b"]);
        assert_eq!(same("u/c"), ["u/c"]);
        assert_eq!(same("u/e"), [""; 0]);
    }
}
